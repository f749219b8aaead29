//! Answers in fewer bytes, for clients that take them.

use std::io::Read as _;

use http_body_util::BodyExt as _;
use waystation_tests::{Answer, Client};

use crate::support::{Edited, fixture, fixture_http2, text_route};

const LINE: &str = "<p>The quick brown fox jumps over the lazy dog.</p>\n";

#[tokio::test]
async fn a_page_is_sent_in_the_coding_that_the_client_likes_best() {
    for client in [fixture(), fixture_http2()] {
        for (accept, coding) in [
            ("gzip", "gzip"),
            ("gzip, deflate, br", "br"),
            ("gzip, deflate, br, zstd", "zstd"),
            ("br;q=0.1, gzip;q=0.2, identity;q=0", "gzip"),
        ] {
            let answer = ask(client, "page", accept).await; // S11
            assert_eq!(answer.header("content-encoding"), coding, "{accept}");
            assert_eq!(decoded(&answer), LINE.repeat(200), "{accept}");
            assert!(answer.body.len() < 1_000, "{}", answer.body.len());
            let length = answer.body.len().to_string();
            assert_eq!(answer.header("content-length"), length);
            assert_eq!(answer.header("vary"), "Accept-Encoding"); // S7
            assert!(answer.header("etag").starts_with("W/\""));
        }
    }
}

#[tokio::test]
async fn a_client_that_takes_none_of_them_gets_the_page_as_it_is() {
    for accept in ["", "identity", "gzip;q=0", "deflate"] {
        let answer = ask(fixture(), "page", accept).await;
        assert_eq!(answer.header("content-encoding"), "", "{accept}");
        assert_eq!(answer.text(), LINE.repeat(200));
        assert_eq!(answer.header("vary"), "Accept-Encoding"); // caches have to know
    }
}

#[tokio::test]
async fn what_would_not_shrink_or_is_not_the_host_s_to_change_is_left() {
    for kind in ["short", "image", "no-transform", "coded"] {
        let answer = ask(fixture(), kind, "gzip, br, zstd").await;
        let coding = if kind == "coded" { "x-own" } else { "" };
        assert_eq!(answer.header("content-encoding"), coding, "{kind}");
        assert_eq!(answer.header("vary"), "", "{kind}");
        assert!(answer.text().starts_with("<p>"), "{kind}");
    }
}

#[tokio::test]
async fn a_large_page_and_a_stream_are_compressed_as_they_go() {
    for client in [fixture(), fixture_http2()] {
        for coding in ["gzip", "br", "zstd"] {
            for (kind, lines) in [("large", 20_000), ("stream", 200)] {
                let answer = ask(client, kind, coding).await;
                assert_eq!(answer.header("content-encoding"), coding);
                assert_eq!(answer.header("content-length"), "");
                assert!(decoded(&answer) == LINE.repeat(lines), "{kind} {coding}");
                assert!(
                    answer.body.len() < lines * LINE.len() / 3,
                    "{kind} {coding}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_event_is_there_before_the_next_is_made() {
    for coding in ["gzip", "br", "zstd"] {
        let mut sender = fixture().connect().await;
        let accept = [("accept-encoding", coding)];
        let path = "/compression?kind=events";
        let response = sender.begin("GET", path, &accept, "").await.unwrap();
        assert_eq!(response.headers()["content-encoding"], coding);
        let (mut body, mut read) = (response.into_body(), Vec::new());
        // The guest sleeps for an hour after the first event; a coder that held it back would never give it.
        while !decode(coding, &read).contains("data: first\n\n") {
            let frame = body.frame().await.unwrap().unwrap();
            read.extend_from_slice(&frame.into_data().unwrap());
        }
    }
}

#[tokio::test]
async fn a_name_becomes_weak_and_is_known_again() {
    let page = ask(fixture(), "strong", "gzip").await;
    assert_eq!(page.header("etag"), "W/\"v1\"");
    let plain = ask(fixture(), "strong", "").await;
    assert_eq!(plain.header("etag"), "\"v1\"");
    for accept in ["gzip", ""] {
        for name in ["W/\"v1\"", "\"v1\""] {
            let headers = [("accept-encoding", accept), ("if-none-match", name)];
            let path = "/compression?kind=strong";
            let again = fixture().ask("GET", path, &headers, "").await;
            assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
            assert_eq!(again.header("vary"), "Accept-Encoding");
            assert_eq!(again.header("content-encoding"), "");
        }
    }
}

#[tokio::test]
async fn head_says_what_get_would() {
    for (kind, accept) in [
        ("page", "gzip"),
        ("page", ""),
        ("short", "gzip"),
        ("stream", "br"),
    ] {
        let headers = [("accept-encoding", accept)];
        let path = format!("/compression?kind={kind}");
        let head = fixture().ask("HEAD", &path, &headers, "").await;
        let get = fixture().ask("GET", &path, &headers, "").await;
        assert_eq!(head.body.len(), 0);
        for name in ["content-encoding", "vary", "etag", "content-type"] {
            assert_eq!(head.header(name), get.header(name), "{kind} {name}");
        }
        let length = head.header("content-length");
        assert!(length.is_empty() || length == get.header("content-length"));
    }
}

#[tokio::test]
async fn vary_stands_in_one_line() {
    let answer = ask(fixture(), "vary", "gzip").await;
    assert_eq!(answer.all("vary"), ["cookie, Accept-Encoding"]);
}

#[tokio::test]
async fn the_operator_can_switch_it_off_and_rules_count() {
    let route = format!(
        "pub async fn get() -> waystation::Html<String> {{\n    waystation::Html({LINE:?}.repeat(200))\n}}\n"
    );
    let rules = "[[headers]]\nsource = '/plain'\nheaders = [{ key = 'cache-control', value = 'no-transform, no-store' }]\n\
                 [[headers]]\nsource = '/named'\nheaders = [{ key = 'etag', value = '\"rule\"' }]\n";
    let app = Edited::new(&[
        ("app/page/route.rs", &route),
        ("app/plain/route.rs", &route),
        ("app/named/route.rs", &text_route("named")),
        ("public/large.css", &"a { color: red }\n".repeat(200)),
        ("waystation.toml", rules),
    ])
    .await;
    let gzip = [("accept-encoding", "gzip")];
    let ask = async |path: &str| app.client.ask("GET", path, &gzip, "").await;
    assert_eq!(ask("/page").await.header("content-encoding"), "gzip");
    let plain = ask("/plain").await;
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(plain.header("etag"), "", "the rule says no-store");
    let has = [("if-none-match", "\"rule\"")];
    let named = app.client.ask("GET", "/named", &has, "").await;
    assert_eq!(named.status, 304, "the rule's name counts");
    let file = ask("/large.css").await;
    assert_eq!(file.header("content-encoding"), "gzip");
    let name = file.header("etag").to_owned();
    assert!(name.starts_with("W/"), "{name}");
    let head = app.client.ask("HEAD", "/large.css", &gzip, "").await;
    let has = [gzip[0], ("if-none-match", &name)];
    let had = app.client.ask("GET", "/large.css", &has, "").await;
    assert_eq!((head.status.as_u16(), had.status.as_u16()), (200, 304));
    for answer in [head, had] {
        for said in ["etag", "vary", "cache-control"] {
            assert_eq!(answer.header(said), file.header(said), "{said}");
        }
    }
    app.app.write("waystation.toml", "compression = false\n");
    app.answers("/plain", "without rules", |answer| {
        !answer.header("etag").is_empty()
    })
    .await;
    assert_eq!(ask("/page").await.header("content-encoding"), "");
    assert_eq!(ask("/page").await.header("vary"), "");
}

async fn ask(client: Client, kind: &str, accept: &str) -> Answer {
    let path = format!("/compression?kind={kind}");
    let headers = [("accept-encoding", accept)];
    let headers = if accept.is_empty() { &[][..] } else { &headers };
    client.ask("GET", &path, headers, "").await
}

fn decoded(answer: &Answer) -> String {
    decode(answer.header("content-encoding"), &answer.body)
}

/// As much as can be read so far.
fn decode(coding: &str, coded: &[u8]) -> String {
    let mut text = Vec::new();
    let _cut_off = match coding {
        "gzip" => flate2::read::GzDecoder::new(coded).read_to_end(&mut text),
        "br" => brotli::Decompressor::new(coded, 4096).read_to_end(&mut text),
        "zstd" => zstd::Decoder::new(coded).unwrap().read_to_end(&mut text),
        other => panic!("{other}"),
    };
    String::from_utf8(text).unwrap()
}
