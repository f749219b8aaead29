//! The HTTP types that every room shares: what a body is on its way in and on its way out.
//!
//! In: hyper's bodies, and files. Out: [`RequestBody`], which ends with an error where the guest's limit is passed, and [`Body`], which hyper
//! sends, [`compressed()`] if the client takes that.

mod collected;
mod compressed;
mod file;
mod request;
mod response;

pub use collected::{Begun, Collected, collect};
pub use compressed::compressed;
pub use file::OpenFile;
pub use request::{RequestBody, Upload};
pub use response::{Body, BodyError, empty, whole};

/// A response on its way to the client.
pub type Response = http::Response<Body>;
