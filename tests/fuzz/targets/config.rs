//! The rules of a `waystation.toml` compile or say why not, and can be asked about any path.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waystation_rules::base_path::BasePath;
use waystation_rules::config::declared::{
    Condition, Header, Headers, Kind, Redirect, Rewrite, Rewrites,
};
use waystation_rules::config::{Asked, Declared, Rules};
use waystation_rules::outbound::Outbound;
use waystation_rules::path::{Normal, normalise};

type Input<'a> = (
    &'a str,
    &'a str,
    (&'a str, &'a str, &'a str, &'a str),
    (u8, Option<&'a str>, Option<&'a str>),
    (&'a str, &'a str, &'a str),
);

fuzz_target!(|input: Input<'_>| {
    let (text, base, (source, destination, key, value), (kind, of, is), (path, query, sent)) =
        input;
    let _may_be_refused = Outbound::new(&[text.to_owned()], &[base.to_owned()], false);
    let _may_be_no_toml = toml::from_str::<Declared>(text);

    let kinds = [Kind::Header, Kind::Cookie, Kind::Query, Kind::Host];
    let condition = Condition {
        kind: kinds[usize::from(kind) % kinds.len()],
        key: of.map(str::to_owned),
        value: is.map(str::to_owned),
    };
    let conditions = |is_asked: bool| Vec::from_iter(is_asked.then(|| condition.clone()));
    let has = conditions(kind & 0x40 != 0);
    let missing = conditions(kind & 0x80 != 0);
    let base_path = kind & 0x20 == 0;
    let (source, destination) = (source.to_owned(), destination.to_owned());
    let rewrite = Rewrite {
        source: source.clone(),
        destination: destination.clone(),
        has: has.clone(),
        missing: missing.clone(),
        base_path,
    };
    let declared = Declared {
        headers: vec![Headers {
            source: source.clone(),
            headers: vec![Header {
                key: key.to_owned(),
                value: value.to_owned(),
            }],
            has: has.clone(),
            missing: missing.clone(),
            base_path,
        }],
        redirects: vec![Redirect {
            source,
            destination,
            permanent: Some(true),
            status_code: None,
            has,
            missing,
            base_path,
        }],
        rewrites: Rewrites {
            fallback: vec![rewrite],
            ..Rewrites::default()
        },
    };
    // A fault of one kind of rule must not keep the others from being asked.
    let one = |declared: Declared| {
        let rules = Rules::compile(&declared, BasePath::parse(base).unwrap_or_default());
        rules.ok().map(|rules| ask(&rules, path, query, sent));
    };
    one(Declared {
        headers: declared.headers.clone(),
        ..Declared::default()
    });
    one(Declared {
        redirects: declared.redirects.clone(),
        ..Declared::default()
    });
    one(Declared {
        rewrites: declared.rewrites,
        ..Declared::default()
    });
});

fn ask(rules: &Rules, path: &str, query: &str, sent: &str) {
    let Ok(Normal::Serve(path)) = normalise(path, false) else {
        return;
    };
    let inside = rules.base().strip(&path);
    let asked = Asked {
        path: &path,
        inside: inside.as_ref(),
        query: Some(query),
        host: sent,
        headers: &[("accept", sent)],
        cookies: &[("a".to_owned(), sent.to_owned())],
    };
    if let Ok(Some(redirect)) = rules.redirect(&asked) {
        let location = &redirect.location;
        assert!(
            location.bytes().all(|byte| matches!(byte, b' '..=b'~')),
            "{location:?}"
        );
    }
    for rewrite in rules.fallback() {
        let _may_climb = rewrite.target(&asked);
    }
    for (name, value) in rules.headers(&asked) {
        assert!(
            !name.contains(['\r', '\n']) && !value.contains(['\r', '\n', '\0']),
            "{name:?}: {value:?}"
        );
    }
}
