//! A raw path has one spelling at most, and that spelling stays as it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waystation_rules::path::{Normal, normalise};

fuzz_target!(|input: (&str, bool)| {
    let (raw, trailing_slash) = input;
    let spelt = match normalise(raw, trailing_slash) {
        Ok(Normal::Serve(path)) => path.as_str().to_owned(),
        Ok(Normal::Redirect(path)) => path,
        Err(_) => return,
    };
    assert!(
        spelt.starts_with('/') && !spelt.starts_with("//"),
        "{raw:?} became {spelt:?}"
    );
    assert!(
        !spelt.contains('\\') && !spelt.contains("/../"),
        "{raw:?} became {spelt:?}"
    );
    match normalise(&spelt, trailing_slash) {
        Ok(Normal::Serve(again)) => {
            assert_eq!(again.as_str(), spelt, "{raw:?}");
            for segment in again.segments() {
                assert!(
                    !segment.is_empty() && segment != "." && segment != "..",
                    "{raw:?}"
                );
                waystation_rules::path::decode(segment).expect("what is served can be decoded");
            }
        }
        other => panic!("{raw:?} became {spelt:?} and then {other:?}"),
    }
});
