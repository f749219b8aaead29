//! A sitemap: the pages that a search engine is asked to look at.

use std::fmt::{self, Write as _};

use super::{Video, answer};
use crate::error::{Error, Result};
use crate::into_response::IntoResponse;
use crate::response::Response;

/// Pages that search engines are asked to look at: what `sitemap` of `sitemap.rs` returns (rows MD3 and MD13).
///
/// Every text is escaped, so a URL may hold an `&`; in Next it may not. One sitemap has 50,000 pages at most
/// (<https://www.sitemaps.org/protocol.html>).
///
/// ```
/// use waystation::metadata::{Entry, Sitemap};
///
/// pub fn sitemap() -> Sitemap {
///     let items = ["tea", "milk"].into_iter();
///     items.map(|item| Entry::new(format!("https://example.com/items/{item}"))).collect()
/// }
/// # assert!(waystation::testing::TestRequest::get("/sitemap.xml").call(sitemap).text().contains("/items/milk</loc>"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sitemap {
    entries: Vec<Entry>,
}

/// A page of a sitemap.
///
/// ```
/// use waystation::metadata::{ChangeFrequency, Entry};
///
/// let page = Entry::new("https://example.com/items/tea")
///     .last_modified("2026-11-25")
///     .change_frequency(ChangeFrequency::Weekly)
///     .priority(0.8)
///     .alternate("de", "https://example.com/de/items/tea")
///     .image("https://example.com/tea.jpg");
/// # drop(page);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    url: String,
    alternates: Vec<(String, String)>,
    images: Vec<String>,
    videos: Vec<Video>,
    last_modified: Option<String>,
    change_frequency: Option<ChangeFrequency>,
    priority: Option<f32>,
}

/// How often a page is expected to change.
///
/// ```
/// use waystation::metadata::{ChangeFrequency, Entry, Sitemap};
///
/// pub fn sitemap() -> Sitemap {
///     let news = Entry::new("https://example.com/news");
///     Sitemap::new().entry(news.change_frequency(ChangeFrequency::Hourly))
/// }
/// # use waystation::testing::TestRequest;
/// # assert!(TestRequest::get("/sitemap.xml").call(sitemap).text().contains("<changefreq>hourly</changefreq>"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ChangeFrequency {
    Always,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
    Never,
}

impl Sitemap {
    /// A sitemap without pages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a page.
    #[must_use]
    pub fn entry(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    fn xml(&self) -> Result<String> {
        let is_any = |what: fn(&Entry) -> bool| self.entries.iter().any(what);
        let spaces = [
            (true, "xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9"),
            (
                is_any(|entry| !entry.images.is_empty()),
                "xmlns:image",
                "http://www.google.com/schemas/sitemap-image/1.1",
            ),
            (
                is_any(|entry| !entry.videos.is_empty()),
                "xmlns:video",
                "http://www.google.com/schemas/sitemap-video/1.1",
            ),
            (
                is_any(|entry| !entry.alternates.is_empty()),
                "xmlns:xhtml",
                "http://www.w3.org/1999/xhtml",
            ),
        ];
        let mut xml = Xml::default();
        xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset");
        for (_, name, value) in spaces.iter().filter(|(is_used, _, _)| *is_used) {
            xml.raw(&format!(" {name}=\"{value}\""));
        }
        xml.raw(">\n");
        self.entries.iter().for_each(|entry| entry.write(&mut xml));
        xml.raw("</urlset>\n");
        xml.finish()
    }
}

impl FromIterator<Entry> for Sitemap {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }
}

impl Entry {
    /// A page by its absolute URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }

    /// Says when it changed last: `2026-11-25`, or with a time `2026-11-25T18:00:00Z`.
    #[must_use]
    pub fn last_modified(mut self, date: impl Into<String>) -> Self {
        self.last_modified = Some(date.into());
        self
    }

    /// Says how often it is expected to change.
    #[must_use]
    pub fn change_frequency(mut self, frequency: ChangeFrequency) -> Self {
        self.change_frequency = Some(frequency);
        self
    }

    /// Weighs it among the pages of this site, from 0 to 1; 0.5 where nothing is said.
    #[must_use]
    pub fn priority(mut self, priority: f32) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Names the same page in another language, such as `de`.
    #[must_use]
    pub fn alternate(mut self, language: impl Into<String>, url: impl Into<String>) -> Self {
        self.alternates.push((language.into(), url.into()));
        self
    }

    /// Names an image on the page by its absolute URL.
    #[must_use]
    pub fn image(mut self, url: impl Into<String>) -> Self {
        self.images.push(url.into());
        self
    }

    /// Describes a video on the page.
    #[must_use]
    pub fn video(mut self, video: Video) -> Self {
        self.videos.push(video);
        self
    }

    /// In Next's order (row MD13).
    fn write(&self, xml: &mut Xml) {
        xml.raw("<url>\n");
        xml.element("loc", &self.url);
        for (language, url) in &self.alternates {
            xml.raw("<xhtml:link rel=\"alternate\" hreflang=\"");
            xml.text(language);
            xml.raw("\" href=\"");
            xml.text(url);
            xml.raw("\" />\n");
        }
        for url in &self.images {
            xml.raw("<image:image>\n");
            xml.element("image:loc", url);
            xml.raw("</image:image>\n");
        }
        self.videos.iter().for_each(|video| video.write(xml));
        if let Some(date) = &self.last_modified {
            xml.element("lastmod", date);
        }
        if let Some(frequency) = self.change_frequency {
            xml.element("changefreq", &frequency.to_string());
        }
        if let Some(priority) = self.priority {
            xml.element("priority", &priority.to_string());
        }
        xml.raw("</url>\n");
    }
}

impl fmt::Display for ChangeFrequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "always",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
            Self::Never => "never",
        })
    }
}

impl IntoResponse for Sitemap {
    fn into_response(self) -> Result<Response> {
        Ok(answer("application/xml", self.xml()?))
    }
}

/// XML in the making.
#[derive(Default)]
pub(super) struct Xml {
    written: String,
    /// A character that no XML may hold, escaped or not.
    fault: Option<char>,
}

impl Xml {
    pub(super) fn raw(&mut self, markup: &str) {
        self.written.push_str(markup);
    }

    pub(super) fn element(&mut self, name: &str, text: &str) {
        let _ = write!(self.written, "<{name}>"); // a string takes everything
        self.text(text);
        let _ = writeln!(self.written, "</{name}>");
    }

    pub(super) fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.written.push_str("&amp;"),
                '<' => self.written.push_str("&lt;"),
                '>' => self.written.push_str("&gt;"),
                '"' => self.written.push_str("&quot;"),
                '\'' => self.written.push_str("&apos;"),
                '\t' | '\n' | '\r' => self.written.push(c),
                '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => self.fault = Some(c),
                _ => self.written.push(c),
            }
        }
    }

    fn finish(self) -> Result<String> {
        match self.fault {
            None => Ok(self.written),
            Some(c) => Err(Error::message(format!(
                "a text of the sitemap holds {c:?}, which XML cannot hold"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XMLNS: &str = "xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\"";

    #[test]
    fn a_page_is_written_in_the_order_of_next() {
        // MD13
        let entry = Entry::new("https://a.test")
            .priority(0.8)
            .change_frequency(ChangeFrequency::Weekly)
            .last_modified("2026-11-25")
            .image("https://a.test/i.png")
            .alternate("de", "https://a.test/de");
        check(
            Sitemap::new().entry(entry),
            &format!(
                "<urlset {XMLNS} xmlns:image=\"http://www.google.com/schemas/sitemap-image/1.1\" \
                 xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n<url>\n<loc>https://a.test</loc>\n\
                 <xhtml:link rel=\"alternate\" hreflang=\"de\" href=\"https://a.test/de\" />\n\
                 <image:image>\n<image:loc>https://a.test/i.png</image:loc>\n</image:image>\n\
                 <lastmod>2026-11-25</lastmod>\n<changefreq>weekly</changefreq>\n<priority>0.8</priority>\n</url>\n</urlset>\n"
            ),
        );
        check(Sitemap::new(), &format!("<urlset {XMLNS}>\n</urlset>\n"));
    }

    #[test]
    fn every_text_is_escaped() {
        let entries = ["https://a.test/?a=1&b=<'\">"].map(Entry::new);
        let expected = "https://a.test/?a=1&amp;b=&lt;&apos;&quot;&gt;";
        check(
            entries.into_iter().collect(),
            &format!("<urlset {XMLNS}>\n<url>\n<loc>{expected}</loc>\n</url>\n</urlset>\n"),
        );
        let entry = Entry::new("a").alternate("\"><script>", "b");
        let xml = Sitemap::new().entry(entry).xml().unwrap();
        assert!(
            xml.contains("hreflang=\"&quot;&gt;&lt;script&gt;\""),
            "{xml}"
        );
    }

    #[test]
    fn what_no_xml_may_hold_is_an_error() {
        let error = Sitemap::new().entry(Entry::new("a\u{1}")).xml();
        let error = error.unwrap_err().to_string();
        assert_eq!(
            error,
            "a text of the sitemap holds '\\u{1}', which XML cannot hold"
        );
    }

    #[test]
    fn it_is_xml() {
        let response = Sitemap::new().into_response().unwrap();
        assert_eq!(response.headers()["content-type"], "application/xml"); // MD3
    }

    #[track_caller]
    fn check(sitemap: Sitemap, expected: &str) {
        let xml = sitemap.xml().unwrap();
        let expected = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{expected}");
        assert_eq!(xml, expected);
    }
}
