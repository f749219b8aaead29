//! `robots.txt`: what crawlers may ask for.

use super::answer;
use crate::error::{Error, Result};
use crate::into_response::IntoResponse;
use crate::response::Response;

/// What crawlers may ask for: what `robots` of `app/robots.rs` returns (rows MD2 and MD12).
///
/// ```
/// use waystation::{metadata::{Robots, Rule}, testing::TestRequest};
///
/// fn robots() -> Robots {
///     Robots::new()
///         .rule(Rule::everyone().disallow("/private/"))
///         .sitemap("https://example.com/sitemap.xml")
/// }
///
/// let response = TestRequest::get("/robots.txt").call(robots);
/// let expected = "User-Agent: *\nDisallow: /private/\n\nSitemap: https://example.com/sitemap.xml\n";
/// assert_eq!(response.text(), expected);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Robots {
    rules: Vec<Rule>,
    host: Option<String>,
    sitemaps: Vec<String>,
}

/// What some crawlers may ask for.
///
/// ```
/// use waystation::metadata::Rule;
///
/// let rule = Rule::of("Googlebot").and("Bingbot").allow("/").disallow("/admin/").crawl_delay(2);
/// # drop(rule);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    agents: Vec<String>,
    allowed: Vec<String>,
    disallowed: Vec<String>,
    crawl_delay: Option<u32>,
}

impl Robots {
    /// Nothing said, so everything allowed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Names the host that is preferred among several of the same content.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Adds the absolute URL of a sitemap.
    #[must_use]
    pub fn sitemap(mut self, url: impl Into<String>) -> Self {
        self.sitemaps.push(url.into());
        self
    }

    fn text(&self) -> Result<String> {
        let rules = self.rules.iter().map(Rule::lines);
        let mut parts: Vec<Vec<_>> = rules.collect();
        let host = self.host.iter().map(|host| ("Host", host.clone()));
        let sitemaps = self.sitemaps.iter().map(|url| ("Sitemap", url.clone()));
        parts.push(host.chain(sitemaps).collect());
        let parts = parts.iter().map(|lines| {
            let lines = lines.iter().map(|(name, value)| line(name, value));
            lines.collect::<Result<String>>()
        });
        Ok(parts.collect::<Result<Vec<_>>>()?.join("\n"))
    }
}

impl Rule {
    /// A rule for the crawlers of one name, such as `Googlebot`.
    pub fn of(agent: impl Into<String>) -> Self {
        Self {
            agents: vec![agent.into()],
            ..Self::default()
        }
    }

    /// A rule for every crawler that has none of its own.
    pub fn everyone() -> Self {
        Self::of("*")
    }

    /// Holds for the crawlers of another name too.
    #[must_use]
    pub fn and(mut self, agent: impl Into<String>) -> Self {
        self.agents.push(agent.into());
        self
    }

    /// Allows paths that begin so.
    #[must_use]
    pub fn allow(mut self, path: impl Into<String>) -> Self {
        self.allowed.push(path.into());
        self
    }

    /// Forbids paths that begin so; the longer one wins.
    #[must_use]
    pub fn disallow(mut self, path: impl Into<String>) -> Self {
        self.disallowed.push(path.into());
        self
    }

    /// Asks to wait between two requests, in seconds.
    #[must_use]
    pub fn crawl_delay(mut self, seconds: u32) -> Self {
        self.crawl_delay = Some(seconds);
        self
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let named = |name, values: &[String]| -> Vec<_> {
            values.iter().map(|value| (name, value.clone())).collect()
        };
        let delay = self
            .crawl_delay
            .map(|seconds| ("Crawl-delay", seconds.to_string()));
        let mut lines = named("User-Agent", &self.agents);
        lines.extend(named("Allow", &self.allowed));
        lines.extend(named("Disallow", &self.disallowed));
        lines.extend(delay);
        lines
    }
}

/// A value with a line end would be a line of its own.
fn line(name: &str, value: &str) -> Result<String> {
    match value.contains(char::is_control) {
        true => Err(Error::message(format!(
            "`{name}` of robots.txt is {value:?}, and has to be one line"
        ))),
        false => Ok(format!("{name}: {value}\n")),
    }
}

impl IntoResponse for Robots {
    fn into_response(self) -> Result<Response> {
        Ok(answer("text/plain", self.text()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_its_lines_and_a_blank_one() {
        // MD12
        let rule = Rule::of("Googlebot").and("Bingbot").disallow("/private/");
        let rule = rule.allow("/").allow("/a").crawl_delay(10);
        let everyone = Rule::everyone().disallow("/");
        let robots = Robots::new().rule(rule).rule(everyone);
        let robots = robots
            .host("https://a.test")
            .sitemap("https://a.test/s.xml");
        check(
            robots,
            "User-Agent: Googlebot\nUser-Agent: Bingbot\nAllow: /\nAllow: /a\nDisallow: /private/\nCrawl-delay: 10\n\n\
             User-Agent: *\nDisallow: /\n\n\
             Host: https://a.test\nSitemap: https://a.test/s.xml\n",
        );
        check(
            Robots::new().rule(Rule::everyone().allow("/")),
            "User-Agent: *\nAllow: /\n\n",
        );
        check(Robots::new(), "");
    }

    #[test]
    fn a_value_is_one_line() {
        check(
            Robots::new().sitemap("https://a.test\nDisallow: /"),
            "`Sitemap` of robots.txt is \"https://a.test\\nDisallow: /\", and has to be one line",
        );
    }

    #[test]
    fn it_is_plain_text() {
        let response = Robots::new().into_response().unwrap();
        assert_eq!(response.headers()["content-type"], "text/plain"); // MD2
    }

    #[track_caller]
    fn check(robots: Robots, expected: &str) {
        let text = robots.text().unwrap_or_else(|error| error.to_string());
        assert_eq!(text, expected);
    }
}
