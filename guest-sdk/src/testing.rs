//! Tests of handlers: a request in, a response out, without a server.
//!
//! A test stands in the `route.rs` that it is about. `waystation test`, or `cargo test --workspace --lib`, runs it natively. All that a
//! handler may use is there: the path's params, `cookies()`, `headers()`, `now()`, `sleep()`, which does not wait, and random
//! values, which are the same each time.
//!
//! ```
//! waystation::route! { // not written by hand: the build wraps the file in this
//!     pattern = "/items/[slug]",
//!     mod route {
//!         use crate::Params;
//!         use waystation::{Context, Response, Result, cookies};
//!
//!         pub async fn get(context: Context<Params>) -> Result<Response> {
//!             cookies().set(("last", context.params.slug.as_str()));
//!             Ok(Response::text(format!("You asked for {}", context.params.slug)))
//!         }
//!
//!         # pub mod tests {
//!         # use super::get;
//!         # macro_rules! test { ($it:item) => { $it } }
//!         # test! {
//!         // in `#[cfg(test)] mod tests`, marked `#[test]`
//!         pub fn the_item_is_named_and_remembered() {
//!             use waystation::testing::TestRequest;
//!
//!             let response = TestRequest::get("/items/green%20tea").call(get);
//!             assert_eq!(response.status(), 200);
//!             assert_eq!(response.text(), "You asked for green tea");
//!             assert_eq!(response.cookie("last").as_deref(), Some("green tea"));
//!         }
//!         # }
//!         # }
//!     }
//! }
//! # fn main() { route::tests::the_item_is_named_and_remembered() }
//! ```
//!
//! The same request can be sent to the served app: with the SDK's feature `client`, `TestRequest::send` asks the real component, sandbox
//! and all, in a test below `tests/` that `waystation test` runs. The clock and other servers are the test's there too, if it says so.
//!
//! A module like this one is there natively only, so a component carries nothing of it.

#[cfg(feature = "client")]
mod client;
mod handler;
mod kept;
mod network;
mod request;
mod response;
mod run;
#[cfg(test)]
mod units;
mod world;

pub use handler::TestHandler;
pub use request::TestRequest;
pub use response::TestResponse;

pub(crate) use world::World;

#[cfg(test)]
pub(crate) use units::{HAS_STORE, call, in_call, now, request};

use crate::bindings::{context, segment};

/// What a host tells beside the request; the configuration is that of a route without constants.
pub(crate) fn facts(pattern: &str, cookies: Vec<(String, String)>) -> context::Context {
    context::Context {
        request_id: "1".into(),
        pattern: pattern.into(),
        params: Vec::new(),
        cookies,
        client_address: "127.0.0.1".into(),
        draft_mode: false,
        segment: segment::SegmentConfig {
            dynamic: segment::Dynamic::Auto,
            dynamic_params: true,
            revalidate: segment::Revalidate::Unset,
            fetch_cache: segment::FetchCache::Auto,
            runtime: segment::Runtime::Nodejs,
            preferred_region: Vec::new(),
            max_duration: 30,
            isolation: segment::Isolation::Request,
            cpu_ms: 1000,
            body_limit: 10 << 20,
        },
    }
}
