//! Bytes in, facts or a reason out. The components are put together by hand: a header and the sections that matter.

use super::*;

const ROUTE_SECTION: &str = r#"{"version":1,"contract":"0.1.0","pattern":"/x","methods":["GET"],"config":{"maxDuration":5}}"#;

#[test]
fn a_route_is_known_by_its_exports() {
    check(
        &component(
            &["waystation:route/get@0.1.0", "waystation:route/post@0.1.0"],
            None,
        ),
        "Route GET POST",
    );
}

#[test]
fn a_proxy_is_no_route() {
    check(
        &component(&["waystation:route/proxy@0.1.0"], None),
        "Proxy ",
    );
}

#[test]
fn any_wasi_http_component_answers_every_method() {
    let every = "GET HEAD POST PUT PATCH DELETE OPTIONS QUERY";
    check(
        &component(&["wasi:http/handler@0.3.2"], None),
        &format!("Http3 {every}"),
    );
    check(
        &component(&["wasi:http/incoming-handler@0.2.10"], None),
        &format!("Http2 {every}"),
    );
}

#[test]
fn a_route_that_is_portable_is_a_route() {
    check(
        &component(
            &["wasi:http/handler@0.3.2", "waystation:route/get@0.1.0"],
            None,
        ),
        "Route GET",
    );
}

#[test]
fn the_section_is_found_inside_the_core_module() {
    let bytes = component(&["waystation:route/get@0.1.0"], Some(ROUTE_SECTION));
    let section = inspect(&bytes).unwrap().section.unwrap();
    assert_eq!(section.config.max_duration, Some(5));
}

#[test]
fn a_section_of_another_contract_is_refused() {
    let section = ROUTE_SECTION.replace("\"0.1.0\"", "\"0.9.0\"");
    let error = inspect(&component(&["waystation:route/get@0.1.0"], Some(&section))).unwrap_err();
    assert!(matches!(error, InspectError::Section(_)), "{error}");
}

#[test]
fn imports_are_listed() {
    let mut bytes = COMPONENT.to_vec();
    bytes.extend(section(10, &names(&["wasi:io/poll@0.2.6"])));
    bytes.extend(section(11, &exports(&["waystation:route/get@0.1.0"])));
    assert_eq!(inspect(&bytes).unwrap().imports, ["wasi:io/poll@0.2.6"]);
}

#[test]
fn what_is_no_component_is_named() {
    check(b"", "the file is empty");
    check(b"\n  (component)", "this is WebAssembly text");
    check(
        b"fn main() {}",
        "this is not WebAssembly: it does not start with `\\0asm`",
    );
    check(
        b"\x7fELF....",
        "this was compiled ahead of time; a host takes no machine code from outside",
    );
    check(MODULE, "this is a core module, and a route is a component");
    check(
        b"\0asm\x09",
        "the component is damaged: unexpected end-of-file (at offset 0x4)",
    );
}

#[test]
fn a_file_that_was_cut_short_is_damaged() {
    let bytes = component(&["waystation:route/get@0.1.0"], Some(ROUTE_SECTION));
    for end in 5..bytes.len() {
        let result = inspect(&bytes[..end]);
        assert!(
            !matches!(
                result,
                Ok(Inspected {
                    section: Some(_),
                    ..
                })
            ),
            "{end} of {} bytes",
            bytes.len()
        );
    }
}

#[test]
fn a_component_for_something_else_says_what_it_exports() {
    check(
        &component(&[], None),
        "this component answers no requests: it exports nothing",
    );
    check(
        &component(&["wasi:cli/run@0.2.6", "a:b/c"], None),
        "this component answers no requests: it exports `wasi:cli/run@0.2.6`, `a:b/c`",
    );
}

#[test]
fn another_version_says_which_is_spoken() {
    check(
        &component(&["waystation:route/get@0.9.0"], None),
        "this component exports `waystation:route/get@0.9.0`, and this host speaks `waystation:route` 0.1.0",
    );
    check(
        &component(&["wasi:http/handler@0.3.0-rc-2026-03-15"], None),
        "this component exports `wasi:http/handler@0.3.0-rc-2026-03-15`, and this host speaks `wasi:http/handler@0.3` and `wasi:http/incoming-handler@0.2`",
    );
}

#[track_caller]
fn check(bytes: &[u8], expected: &str) {
    let found = match inspect(bytes) {
        Ok(inspected) => {
            let methods: Vec<_> = inspected.methods.iter().map(Method::as_str).collect();
            format!("{:?} {}", inspected.interface, methods.join(" "))
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(found.lines().next(), Some(expected));
}

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn component(exported: &[&str], custom: Option<&str>) -> Vec<u8> {
    let mut bytes = COMPONENT.to_vec();
    if let Some(custom) = custom {
        let mut content = text(SECTION);
        content.extend(custom.as_bytes());
        let module = [MODULE, &section(0, &content)].concat();
        bytes.extend(section(1, &module));
    }
    bytes.extend(section(11, &exports(exported)));
    bytes
}

/// Each name as an instance, without a type of its own.
fn exports(exported: &[&str]) -> Vec<u8> {
    let mut content = leb(exported.len());
    for name in exported {
        content.push(0);
        content.extend(text(name));
        content.extend([5, 0, 0]);
    }
    content
}

/// Each name as an import of an instance of type 0.
fn names(imported: &[&str]) -> Vec<u8> {
    let mut content = leb(imported.len());
    for name in imported {
        content.push(0);
        content.extend(text(name));
        content.extend([5, 0]);
    }
    content
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], leb(content.len()), content.to_vec()].concat()
}

fn text(text: &str) -> Vec<u8> {
    [leb(text.len()), text.as_bytes().to_vec()].concat()
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
