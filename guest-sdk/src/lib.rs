//! Route handlers as in Next.js, written in Rust.
//!
//! A file `app/items/[slug]/route.rs` answers `/items/...`. It is plain Rust: a public function for each method, and public constants for
//! the route's configuration.
//!
//! ```
//! waystation::route! { // not written by hand: the build wraps the file in this
//!     pattern = "/items/[slug]",
//!     mod route {
//!         use crate::Params;
//!         use serde::{Deserialize, Serialize};
//!         use waystation::{Context, Json, Request, Response, Result, Revalidate};
//!
//!         #[derive(Deserialize, Serialize)]
//!         pub struct Item { name: String }
//!
//!         pub const REVALIDATE: Revalidate = Revalidate::seconds(60);
//!
//!         pub async fn get(_request: Request, context: Context<Params>) -> Json<Item> {
//!             Json(Item { name: context.params.slug })
//!         }
//!
//!         pub async fn post(request: Request) -> Result<Response> {
//!             let item: Item = request.json().await?;
//!             Response::builder().status(201).json(&item)
//!         }
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! Whoever knows Next.js finds each of its examples beside its counterpart in [`from_route_ts`].
//!
//! # Handlers
//!
//! `get head post put patch delete options query`, sync or async, with [`Request`], [`Context`], both or neither as arguments. They return
//! anything that is [`IntoResponse`], or a [`Result`] of it. Without `head`, HEAD runs `get`; without `options`, the host lists the methods.
//!
//! # Constants
//!
//! | constant | type |
//! |---|---|
//! | `DYNAMIC` | [`Dynamic`] |
//! | `DYNAMIC_PARAMS` | `bool` |
//! | `REVALIDATE` | [`Revalidate`] |
//! | `FETCH_CACHE` | [`FetchCache`] |
//! | `RUNTIME` | [`Runtime`] |
//! | `PREFERRED_REGION` | `&str` or `&[&str]` |
//! | `MAX_DURATION` | `u32`, in seconds |
//! | `ISOLATION` | [`Isolation`] |
//! | `CPU_MS` | `u32`, in milliseconds of execution |
//! | `BODY_LIMIT` | `u64`, in bytes |
//! | `CORS` | [`Cors`] |
//!
//! # Answers that are kept
//!
//! With `REVALIDATE`, `DYNAMIC` or `generate_static_params`, the answers of `get` are made once and kept, as long as the handler reads
//! nothing of the request but its method, its path and the params: no headers, cookies, query or body, no `client_address` and no
//! [`connection`]. [`revalidate_tag`] and [`revalidate_path`] take them out of date.
//!
//! `generate_static_params`, sync or async, lists the params whose answers are made at build time: a `Vec` or an array of `crate::Params`,
//! or a [`Result`] of one (rows SP1 to SP4).
//!
//! ```
//! waystation::route! {
//!     pattern = "/blog/[slug]",
//!     mod route {
//!         use crate::Params;
//!         use waystation::Context;
//!
//!         pub fn generate_static_params() -> Vec<Params> {
//!             vec![Params { slug: "tea".into() }, Params { slug: "milk".into() }]
//!         }
//!
//!         pub fn get(context: Context<Params>) -> String {
//!             context.params.slug
//!         }
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! # Proxies
//!
//! A file `proxy.rs` beside `app/`, or in a folder of it, is asked before the routes below it: its function `proxy` takes what a handler
//! takes and returns [`Next`] to let the request go on, with other headers or to another path, or anything that a handler returns, to
//! answer it. Of the constants it has `MATCHER` (`&str`, `&[&str]`, [`Matcher`] or `&[Matcher]`), `MAX_DURATION`, `ISOLATION`, `CPU_MS`
//! and `BODY_LIMIT`, which for a proxy is how much of the body it may read itself.
//!
//! # Metadata
//!
//! `robots.rs`, `sitemap.rs`, `manifest.rs` and images have one function instead of handlers; see [`metadata`].
//!
//! # Features
//!
//! `portable` (on by default): outside of development builds, the component also exports `wasi:http/handler@0.3`, so that other WASI
//! hosts can run it.
//!
//! `client`: tests can ask the served app over HTTP. Native only; it belongs into `[dev-dependencies]`.
//!
//! # From anywhere in a handler
//!
//! [`cookies()`], [`headers()`], [`redirect`], [`permanent_redirect`], [`not_found`], [`forbidden`], [`unauthorized`], [`after`],
//! [`connection`], [`sleep`], [`now`], [`random_bytes`], [`random_u64`], [`fetch()`], [`cached`], [`revalidate_tag`], [`revalidate_path`],
//! [`update_tag`], [`draft_mode`].
//!
//! # Tests
//!
//! Natively, [`testing`] runs a handler without a server: `TestRequest::get("/items/tea").call(get)`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop there"))]

mod after;
mod ambient;
mod body;
mod body_error;
mod cached;
mod call;
mod connection;
mod context;
mod cookie;
mod cookies;
mod cors;
mod disposition;
mod draft_mode;
mod error;
pub mod fetch;
mod forbidden_header;
mod form_data;
#[doc = include_str!("from_route_ts.md")]
#[doc = include_str!("from_route_ts/caching.md")]
pub mod from_route_ts {}
mod handler;
mod headers;
mod incoming;
mod into_response;
mod life;
mod matcher;
pub mod metadata;
mod multipart;
mod navigation;
mod next;
mod noted;
mod outgoing;
mod params;
#[cfg(any(not(target_family = "wasm"), feature = "portable"))]
mod pattern;
#[cfg(feature = "portable")]
mod portable;
mod random;
mod request;
mod response;
mod revalidate;
mod section;
mod segment;
#[cfg(any(not(target_family = "wasm"), feature = "portable"))]
mod set_cookie;
mod signal;
pub mod sse;
mod static_params;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod time;
mod url;
pub mod user_agent;
mod writer;

/// Without the feature `portable` there is nothing to export for other hosts.
#[doc(hidden)]
#[cfg(not(feature = "portable"))]
#[macro_export]
macro_rules! __portable {
    ($exported:ident, $pattern:expr, $handlers:expr) => {};
}

#[doc(hidden)]
#[allow(
    clippy::all,
    missing_docs,
    unreachable_pub,
    unsafe_code,
    reason = "generated"
)]
pub mod bindings;

pub use after::{IntoDone, after};
pub use body::{Body, IntoChunk};
pub use body_error::BodyError;
pub use bytes::Bytes;
pub use cached::{Cached, cached};
pub use connection::connection;
pub use context::Context;
pub use cookie::{Cookie, Priority, SameSite};
pub use cookies::{Cookies, Deletion, RequestCookies, cookies};
pub use cors::Cors;
pub use draft_mode::{DraftMode, draft_mode};
pub use error::{Error, Result};
pub use fetch::fetch;
pub use forbidden_header::ForbiddenHeader;
pub use form_data::{File, FormData, FormValue};
pub use handler::FromCall;
pub use headers::{Headers, headers};
pub use http;
pub use http::StatusCode;
pub use into_response::{Html, IntoHeaders, IntoResponse, Json};
pub use life::Life;
pub use matcher::{Condition, Matcher};
pub use multipart::{Field, Multipart};
pub use navigation::{forbidden, not_found, permanent_redirect, redirect, unauthorized};
pub use next::Next;
pub use params::FromParams;
pub use random::{random_bytes, random_u64};
pub use request::Request;
pub use response::{Builder, Response};
pub use revalidate::{Expire, PathKind, Paths, revalidate_path, revalidate_tag, update_tag};
pub use segment::{Dynamic, FetchCache, Isolation, Revalidate, Runtime, Segment};
pub use signal::AbortSignal;
pub use time::{now, sleep};
pub use url::{SearchParams, Url};
pub use user_agent::UserAgent;
pub use waystation_macros::{proxy, route};
pub use writer::Writer;

/// What `route!` expands to; not for use by hand.
#[doc(hidden)]
#[allow(missing_docs, reason = "not for use by hand")]
pub mod __private {
    pub use crate::bindings::context::{Context as Facts, Param};
    pub use crate::bindings::outcome::{Failure, Outcome};
    pub use crate::bindings::verdict::Verdict;
    pub use crate::bindings::{
        delete, get, head, options, patch, post, proxy, put, query, static_params,
    };
    pub use crate::call::Call;
    pub use crate::handler::{Handler, Pending, decide, handle};
    pub use crate::matcher::Matchers;
    pub use crate::metadata::unlisted;
    pub use crate::params::RawParams;
    #[cfg(feature = "portable")]
    pub use crate::portable::{Route, handle as handle_anywhere};
    pub use crate::section::{Config, Section};
    pub use crate::static_params::{IntoParams, IntoStaticParams, listed, param};
    pub use std::rc::Rc;
    pub use wasip3;
    pub use wasip3::http::types as wasi;
}
