//! The HTTP types that every room shares: what a body is on its way in and on its way out.
//!
//! In: hyper's bodies. Out: [`RequestBody`], which ends with an error where the route's limit is passed, and [`Body`], which hyper sends.

mod request;
mod response;

pub use request::RequestBody;
pub use response::{Body, BodyError, empty, whole};

/// A response on its way to the client.
pub type Response = http::Response<Body>;
