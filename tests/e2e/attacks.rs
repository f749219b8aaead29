//! Guests that mean harm: each is stopped within its budget, gives back what it took, and nobody else waits for it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use waystation_tests::raw::Socket;
use waystation_tests::{Answer, Client, Host, wait_for};

use crate::support::{Turn, production, program, turn};

const CPU: Duration = Duration::from_millis(200);
const SETTINGS: &str = "[limits]\ncpu_ms = 200\nmax_duration = 2\nstream_duration = 2\nmemory_mb = 64\n\
    handles = 5000\ncall_bytes = 8000000\nfield_bytes = 65536\nrandom_bytes = 32768\n";

/// What runs in a guest that is written by hand: a memory and functions beside `handle`, which takes a request and where its answer goes.
const SPIN: &str = "(func (export \"handle\") (param i32 i32) (loop (br 0)))";
const START: &str =
    "(func $begin (loop (br 0))) (start $begin) (func (export \"handle\") (param i32 i32))";
const COPY: &str = "(memory 512) (func (export \"handle\") (param i32 i32) \
    (loop (memory.copy (i32.const 0) (i32.const 16777216) (i32.const 16777216)) (br 0)))";
const RECURSION: &str = "(func $again (call $again) (call $again)) (func (export \"handle\") (param i32 i32) (call $again))";
const TRAP: &str = "(func (export \"handle\") (param i32 i32) unreachable)";
const SILENT: &str = "(func (export \"handle\") (param i32 i32))";
const GROW: &str = "(memory 1) (func (export \"handle\") (param i32 i32) \
    (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable)";

/// A component of `wasi:http` 0.2 around one core module.
fn component(module: &str) -> Vec<u8> {
    framed(&format!(
        "(core module $m {module}) (core instance $i (instantiate $m))"
    ))
}

/// Around what makes a core instance `$i` with a `handle`.
fn framed(inside: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
          (import "wasi:http/types@0.2.0" (instance $types
            (export "fields" (type $fields (sub resource)))
            (export "incoming-request" (type (sub resource)))
            (export "response-outparam" (type (sub resource)))
            (type $fault (variant (case "invalid-syntax") (case "forbidden") (case "immutable")))
            (export "header-error" (type $error (eq $fault)))
            (export "[constructor]fields" (func (result (own $fields))))
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

/// Grows four memories in turn, a page at a time, until it may not.
fn memories() -> Vec<u8> {
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
fn handles() -> Vec<u8> {
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

/// Hands the host a name of 17 MiB.
fn call_bytes() -> Vec<u8> {
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
fn field_bytes() -> Vec<u8> {
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
fn random() -> Vec<u8> {
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

const FIELDS: &str = "use waystation::*;\npub fn get() -> Response {\n    let mut response = \"\".into_response().unwrap();\n    \
    for number in 0..32_769 { response.headers_mut().append(\"x-n\", number.into()); }\n    response\n}\n";
const COOKIES: &str = "use waystation::*;\npub fn get() {\n    let jar = cookies();\n    \
    for number in 0..5_000 { jar.set((number.to_string(), \"\")); }\n}\n";
const MANY_COOKIES: &str = "use waystation::*;\npub fn get() {\n    let jar = cookies();\n    \
    for number in 0..100_000 { jar.set((number.to_string(), \"\")); }\n}\n";
const LOG: &str = "pub fn get() {\n    loop { println!(\"{}\", \"x\".repeat(1000)); }\n}\n";
const AFTER_HEAD: &str = "use futures_util::stream;\nuse waystation::*;\npub fn get() -> Result<Response> {\n    \
    let chunks = stream::unfold(0, async |sent| { assert!(sent < 3, \"enough\"); sleep(std::time::Duration::from_millis(1)).await; Some((Ok::<_, Error>(\"chunk\"), sent + 1)) });\n    \
    Response::builder().body(Body::stream(chunks))\n}\n";
const ENDLESS: &str = "use futures_util::stream;\nuse waystation::*;\npub fn get() -> Result<Response> {\n    \
    Response::builder().body(Body::stream(stream::repeat_with(|| Ok::<_, Error>(vec![0_u8; 65536]))))\n}\n";

/// What cannot be linked is refused each time, not only before its code is kept.
#[tokio::test]
async fn a_component_that_needs_what_nobody_has_is_never_built() {
    let turn = turn().await;
    let app = turn.app(&[("app/hello/route.rs", "pub fn get() {}\n")]);
    let wasm = framed(
        r#"(import "wasi:keyvalue/store@0.2.0-draft" (instance (export "open" (func))))
        (core module $m (func (export "handle") (param i32 i32))) (core instance $i (instantiate $m))"#,
    );
    app.write_bytes("app/needy/route.wasm", &wasm);
    app.warm_too(production());
    for _ in 0..2 {
        let exit = program().command("build", app.root()).run();
        assert_eq!(exit.code, Some(1));
        assert!(
            exit.stderr
                .contains("it imports what this host does not have"),
            "{}",
            exit.stderr
        );
    }
}

struct Attacked {
    host: Host,
    client: Client,
    _app: waystation_tests::App,
    _turn: Turn,
}

async fn attacked() -> Attacked {
    let turn = turn().await;
    let app = turn.app(&[
        ("waystation.toml", SETTINGS),
        (
            "app/hello/route.rs",
            "pub fn get() -> &'static str { \"hello\" }\n",
        ),
        ("app/fields/route.rs", FIELDS),
        ("app/cookies/route.rs", COOKIES),
        ("app/many-cookies/route.rs", MANY_COOKIES),
        ("app/log/route.rs", LOG),
        ("app/after-head/route.rs", AFTER_HEAD),
        ("app/endless/route.rs", ENDLESS),
    ]);
    for (name, wasm) in [
        ("spin", component(SPIN)),
        ("start", component(START)),
        ("copy", component(COPY)),
        ("recursion", component(RECURSION)),
        ("trap", component(TRAP)),
        ("silent", component(SILENT)),
        ("grow", component(GROW)),
        ("memories", memories()),
        ("handles", handles()),
        ("call-bytes", call_bytes()),
        ("field-bytes", field_bytes()),
        ("random", random()),
    ] {
        app.write_bytes(&format!("app/{name}/route.wasm"), &wasm);
    }
    let host = program().dev(app.root());
    let client = Client::new(host.address());
    Attacked {
        host,
        client,
        _app: app,
        _turn: turn,
    }
}

const SPENT: &str = "it executed for more than 200 ms (CPU_MS)";
const FULL: &str = "it asked for more than 64 MiB of memory";

/// What is asked, the status, and what the answer says, as it does in development.
const ATTACKS: [(&str, u16, &str); 16] = [
    ("/spin", 503, SPENT),
    ("/start", 503, SPENT),
    ("/copy", 503, SPENT),
    ("/log", 503, SPENT),
    (
        "/recursion",
        500,
        "its calls need more than 512 KiB of stack",
    ),
    ("/trap", 500, "unreachable"),
    ("/silent", 500, "without an answer"),
    ("/grow", 500, FULL),
    ("/memories", 500, FULL),
    ("/handles", 500, "it holds more than 5000 handles at once"),
    (
        "/call-bytes",
        500,
        "it hands over more than 8000000 bytes at once",
    ),
    (
        "/field-bytes",
        500,
        "it builds header fields of more than 65536 bytes",
    ),
    (
        "/random",
        500,
        "it asks for more than 32768 bytes of randomness in one call",
    ),
    (
        "/fields",
        500,
        "header fields of 251079 bytes; an answer has 1000 of 65536",
    ),
    ("/cookies", 500, "it set 5000 cookies"),
    ("/many-cookies", 503, SPENT),
];

#[tokio::test]
async fn each_attack_is_stopped_and_named_and_leaves_nothing() {
    let attacked = attacked().await;
    let Attacked { host, client, .. } = &attacked;
    let mut baseline = None;
    let mut costs: [Vec<Duration>; ATTACKS.len()] = Default::default();
    let mut waits = costs.clone();
    for _ in 0..3 {
        for (((path, status, named), costs), waits) in
            ATTACKS.into_iter().zip(&mut costs).zip(&mut waits)
        {
            let seen = host.lines();
            let (asked, before) = (Instant::now(), host.cpu_time());
            let (answer, (beside, waited)) = tokio::join!(client.get(path), timed(client));
            let (elapsed, used) = (asked.elapsed(), host.cpu_time().saturating_sub(before));
            assert_eq!(beside.line(), "200 hello"); // nobody waits for it
            println!(
                "{path}: {status} after {elapsed:?}, {used:?} of processor time, beside it {waited:?}"
            );
            waits.push(waited);
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
            assert!(answer.text().contains(named), "{path}: {}", answer.text());
            host.wait_for_line_after(seen, path, |line| {
                line.contains(&format!("GET {path} {status}"))
            });
            costs.push(used); // on a busy machine the wall clock runs on while the guest does not
            assert_eq!(client.get("/hello").await.line(), "200 hello");
        }
        let baseline = *baseline.get_or_insert_with(|| host.memory());
        println!("{} MiB", host.memory() >> 20);
        assert!(host.memory() < baseline + (16 << 20), "{baseline}");
    }
    for (((path, ..), costs), mut waits) in ATTACKS.into_iter().zip(costs).zip(waits) {
        check_cost(path, costs);
        while waits.iter().all(|waited| OTHERS <= *waited) {
            assert!(waits.len() < 20, "{path}: {waits:?}"); // the machine may do something else too
            let (_, (_, waited)) = tokio::join!(client.get(path), timed(client));
            waits.push(waited);
        }
    }
}

/// What another route may take beside an attack.
const OTHERS: Duration = Duration::from_millis(20);

async fn timed(client: &Client) -> (Answer, Duration) {
    let begun = Instant::now();
    (client.get("/hello").await, begun.elapsed())
}

/// Usually 20 ms past the budget at most.
#[track_caller]
fn check_cost(path: &str, mut costs: Vec<Duration>) {
    costs.sort();
    let (usual, most) = (costs[costs.len() / 2], costs[costs.len() - 1]);
    let spare = match path {
        "/copy" => 50, // one copy of 16 MiB is a single instruction
        _ => 20,
    };
    let at_most = |millis| CPU + Duration::from_millis(millis);
    assert!(
        usual < at_most(spare) && most < at_most(100),
        "{path}: {costs:?}"
    );
}

#[tokio::test]
async fn a_guest_that_stops_or_never_ends_after_its_head_is_cut() {
    let attacked = attacked().await;
    let Attacked { host, client, .. } = &attacked;
    let begin = async |path: &str| {
        let mut socket = Socket::open(client.address()).await;
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
        socket.send(request).await;
        socket.read_until("\r\n\r\n").await;
        socket
    };
    let mut cut = begin("/after-head").await;
    let rest = cut.read_to_end().await;
    assert!(
        rest.contains("chunk") && !rest.ends_with("0\r\n\r\n"),
        "{rest}"
    );

    let before = host.memory();
    let mut slow = Vec::new();
    for _ in 0..16 {
        slow.push(begin("/endless").await); // and reads nothing
    }
    let most = host.memory().saturating_sub(before);
    println!(
        "16 streams that nobody reads: {} KiB each",
        most / 16 / 1024
    );
    assert!(most < 64 << 20, "{most}");
    host.wait_for_line("the end of its time", |line| {
        line.contains("/endless") && line.contains("still at work after 2 s")
    });
    assert_eq!(client.get("/hello").await.line(), "200 hello");
    wait_for("its memory", async || {
        (host.memory() < before + (16 << 20)).then_some(())
    })
    .await;
}
