//! A web app manifest: what a site is called and looks like once it is installed.

use serde::Serialize;
use serde_json::{Map, Value};

use super::answer;
use crate::error::Result;
use crate::into_response::IntoResponse;
use crate::response::Response;

/// What a site is called and looks like once it is installed: what `manifest` of `app/manifest.rs` returns (row MD4).
///
/// Every member that has a method is of the type that browsers expect (<https://developer.mozilla.org/docs/Web/Manifest>);
/// [`Manifest::with`] takes any other.
///
/// ```
/// use waystation::metadata::{Icon, Manifest};
///
/// pub fn manifest() -> Manifest {
///     Manifest::new("The Shop")
///         .start_url("/")
///         .display("standalone")
///         .theme_color("#336699")
///         .icon(Icon::new("/icon.png").sizes("192x192").kind("image/png"))
///         .with("categories", vec!["shopping"])
/// }
/// # let response = waystation::testing::TestRequest::get("/manifest.webmanifest").call(manifest);
/// # assert_eq!(response.json::<serde_json::Value>()["icons"][0]["src"], "/icon.png");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    members: Map<String, Value>,
}

/// A picture of an installed site.
///
/// ```
/// use waystation::metadata::Icon;
///
/// let icon = Icon::new("/maskable.png").sizes("512x512").kind("image/png").purpose("maskable");
/// # drop(icon);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Icon {
    src: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sizes: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
}

impl Manifest {
    /// A site by its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self::default().with("name", name.into())
    }

    /// The name where there is little room.
    #[must_use]
    pub fn short_name(self, name: impl Into<String>) -> Self {
        self.with("short_name", name.into())
    }

    /// What the site does.
    #[must_use]
    pub fn description(self, text: impl Into<String>) -> Self {
        self.with("description", text.into())
    }

    /// The path that opens first.
    #[must_use]
    pub fn start_url(self, url: impl Into<String>) -> Self {
        self.with("start_url", url.into())
    }

    /// The paths that belong to the site.
    #[must_use]
    pub fn scope(self, url: impl Into<String>) -> Self {
        self.with("scope", url.into())
    }

    /// `fullscreen`, `standalone`, `minimal-ui` or `browser`.
    #[must_use]
    pub fn display(self, mode: impl Into<String>) -> Self {
        self.with("display", mode.into())
    }

    /// `portrait`, `landscape` or another of the specification.
    #[must_use]
    pub fn orientation(self, orientation: impl Into<String>) -> Self {
        self.with("orientation", orientation.into())
    }

    /// The colour of what is around the site: `#336699`.
    #[must_use]
    pub fn theme_color(self, color: impl Into<String>) -> Self {
        self.with("theme_color", color.into())
    }

    /// The colour until the site has drawn itself.
    #[must_use]
    pub fn background_color(self, color: impl Into<String>) -> Self {
        self.with("background_color", color.into())
    }

    /// Adds a picture.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        let icons = self
            .members
            .entry("icons")
            .or_insert_with(|| Value::Array(Vec::new()));
        if let (Value::Array(icons), Ok(icon)) = (icons, serde_json::to_value(icon)) {
            icons.push(icon);
        }
        self
    }

    /// Sets any member, such as `categories`.
    #[must_use]
    pub fn with(mut self, member: impl Into<String>, value: impl Into<Value>) -> Self {
        self.members.insert(member.into(), value.into());
        self
    }
}

impl Icon {
    /// A picture by its path or URL.
    pub fn new(src: impl Into<String>) -> Self {
        Self {
            src: src.into(),
            sizes: None,
            kind: None,
            purpose: None,
        }
    }

    /// The sizes that are in it: `192x192`, or `any` for an SVG.
    #[must_use]
    pub fn sizes(mut self, sizes: impl Into<String>) -> Self {
        self.sizes = Some(sizes.into());
        self
    }

    /// What it is: `image/png`.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// What it is good for: `maskable`, `monochrome` or `any`.
    #[must_use]
    pub fn purpose(mut self, purpose: impl Into<String>) -> Self {
        self.purpose = Some(purpose.into());
        self
    }
}

impl IntoResponse for Manifest {
    fn into_response(self) -> Result<Response> {
        let json = serde_json::to_string(&self.members)?;
        Ok(answer("application/manifest+json", json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_manifest_is_its_members_as_json() {
        // MD4
        let icon = Icon::new("/icon.svg").sizes("any").kind("image/svg+xml");
        let manifest = Manifest::new("Shop")
            .start_url("/")
            .display("standalone")
            .icon(icon)
            .icon(Icon::new("/b.png").purpose("maskable"))
            .with("categories", vec!["shopping"]);
        let response = manifest.into_response().unwrap();
        assert_eq!(
            response.headers()["content-type"],
            "application/manifest+json"
        );
        let json = testing::now(response.into_body().bytes()).unwrap();
        let found: Value = serde_json::from_slice(&json).unwrap();
        let expected = serde_json::json!({
            "name": "Shop",
            "start_url": "/",
            "display": "standalone",
            "icons": [
                { "src": "/icon.svg", "sizes": "any", "type": "image/svg+xml" },
                { "src": "/b.png", "purpose": "maskable" },
            ],
            "categories": ["shopping"],
        });
        assert_eq!(found, expected);
    }
}
