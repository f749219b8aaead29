//! Reads what a test of a served app stands in for: the clock, and other servers.
//!
//! In: the words of the header that the SDK's `TestRequest::send` adds under `waystation test`. Out: a [`StandIn`].
//!
//! Whether the words are the test's, who alone knows the secret before them, is the host's to find out. Nowhere else does it look.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Response, Uri};

/// The header: the secret of the run, a space, and the words. As every `x-waystation-` header, it is taken off each request.
pub const HEADER: &str = "x-waystation-test";

/// What a test stands in for, while one request is answered.
#[derive(Clone, Debug, Default)]
pub struct StandIn {
    /// Where the clock stands, since 1970; none for the machine's.
    pub now: Option<Duration>,
    answers: Vec<(Uri, Response<String>)>,
}

impl StandIn {
    /// Reads the words: pairs as in a form. `url` begins an answer, of which `status`, `header` and `body` are. None if they are others.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        let mut stand_in = Self::default();
        for (name, value) in form_urlencoded::parse(words.as_bytes()) {
            match (&*name, stand_in.answers.last_mut()) {
                ("now", _) => stand_in.now = Some(Duration::from_nanos(value.parse().ok()?)),
                ("url", _) => {
                    let answer = (value.parse().ok()?, Response::default());
                    stand_in.answers.push(answer);
                }
                ("status", Some((_, answer))) => *answer.status_mut() = value.parse().ok()?,
                ("header", Some((_, answer))) => {
                    let (name, value) = value.split_once(':')?;
                    let name = HeaderName::try_from(name).ok()?;
                    let value = HeaderValue::try_from(value).ok()?;
                    answer.headers_mut().append(name, value);
                }
                ("body", Some((_, answer))) => *answer.body_mut() = value.into_owned(),
                _ => return None,
            }
        }
        Some(stand_in)
    }

    /// What the test answers in place of a server, or of a path if the app's own is asked.
    #[must_use]
    pub fn answer(&self, url: &Uri, is_own: bool) -> Option<&Response<String>> {
        let is_it = |known: &Uri| match known.authority() {
            Some(_) => known == url,
            None => is_own && known.path_and_query() == url.path_and_query(),
        };
        let found = self.answers.iter().find(|(known, _)| is_it(known));
        found.map(|(_, answer)| answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_stands_in_for_the_clock_and_for_servers() {
        let words = "now=1500000000&url=https%3A%2F%2Fa.test%2Fx%3Fq&status=404&header=x-a%3Ab&body=no+tea\
                     &url=%2Fown&url=https%3A%2F%2Fb.test%2F&body=b";
        let stand_in = StandIn::parse(words).unwrap();
        assert_eq!(stand_in.now, Some(Duration::from_millis(1_500)));
        let check = |url: &str, expected: &str| {
            let url: Uri = url.parse().unwrap();
            let is_own = url
                .authority()
                .is_none_or(|at| ["localhost:3000", "self"].contains(&at.as_str()));
            let answer = stand_in.answer(&url, is_own);
            let shown = answer.map(|answer| {
                let status = answer.status().as_u16();
                format!("{status} {:?} {}", answer.headers(), answer.body())
            });
            assert_eq!(shown.as_deref().unwrap_or("none"), expected, "{url}");
        };
        check("https://a.test/x?q", r#"404 {"x-a": "b"} no tea"#);
        check("https://a.test/x", "none");
        check("http://a.test/x?q", "none");
        check("https://b.test/", "200 {} b");
        check("http://self/own", "200 {} ");
        check("http://localhost:3000/own", "200 {} ");
        check("http://c.test/own", "none");
    }

    #[test]
    fn other_words_are_none() {
        for words in [
            "now=soon",
            "status=200",
            "url=%2F&status=x",
            "url=%2F&header=x",
            "seed=1",
        ] {
            assert!(StandIn::parse(words).is_none(), "{words}");
        }
    }
}
