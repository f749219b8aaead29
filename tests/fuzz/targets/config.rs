//! The rules of a `waystation.toml` compile or say why not, and can be asked about any path.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waystation_rules::base_path::BasePath;
use waystation_rules::config::{Asked, Declared, Rules};
use waystation_rules::outbound::Outbound;
use waystation_rules::path::{Normal, normalise};

fuzz_target!(|input: (&str, &str, &str, &str)| {
    let (text, base, path, query) = input;
    let _may_be_refused = Outbound::new(&[text.to_owned()], &[base.to_owned()], false);
    let (Ok(declared), Ok(base)) = (toml::from_str::<Declared>(text), BasePath::parse(base)) else {
        return;
    };
    let Ok(rules) = Rules::compile(&declared, base) else {
        return;
    };
    let Ok(Normal::Serve(path)) = normalise(path, false) else {
        return;
    };
    let inside = rules.base().strip(&path);
    let asked = Asked {
        path: &path,
        inside: inside.as_ref(),
        query: Some(query),
        host: "shop.test",
        headers: &[("accept", "*/*")],
        cookies: &[],
    };
    if let Ok(Some(redirect)) = rules.redirect(&asked) {
        assert!(
            !redirect.location.contains(['\r', '\n']),
            "{:?}",
            redirect.location
        );
    }
    for rewrite in rules
        .before_files()
        .iter()
        .chain(rules.after_files())
        .chain(rules.fallback())
    {
        let _may_climb = rewrite.target(&asked);
    }
    let _any_headers = rules.headers(&asked);
});
