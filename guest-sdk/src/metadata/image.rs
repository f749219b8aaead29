//! An image that a metadata module makes.

use bytes::Bytes;

use super::answer;
use crate::error::Result;
use crate::into_response::IntoResponse;
use crate::response::Response;

/// An image: what `image` of `opengraph-image.rs`, `twitter-image.rs`, `icon.rs` and `apple-icon.rs` returns (rows MD5 and MD6).
///
/// Clients may keep it, and ask again each time (row MD14). For links, 1200 by 630 pixels are usual.
///
/// ```
/// use waystation::metadata::Image;
///
/// pub fn image() -> Image {
///     Image::svg("<svg xmlns='http://www.w3.org/2000/svg'><circle r='9'/></svg>")
/// }
/// # let response = waystation::testing::TestRequest::get("/icon").call(image);
/// # assert_eq!(response.header("content-type"), Some("image/svg+xml"));
/// ```
#[derive(Clone, Debug)]
pub struct Image {
    content_type: &'static str,
    bytes: Bytes,
}

impl Image {
    /// A PNG, as it is in a file.
    pub fn png(bytes: impl Into<Bytes>) -> Self {
        Self::new("image/png", bytes)
    }

    /// A JPEG, as it is in a file.
    pub fn jpeg(bytes: impl Into<Bytes>) -> Self {
        Self::new("image/jpeg", bytes)
    }

    /// An SVG: good for icons; those who show links do not take it.
    pub fn svg(text: impl Into<String>) -> Self {
        Self::new("image/svg+xml", text.into())
    }

    /// An image of any kind, such as `image/webp`.
    pub fn new(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self {
            content_type,
            bytes: bytes.into(),
        }
    }
}

impl IntoResponse for Image {
    fn into_response(self) -> Result<Response> {
        Ok(answer(self.content_type, self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_says_what_it_is_and_how_long_it_may_be_kept() {
        check(Image::png(vec![1]), "image/png"); // MD6
        check(Image::jpeg(vec![1]), "image/jpeg");
        check(Image::svg("<svg/>"), "image/svg+xml");
        check(Image::new("image/webp", vec![1]), "image/webp");
    }

    #[track_caller]
    fn check(image: Image, content_type: &str) {
        let response = image.into_response().unwrap();
        assert_eq!(response.headers()["content-type"], content_type);
        let kept = "public, max-age=0, must-revalidate"; // MD14
        assert_eq!(response.headers()["cache-control"], kept);
    }
}
