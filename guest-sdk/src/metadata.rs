//! What the metadata modules of an app answer with: `robots.rs`, `sitemap.rs`, `manifest.rs`, and images for links and icons.
//!
//! Such a file lies in `app/` where Next has its `robots.ts` and the like, and has one function instead of handlers:
//!
//! | file | function | answers |
//! |---|---|---|
//! | `app/robots.rs` | `robots` | `/robots.txt` with [`Robots`] |
//! | `app/manifest.rs` | `manifest` | `/manifest.webmanifest` with [`Manifest`] |
//! | `sitemap.rs` in any folder | `sitemap` | `/../sitemap.xml` with [`Sitemap`] |
//! | `opengraph-image.rs`, `twitter-image.rs`, `icon.rs`, `apple-icon.rs` in any folder | `image` | `/../opengraph-image` with [`Image`] |
//!
//! The function takes and returns what a handler may, and the constants of a route configure it.
//!
//! ```
//! waystation::route! { // not written by hand: the build wraps `app/robots.rs` in this
//!     pattern = "/robots.txt",
//!     function = "robots",
//!     mod route {
//!         use waystation::metadata::{Robots, Rule};
//!
//!         pub fn robots() -> Robots {
//!             Robots::new()
//!                 .rule(Rule::everyone().allow("/").disallow("/private/"))
//!                 .sitemap("https://example.com/sitemap.xml")
//!         }
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! # Several from one file
//!
//! With a function `generate_sitemaps`, `sitemap.rs` answers `/../sitemap/<id>.xml` for each id that it lists, and 404 for any other
//! (row MD9); with `generate_image_metadata`, an image's file answers `/../icon/<id>` (row MD10). The function that answers may take the
//! [`Id`].
//!
//! ```
//! waystation::route! {
//!     pattern = "/items/sitemap/[__metadata_id__]",
//!     function = "sitemap",
//!     lists = "generate_sitemaps",
//!     mod route {
//!         use waystation::metadata::{Entry, Id, Sitemap};
//!
//!         pub fn generate_sitemaps() -> Vec<u32> {
//!             vec![0, 1]
//!         }
//!
//!         pub fn sitemap(id: Id) -> Sitemap {
//!             Sitemap::new().entry(Entry::new(format!("https://example.com/items/{id}")))
//!         }
//!     }
//! }
//! # fn main() {}
//! ```

mod id;
mod image;
mod manifest;
mod robots;
mod sitemap;
mod video;

pub use id::Id;
pub use image::Image;
pub use manifest::{Icon, Manifest};
pub use robots::{Robots, Rule};
pub use sitemap::{ChangeFrequency, Entry, Sitemap};
pub use video::Video;

#[doc(hidden)]
pub use id::unlisted;

use http::HeaderValue;
use http::header::CACHE_CONTROL;

use crate::body::Body;
use crate::response::Response;

/// Kept by a client, and asked for again each time (row MD14).
fn answer(content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::typed(content_type, body);
    let kept = HeaderValue::from_static("public, max-age=0, must-revalidate");
    response.headers_mut().insert(CACHE_CONTROL, kept);
    response
}
