//! A video on a page of a sitemap.

use super::sitemap::Xml;

/// A video on a page of a sitemap, as Google's extension describes it.
///
/// ```
/// use waystation::metadata::{Entry, Video};
///
/// let video = Video::new("How to brew", "https://example.com/brew.jpg", "Tea in four minutes")
///     .content("https://example.com/brew.mp4")
///     .duration(240);
/// let page = Entry::new("https://example.com/brew").video(video);
/// # drop(page);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Video {
    title: String,
    thumbnail: String,
    description: String,
    /// Element and text.
    more: Vec<(&'static str, String)>,
}

impl Video {
    /// A video by its title, the absolute URL of a still picture, and what is in it.
    pub fn new(
        title: impl Into<String>,
        thumbnail: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            thumbnail: thumbnail.into(),
            description: description.into(),
            more: Vec::new(),
        }
    }

    /// Where the video itself is.
    #[must_use]
    pub fn content(self, url: impl Into<String>) -> Self {
        self.with("content_loc", url)
    }

    /// Where a player for it is.
    #[must_use]
    pub fn player(self, url: impl Into<String>) -> Self {
        self.with("player_loc", url)
    }

    /// How long it is.
    #[must_use]
    pub fn duration(self, seconds: u32) -> Self {
        self.with("duration", seconds.to_string())
    }

    /// When it was first published: `2026-11-25`.
    #[must_use]
    pub fn publication_date(self, date: impl Into<String>) -> Self {
        self.with("publication_date", date)
    }

    /// When it will no longer be there.
    #[must_use]
    pub fn expiration_date(self, date: impl Into<String>) -> Self {
        self.with("expiration_date", date)
    }

    /// Whether children may see it.
    #[must_use]
    pub fn family_friendly(self, is: bool) -> Self {
        self.with("family_friendly", if is { "yes" } else { "no" })
    }

    /// Whether it is going on now.
    #[must_use]
    pub fn live(self, is: bool) -> Self {
        self.with("live", if is { "yes" } else { "no" })
    }

    fn with(mut self, element: &'static str, text: impl Into<String>) -> Self {
        self.more.push((element, text.into()));
        self
    }

    pub(super) fn write(&self, xml: &mut Xml) {
        xml.raw("<video:video>\n");
        xml.element("video:title", &self.title);
        xml.element("video:thumbnail_loc", &self.thumbnail);
        xml.element("video:description", &self.description);
        for (element, text) in &self.more {
            xml.element(&format!("video:{element}"), text);
        }
        xml.raw("</video:video>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Entry, Sitemap};
    use crate::{IntoResponse as _, testing};

    #[test]
    fn a_video_is_its_elements_in_a_space_of_their_own() {
        let video = Video::new("A & B", "https://a.test/t.png", "Both")
            .content("https://a.test/v.mp4")
            .duration(90)
            .family_friendly(true);
        let sitemap = Sitemap::new().entry(Entry::new("https://a.test").video(video));
        let response = sitemap.into_response().unwrap();
        let xml = testing::now(response.into_body().bytes()).unwrap();
        let xml = String::from_utf8_lossy(&xml).into_owned();
        let expected = "<loc>https://a.test</loc>\n<video:video>\n<video:title>A &amp; B</video:title>\n\
                        <video:thumbnail_loc>https://a.test/t.png</video:thumbnail_loc>\n\
                        <video:description>Both</video:description>\n\
                        <video:content_loc>https://a.test/v.mp4</video:content_loc>\n\
                        <video:duration>90</video:duration>\n\
                        <video:family_friendly>yes</video:family_friendly>\n</video:video>\n</url>";
        assert!(xml.contains(expected), "{xml}");
        assert!(xml.contains("xmlns:video="), "{xml}");
    }
}
