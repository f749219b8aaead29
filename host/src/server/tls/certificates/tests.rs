use std::fs;
use std::path::Path;

use super::*;

#[test]
fn a_client_is_shown_the_certificate_of_the_name_it_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let names = [&["a.example"][..], &["*.b.example", "b.example"]];
    let certificates = certificates(folder.path(), &names);
    for (asked, shown) in [
        (Some("a.example"), 0),
        (Some("b.example"), 1),
        (Some("WWW.b.example"), 1),
        (Some("a.www.b.example"), 0), // a star stands for one label
        (Some("c.example"), 0),
        (Some(".."), 0),
        (None, 0),
    ] {
        let own = certificates.of(asked).unwrap();
        let first = certificates.shown.read().unwrap()[shown].clone();
        assert!(Arc::ptr_eq(&own, &first), "{asked:?}");
    }
}

#[test]
fn what_cannot_be_used_is_named_and_the_old_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = certificates(folder.path(), &[&["a.example"], &["b.example"]]);
    let [a, b] = certificates.files.clone().try_into().unwrap();
    let before = certificates.of(Some("a.example")).unwrap();
    let check = |expected: &str| {
        let faults: Vec<_> = certificates
            .reload()
            .iter()
            .map(ToString::to_string)
            .collect();
        let shown = faults
            .join("; ")
            .replace(folder.path().to_str().unwrap(), "");
        assert_eq!(shown, expected);
        assert!(Arc::ptr_eq(
            &before,
            &certificates.of(Some("a.example")).unwrap()
        ));
    };
    let good = fs::read(&a.cert).unwrap();

    fs::write(&a.cert, "").unwrap();
    check("/0.pem: holds nothing of its kind in PEM");
    fs::write(&a.cert, fs::read(&b.cert).unwrap()).unwrap();
    check("/0.pem and /0.key do not fit: keys may not be consistent: KeyMismatch");
    fs::write(&a.cert, &good[..good.len() / 2]).unwrap();
    check("/0.pem: ends in the middle");
    fs::remove_file(&a.cert).unwrap();
    check("/0.pem: No such file or directory (os error 2)");

    fs::write(&a.cert, &good).unwrap();
    assert!(certificates.reload().is_empty());
    let after = certificates.of(Some("a.example")).unwrap();
    assert!(!Arc::ptr_eq(&before, &after), "it was read again");
}

#[test]
fn without_a_certificate_there_is_no_tls() {
    let error = Certificates::open(Vec::new(), provider()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "TLS takes a certificate, and there is none"
    );
}

fn certificates(folder: &Path, names: &[&[&str]]) -> Certificates {
    let files = names.iter().enumerate().map(|(at, names)| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let own = rcgen::generate_simple_self_signed(names).unwrap();
        let files = Certificate {
            cert: folder.join(format!("{at}.pem")),
            key: folder.join(format!("{at}.key")),
        };
        fs::write(&files.cert, own.cert.pem()).unwrap();
        fs::write(&files.key, own.signing_key.serialize_pem()).unwrap();
        files
    });
    Certificates::open(files.collect(), provider()).unwrap()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
