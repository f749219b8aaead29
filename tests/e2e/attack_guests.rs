//! The guests of the attacks: written by hand, for what no compiler makes, and one route in Rust.

use std::fmt::Write as _;

/// What runs in a guest that is written by hand: a memory and functions beside `handle`, which takes a request and where its answer goes.
pub(crate) const SPIN: &str = "(func (export \"handle\") (param i32 i32) (loop (br 0)))";
pub(crate) const START: &str =
    "(func $begin (loop (br 0))) (start $begin) (func (export \"handle\") (param i32 i32))";
pub(crate) const COPY: &str = "(memory 64) (func (export \"handle\") (param i32 i32) \
    (loop (memory.copy (i32.const 0) (i32.const 2097152) (i32.const 2097152)) (br 0)))";
pub(crate) const LONG_COPY: &str = "(memory 1024) (func (export \"handle\") (param i32 i32) \
    (loop (memory.copy (i32.const 0) (i32.const 33554432) (i32.const 33554432)) (br 0)))";
pub(crate) const RECURSION: &str = "(func $again (call $again) (call $again)) (func (export \"handle\") (param i32 i32) (call $again))";
pub(crate) const TRAP: &str = "(func (export \"handle\") (param i32 i32) unreachable)";
pub(crate) const SILENT: &str = "(func (export \"handle\") (param i32 i32))";
pub(crate) const GROW: &str = "(memory 1) (func (export \"handle\") (param i32 i32) \
    (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable)";

/// A component of `wasi:http` 0.2 around one core module.
pub(crate) fn component(module: &str) -> Vec<u8> {
    framed(&format!(
        "(core module $m {module}) (core instance $i (instantiate $m))"
    ))
}

/// Around what makes a core instance `$i` with a `handle`.
pub(crate) fn framed(inside: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
          (import "wasi:http/types@0.2.0" (instance $types
            (export "fields" (type $fields (sub resource)))
            (export "incoming-request" (type (sub resource)))
            (export "response-outparam" (type (sub resource)))
            (type $fault (variant (case "invalid-syntax") (case "forbidden") (case "immutable")))
            (export "header-error" (type $error (eq $fault)))
            (export "[constructor]fields" (func (result (own $fields))))
            (export "[method]fields.clone" (func (param "self" (borrow $fields)) (result (own $fields))))
            (export "[method]fields.has" (func (param "self" (borrow $fields)) (param "name" string) (result bool)))
            (export "[method]fields.append" (func (param "self" (borrow $fields)) (param "name" string)
              (param "value" (list u8)) (result (result (error $error)))))))
          (alias export $types "incoming-request" (type $request))
          (alias export $types "response-outparam" (type $out))
          {inside}
          (func $handle (param "request" (own $request)) (param "response-out" (own $out))
            (canon lift (core func $i "handle")))
          (instance $handler (export "handle" (func $handle)))
          (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))"#
    );
    wat::parse_str(text).expect("a component")
}

/// Grows three memories in turn, a page at a time, until it may not.
pub(crate) fn memories() -> Vec<u8> {
    let mut text = String::new();
    for number in 0..3 {
        let module = "(memory (export \"m\") 1) (func (export \"grow\") (result i32) (memory.grow (i32.const 1)))";
        write!(
            text,
            "(core module $m{number} {module}) (core instance $m{number} (instantiate $m{number}))"
        )
        .unwrap();
    }
    text.push_str(
        r#"(core module $main
          (import "0" "grow" (func $a (result i32))) (import "1" "grow" (func $b (result i32)))
          (import "2" "grow" (func $c (result i32)))
          (func (export "handle") (param i32 i32)
            (loop (br_if 0 (i32.ne (i32.or (i32.or (call $a) (call $b)) (call $c)) (i32.const -1)))) unreachable))
        (core instance $i (instantiate $main (with "0" (instance $m0)) (with "1" (instance $m1)) (with "2" (instance $m2))))"#,
    );
    framed(&text)
}

/// Makes a million handles.
pub(crate) fn handles() -> Vec<u8> {
    framed(
        r#"(alias export $types "[constructor]fields" (func $new))
        (core func $new (canon lower (func $new)))
        (core module $main (import "" "new" (func $new (result i32)))
          (func (export "handle") (param i32 i32) (local $left i32)
            (local.set $left (i32.const 1000000))
            (loop (drop (call $new)) (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
        (core instance $i (instantiate $main (with "" (instance (export "new" (func $new))))))"#,
    )
}

/// Makes streams without an end, as a guest of `wasi:http` 0.3 can.
pub(crate) fn streams() -> Vec<u8> {
    framed(
        r#"(type $bytes (stream u8))
        (core func $new (canon stream.new $bytes))
        (core module $main (import "" "new" (func $new (result i64)))
          (func (export "handle") (param i32 i32) (loop (drop (call $new)) (br 0))))
        (core instance $i (instantiate $main (with "" (instance (export "new" (func $new))))))"#,
    )
}

/// Hands the host a name of 17 MiB.
pub(crate) fn call_bytes() -> Vec<u8> {
    framed(
        r#"(alias export $types "[constructor]fields" (func $new))
        (alias export $types "[method]fields.has" (func $has))
        (core module $memory (memory (export "m") 300))
        (core instance $memory (instantiate $memory))
        (core func $new (canon lower (func $new)))
        (core func $has (canon lower (func $has) (memory $memory "m")))
        (core module $main (import "" "new" (func $new (result i32)))
          (import "" "has" (func $has (param i32 i32 i32) (result i32)))
          (func (export "handle") (param i32 i32)
            (drop (call $has (call $new) (i32.const 0) (i32.const 17825792)))))
        (core instance $i (instantiate $main (with "" (instance (export "new" (func $new)) (export "has" (func $has))))))"#,
    )
}

/// Builds header fields without an end, each of a name of one byte and 4 KiB.
pub(crate) fn field_bytes() -> Vec<u8> {
    framed(
        r#"(alias export $types "[constructor]fields" (func $new))
        (alias export $types "[method]fields.append" (func $append))
        (core module $memory (memory (export "m") 1) (data (i32.const 0) "x") (data (i32.const 8) "yyyyyyyy")
          (func $fill (memory.fill (i32.const 8) (i32.const 121) (i32.const 4096))) (start $fill))
        (core instance $memory (instantiate $memory))
        (core func $new (canon lower (func $new)))
        (core func $append (canon lower (func $append) (memory $memory "m")))
        (core module $main (import "" "new" (func $new (result i32)))
          (import "" "append" (func $append (param i32 i32 i32 i32 i32 i32)))
          (func (export "handle") (param i32 i32) (local $fields i32)
            (local.set $fields (call $new))
            (loop (call $append (local.get $fields) (i32.const 0) (i32.const 1) (i32.const 8) (i32.const 4096) (i32.const 8192)) (br 0))))
        (core instance $i (instantiate $main (with "" (instance (export "new" (func $new)) (export "append" (func $append))))))"#,
    )
}

/// Asks for a MiB of randomness in one call.
pub(crate) fn random() -> Vec<u8> {
    framed(
        r#"(import "wasi:random/random@0.2.0" (instance $random
          (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
        (alias export $random "get-random-bytes" (func $random))
        (core module $memory (memory (export "m") 32)
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
        (core instance $memory (instantiate $memory))
        (core func $random (canon lower (func $random) (memory $memory "m") (realloc (func $memory "realloc"))))
        (core module $main (import "" "random" (func $random (param i64 i32)))
          (func (export "handle") (param i32 i32) (call $random (i64.const 1048576) (i32.const 0))))
        (core instance $i (instantiate $main (with "" (instance (export "random" (func $random))))))"#,
    )
}

/// Copies header fields of 60 KiB without an end. A copy shares them until it is changed.
pub(crate) fn clones() -> Vec<u8> {
    framed(
        r#"(alias export $types "[constructor]fields" (func $new))
        (alias export $types "[method]fields.append" (func $append))
        (alias export $types "[method]fields.clone" (func $clone))
        (core module $memory (memory (export "m") 1) (data (i32.const 0) "x")
          (func $fill (memory.fill (i32.const 8) (i32.const 121) (i32.const 4096))) (start $fill))
        (core instance $memory (instantiate $memory))
        (core func $new (canon lower (func $new)))
        (core func $append (canon lower (func $append) (memory $memory "m")))
        (core func $clone (canon lower (func $clone)))
        (core module $main (import "" "new" (func $new (result i32))) (import "" "clone" (func $clone (param i32) (result i32)))
          (import "" "append" (func $append (param i32 i32 i32 i32 i32 i32)))
          (func (export "handle") (param i32 i32) (local $fields i32) (local $left i32)
            (local.set $fields (call $new))
            (local.set $left (i32.const 14))
            (loop
              (call $append (local.get $fields) (i32.const 0) (i32.const 1) (i32.const 8) (i32.const 4096) (i32.const 8192))
              (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (loop
              (call $append (call $clone (local.get $fields)) (i32.const 0) (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 8192))
              (br 0))))
        (core instance $i (instantiate $main
          (with "" (instance (export "new" (func $new)) (export "append" (func $append)) (export "clone" (func $clone))))))"#,
    )
}

/// Has the host look at 7 MiB without an end.
pub(crate) fn calls() -> Vec<u8> {
    framed(
        r#"(alias export $types "[constructor]fields" (func $new))
        (alias export $types "[method]fields.has" (func $has))
        (core module $memory (memory (export "m") 120))
        (core instance $memory (instantiate $memory))
        (core func $new (canon lower (func $new)))
        (core func $has (canon lower (func $has) (memory $memory "m")))
        (core module $main (import "" "new" (func $new (result i32)))
          (import "" "has" (func $has (param i32 i32 i32) (result i32)))
          (func (export "handle") (param i32 i32) (local $fields i32)
            (local.set $fields (call $new))
            (loop (drop (call $has (local.get $fields) (i32.const 0) (i32.const 7340032))) (br 0))))
        (core instance $i (instantiate $main (with "" (instance (export "new" (func $new)) (export "has" (func $has))))))"#,
    )
}

/// One route for all that Rust can do, as a release is built.
pub(crate) const RUST: &str = r##"use std::time::Duration;
use waystation::*;

pub const DYNAMIC: Dynamic = Dynamic::ForceDynamic;

fn again(depth: u64) -> u64 {
    match std::hint::black_box(depth) {
        u64::MAX => 0,
        depth => std::hint::black_box(again(depth + 1)) ^ depth,
    }
}

async fn stays() {
    loop {
        sleep(Duration::from_millis(10)).await;
    }
}

pub async fn get(request: Request) -> Result<Response> {
    let url = request.url();
    match url.search_params().get("does").as_deref().unwrap_or_default() {
        "spin" => loop {
            std::hint::spin_loop();
        },
        "grow" => {
            let mut all = Vec::new();
            loop {
                all.push(std::hint::black_box(vec![1_u8; 65536]));
            }
        }
        "recursion" => again(0).to_string().into_response(),
        "panic" => panic!("on purpose"),
        "log" => loop {
            println!("{}", "x".repeat(1000));
        },
        "fields" => {
            let mut response = "".into_response()?;
            for number in 0..32_769 {
                response.headers_mut().append("x-n", number.into());
            }
            Ok(response)
        }
        "cookies" | "many-cookies" => {
            let many = if url.href().contains("many") { 100_000 } else { 5_000 };
            let jar = cookies();
            for number in 0..many {
                jar.set((number.to_string(), ""));
            }
            "".into_response()
        }
        "sleep" => {
            sleep(Duration::from_secs(3_600)).await;
            "late".into_response()
        }
        "wakes" => loop {
            sleep(Duration::from_millis(20)).await;
        },
        "after-head" => Ok(Response::writer(|mut writer| async move {
            for _ in 0..3 {
                writer.write("chunk").await?;
                sleep(Duration::from_millis(1)).await;
            }
            panic!("enough")
        })),
        "trickle" => Ok(Response::writer(|mut writer| async move {
            loop {
                writer.write("chunk").await?;
                sleep(Duration::from_millis(5)).await;
            }
        })),
        "stays" => {
            after(stays());
            Ok(Response::writer(|mut writer| async move {
                writer.write("chunk").await?;
                stays().await;
                Ok(())
            }))
        }
        "endless" => Ok(Response::writer(|mut writer| async move {
            loop {
                writer.write(vec![0_u8; 65536]).await?;
            }
        })),
        _ => "nothing".into_response(),
    }
}
"##;
