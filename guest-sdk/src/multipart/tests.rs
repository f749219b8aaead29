use std::cell::Cell;
use std::rc::Rc;

use futures_util::stream;
use proptest::prelude::*;

use super::*;
use crate::testing::now;

const TYPE: &str = "multipart/form-data; boundary=B";

#[test]
fn fields_come_in_order() {
    check("--B--", "");
    check("--B--\r\nan epilogue", "");
    check(r#"a preamble--B|form-data; name="a"||1|--B--"#, "a=1");
    check(
        r#"--B|form-data; name="a"||1|--B|form-data; name="a"||2|--B--"#,
        "a=1 a=2",
    );
    check(r#"--B|form-data; name="a"|||--B--"#, "a=");
    check(
        r#"--B  |form-data; name="a"||two||lines --B-|--B--"#,
        r"a=two\r\n\r\nlines --B-",
    );
    check(
        r#"--B|form-data; name="f"; filename="x.png"|Content-Type: image/png||data|--B--"#,
        "f=data (x.png, image/png)",
    );
    check(
        r#"--B|form-data; name="f"; filename=""|||--B--"#,
        "f= (, no type)",
    );
}

#[test]
fn malformed_forms_are_bad_requests() {
    let malformed = "400 the body is not well-formed multipart/form-data";
    check("", malformed);
    check("no boundary", malformed);
    check("--B", malformed);
    check("--BB|", malformed);
    check(r#"--B|form-data; name="a""#, malformed);
    check(r#"--B|form-data; name="a"||1"#, malformed);
    check(
        r#"--B|form-data; name="a"||1|--B"#,
        &format!("a=1 {malformed}"),
    );
    check(
        "--B|Content-Disposition: attachment||1|--B--",
        "400 field 1 of the form has no clear name",
    );
    check(
        r#"--B|form-data; name="a"||1|--B|x: y||1|--B--"#,
        "a=1 400 field 2 of the form has no clear name",
    );
}

#[test]
fn limits_are_clear() {
    let field = |name: &str| format!("--B|form-data; name=\"{name}\"||1|");
    let shown = |form: &str| show(whole(&text(form)));
    assert_eq!(shown(&(field(&"n".repeat(1_000)) + "--B--")).len(), 1_002);
    check(
        &(field(&"n".repeat(1_001)) + "--B--"),
        "400 a field of the form has a name of more than 1000 bytes",
    );
    let full = field("a").repeat(1_000);
    assert!(shown(&format!("{full}--B--")).ends_with("a=1 a=1"));
    assert!(
        shown(&(full + &field("a") + "--B--"))
            .ends_with("a=1 413 the form has more than 1000 fields")
    );
    let headers = "400 a field of the form begins with more than 16384 bytes of headers";
    check(&"x".repeat(50_000), headers);
    check(&format!("--B|x: {}", "x".repeat(50_000)), headers);
    check(&format!("--B{}", " ".repeat(50_000)), headers);
}

#[test]
fn a_form_has_a_boundary() {
    let check = |content_type: &str, expected: &str| {
        let actual = match Multipart::new(Body::empty(), content_type) {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(actual, expected, "{content_type}");
    };
    check("multipart/form-data; boundary=\"a b\"", "ok");
    check("Multipart/Form-Data; charset=utf-8; Boundary=a", "ok");
    check("multipart/form-data", "`Content-Type` has no boundary");
    check(
        "multipart/form-data; boundary=",
        "a boundary has 1 to 70 characters",
    );
    check(
        &format!("multipart/form-data; boundary={}", "a".repeat(71)),
        "a boundary has 1 to 70 characters",
    );
}

#[test]
fn the_bodys_own_error_comes_through() {
    let body = Body::stream(stream::iter([
        Ok(text(r#"--B|form-data; name="a"||1"#)),
        Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, "too long")),
    ]));
    assert_eq!(show(body), "413 too long");
}

#[test]
fn text_is_utf8() {
    let form = [
        text(r#"--B|form-data; name="a"||"#).as_bytes(),
        b"\xff\r\n--B--",
    ]
    .concat();
    assert_eq!(show(form), "400 the form's field `a` is not UTF-8");
}

#[test]
fn what_is_not_read_is_passed_over() {
    let form = text(r#"--B|form-data; name="a"||1|--B|form-data; name="b"||2|--B--"#);
    let mut form = Multipart::new(whole(&form), TYPE).unwrap();
    assert_eq!(now(form.next_field()).unwrap().unwrap().name(), "a");
    let field = now(form.next_field()).unwrap().unwrap();
    assert_eq!(now(field.text()).unwrap(), "2");
    assert!(now(form.next_field()).unwrap().is_none());
    assert!(now(form.next_field()).unwrap().is_none());
}

/// Counts how far the reader runs ahead of the handler.
#[test]
fn a_hundred_megabytes_pass_in_bounded_memory() {
    let sent = Rc::new(Cell::new(0));
    let chunk = Bytes::from(vec![b'\r'; 100_000]);
    let content = {
        let sent = sent.clone();
        std::iter::repeat_n(chunk, 1_000).inspect(move |chunk| sent.set(sent.get() + chunk.len()))
    };
    let begin = Bytes::from(text(r#"--B|form-data; name="f"; filename="f"||"#));
    let chunks = [begin].into_iter().chain(content);
    let body = Body::stream(stream::iter(chunks.chain(["\r\n--B--".into()])));
    let mut form = Multipart::new(body, TYPE).unwrap();
    let mut field = now(form.next_field()).unwrap().unwrap();
    let mut received = 0;
    while let Some(chunk) = now(field.chunk()).unwrap() {
        received += chunk.len();
        assert!(chunk.len() <= PIECE + "\r\n--B".len());
        assert!(sent.get() - received <= 100_000 + PIECE);
    }
    assert_eq!(received, 100_000_000);
}

#[track_caller]
fn check(form: &str, expected: &str) {
    assert_eq!(show(whole(&text(form))), expected, "{form}");
}

/// `|` is a line's end; a form is easier to read on one line.
fn text(form: &str) -> String {
    form.replace("|form-data", "|Content-Disposition: form-data")
        .replace('|', "\r\n")
}

fn whole(form: &str) -> Body {
    form.to_owned().into()
}

/// The fields, then the error if there is one.
fn show(body: impl Into<Body>) -> String {
    let mut shown = Vec::new();
    let mut form = Multipart::new(body.into(), TYPE).unwrap();
    if let Err(error) = now(read(&mut form, &mut shown)) {
        shown.push(format!("{} {error}", error.status().as_str()));
    }
    shown.join(" ")
}

async fn read(form: &mut Multipart, shown: &mut Vec<String>) -> Result<()> {
    while let Some(field) = form.next_field().await? {
        let name = field.name().to_owned();
        let content_type = field.content_type().unwrap_or("no type").to_owned();
        let about = match field.file_name() {
            None => String::new(),
            Some(file) => format!(" ({file}, {content_type})"),
        };
        let text = field.text().await?;
        shown.push(format!("{name}={}{about}", text.escape_debug()));
    }
    Ok(())
}

/// Pieces of a form, in an order that a browser would send or any other.
fn forms() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec![
            "--B", "--B\r\n", "\r\n--B\r\n", "\r\n--B--", "--", "\r\n", "\r\n\r\n", "\r", "-", " ", "\t", ";", "\"",
            "Content-Disposition: form-data; name=\"a\"\r\n\r\n", "Content-Disposition: form-data; name=b; filename=\"c\"\r\n",
            "Content-Disposition:", "Content-Type: text/plain\r\n", "form-data", "name=", "filename=\"",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Whatever comes, in whatever pieces, there is one answer, and no panic.
    #[test]
    fn an_answer_does_not_depend_on_the_pieces(form in forms(), piece in 1_usize..40) {
        let chunks: Vec<_> = form.chunks(piece).map(<[u8]>::to_vec).collect();
        prop_assert_eq!(show(Body::stream(stream::iter(chunks))), show(form));
    }
}
