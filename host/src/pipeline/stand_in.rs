//! Takes a test's word for the clock and for other servers, where `waystation test` serves.

use std::sync::Arc;

use http::HeaderMap;
use waystation_rules::stand_in::{HEADER, StandIn};

/// What stands in, if this host has a secret and the request shows it. The comparison takes as long whatever is shown.
pub(super) fn told(headers: &HeaderMap, secret: Option<&str>) -> Option<Arc<StandIn>> {
    let secret = secret?;
    let (shown, words) = headers.get(HEADER)?.to_str().ok()?.split_once(' ')?;
    // `Hash` compares in constant time.
    if blake3::hash(shown.as_bytes()) != blake3::hash(secret.as_bytes()) {
        return None;
    }
    let stand_in = StandIn::parse(words);
    if stand_in.is_none() {
        tracing::warn!("a test's `{HEADER}` is of another version of the crate `waystation`");
    }
    stand_in.map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_knows_the_secret_stands_in() {
        let is_told = |line: &'static str, secret: Option<&str>| {
            let headers = HeaderMap::from_iter([(HEADER.parse().unwrap(), line.parse().unwrap())]);
            told(&headers, secret).is_some()
        };
        assert!(is_told("known now=1", Some("known")));
        assert!(!is_told("guessed now=1", Some("known")));
        assert!(!is_told("known now=1", None));
        assert!(!is_told(" now=1", None));
        assert!(!is_told("known now=soon", Some("known")));
    }
}
