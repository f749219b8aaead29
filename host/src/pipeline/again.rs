//! Answers from what is kept, without a walk, what was asked in the same words before.
//!
//! In: a request whose host and path alone make the difference. Out: the answer that its walk would come to. The app does not change, and
//! what is kept and for how long is asked each time, so the walk of such a request leads where it has led before.

use std::sync::Arc;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONNECTION, DNT, HOST,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, ORIGIN, PRAGMA, REFERER, UPGRADE_INSECURE_REQUESTS,
    USER_AGENT,
};
use http::{HeaderName, Method, Request, Version};
use waystation_rules::admit::Length;
use waystation_rules::caching::Served;

use super::admit;
use super::noted::note;
use super::serve::serve;
use crate::app::App;
use crate::http::Response;
use crate::sandbox::{Asker, Guest};
use crate::telemetry::Record;

/// Bytes of a host and of a path that are remembered.
const LONGEST: usize = 256;

/// Headers that no step of a walk looks at, where neither rules nor proxies do. What is done with every answer looks at some.
const UNREAD: [HeaderName; 14] = [
    USER_AGENT,
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    CONNECTION,
    REFERER,
    CACHE_CONTROL,
    IF_NONE_MATCH,
    ORIGIN,
    UPGRADE_INSECURE_REQUESTS,
    HeaderName::from_static("priority"),
    PRAGMA,
    DNT,
    IF_MODIFIED_SINCE,
];
/// Those by which a browser says what a request is for.
const OF_BROWSERS: &str = "sec-";

/// What a request is known by.
pub(super) struct Words {
    /// The host and the path.
    pub(super) text: String,
    /// Of its whole head.
    length: Length,
}

/// The words of a client's request, if they are all that its walk looks at where no rules and proxies do.
pub(super) fn words<B>(request: &Request<B>) -> Option<Words> {
    let uri = request.uri();
    if *request.method() != Method::GET || uri.query().is_some() {
        return None;
    }
    let mut host = uri.authority().map(|authority| authority.as_str());
    if host.is_some() && request.version() != Version::HTTP_2 {
        return None; // it has to name its host once more
    }
    let mut headers = 0;
    for (name, value) in request.headers() {
        headers += admit::line(name, value);
        if *name == HOST {
            if host.replace(value.to_str().ok()?).is_some() {
                return None; // two hosts are refused
            }
        } else if !UNREAD.contains(name) && !name.as_str().starts_with(OF_BROWSERS) {
            return None;
        }
    }
    let (host, path) = (host?, uri.path());
    let length = Length {
        url: path.len(),
        headers,
    };
    let is_short = host.len() <= LONGEST && path.len() <= LONGEST;
    is_short.then(|| Words {
        text: [host, " ", path].concat(), // a path has no space
        length,
    })
}

/// The kept answer to these words, and the component that it is of; none if the request has to be walked. It is noted as a walk notes it.
pub(super) fn answer(
    app: &App,
    asker: &Asker,
    words: &Words,
    record: &mut Record,
) -> Option<(Response, Arc<Guest>)> {
    let shortcut = app.shortcuts.find(&words.text)?;
    let guest = &shortcut.guest;
    if guest.is_dynamic(&shortcut.key) || words.length.check(guest.limits()).is_err() {
        return None;
    }
    let (entry, now) = app.policy.kept.store.fresh(&shortcut.spot, &shortcut.key)?;
    record.asked_by(asker.client.to_canonical(), None);
    record.route = Some(Arc::clone(&shortcut.pattern));
    record.counts.clone_from(&shortcut.counts);
    note(Served::Hit, guest, record);
    tracing::trace!("found without a walk: {}", words.text);
    Some((serve(&entry, Served::Hit, now), Arc::clone(guest)))
}

#[cfg(test)]
mod tests {
    use waystation_rules::{forwarded, stand_in};

    use super::*;

    #[test]
    fn path_and_host_are_all_of_what_browsers_and_programs_ask_for() {
        let host = ("host", "shop.example");
        let known = |headers: &[(&str, &str)]| check(Method::GET, "/items/a%20b", headers);
        assert_eq!(known(&[host]), "shop.example /items/a%20b");
        let more = [
            host,
            ("user-agent", "Mozilla/5.0"),
            ("accept", "text/html"),
            ("accept-language", "en"),
            ("accept-encoding", "gzip, br"),
            ("referer", "https://shop.example/"),
            ("if-none-match", "*"),
            ("sec-fetch-mode", "navigate"),
            ("priority", "u=0, i"),
        ];
        assert_eq!(known(&more), "shop.example /items/a%20b");

        let told = forwarded::HEADERS.map(|name| (name, "10.0.0.1"));
        let others = [
            host,
            ("cookie", "a=1"),
            ("authorization", "Basic YQ=="),
            ("content-length", "1"),
            ("transfer-encoding", "chunked"),
            ("expect", "100-continue"),
            ("range", "bytes=0-1"),
            ("upgrade", "websocket"),
            ("x-waystation-preview", "1"),
            ("next-resume", "1"),
            ("traceparent", "00-1"),
            (stand_in::HEADER, "{}"),
        ];
        for header in told.into_iter().chain(others) {
            assert_eq!(known(&[host, header]), "walked", "{header:?}");
        }
        assert_eq!(known(&[]), "walked");
        for target in ["/items?a=1", "/items?", "http://shop.example/items"] {
            assert_eq!(check(Method::GET, target, &[host]), "walked", "{target}");
        }
        for method in [Method::HEAD, Method::POST, Method::OPTIONS] {
            assert_eq!(check(method, "/items", &[host]), "walked");
        }
        let long = format!("/{}", "a".repeat(LONGEST));
        assert_eq!(check(Method::GET, &long, &[host]), "walked");
        assert_eq!(known(&[("host", &long[1..])]).len(), LONGEST + 13);
        assert_eq!(known(&[("host", &long)]), "walked");
    }

    #[test]
    fn the_host_is_in_the_target_over_http2_alone() {
        let request = Request::get("https://shop.example/items").version(Version::HTTP_2);
        let mut request = request.body(()).unwrap();
        assert_eq!(words(&request).unwrap().text, "shop.example /items");
        *request.version_mut() = Version::HTTP_11;
        assert!(words(&request).is_none());
    }

    fn check(method: Method, target: &str, headers: &[(&str, &str)]) -> String {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        words(&request).map_or_else(|| "walked".to_owned(), |words| words.text)
    }
}
