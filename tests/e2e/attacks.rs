//! Guests that mean harm: each is stopped within its budget, gives back what it took, is counted, and nobody else waits for it.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use waystation_tests::raw::Socket;
use waystation_tests::{Client, Host, wait_for};

use crate::attack_guests as guests;
use crate::attack_guests::component;
use crate::support::{Turn, production, program, turn};

const CPU: Duration = Duration::from_millis(200);
const WALL: Duration = Duration::from_secs(2);
const SETTINGS: &str = "[limits]\ncpu_ms = 200\nmax_duration = 2\nstream_duration = 2\nmemory_mb = 64\n\
    handles = 900\ncall_bytes = 8000000\nfield_bytes = 65536\nrandom_bytes = 32768\n";

struct Attacked {
    host: Host,
    client: Client,
    _app: waystation_tests::App,
    _turn: Turn,
}

/// Serves the guests as a release is served: their code is made to run fast.
async fn attacked() -> Attacked {
    let turn = turn().await;
    let app = turn.app(&[
        ("waystation.toml", SETTINGS),
        (
            "app/hello/route.rs",
            "pub const DYNAMIC: waystation::Dynamic = waystation::Dynamic::ForceDynamic;\n\n\
             pub fn get() -> &'static str { \"hello\" }\n",
        ),
        ("app/rust/route.rs", guests::RUST),
    ]);
    for (name, wasm) in [
        ("spin", component(guests::SPIN)),
        ("start", component(guests::START)),
        ("copy", component(guests::COPY)),
        ("long-copy", component(guests::LONG_COPY)),
        ("recursion", component(guests::RECURSION)),
        ("trap", component(guests::TRAP)),
        ("silent", component(guests::SILENT)),
        ("grow", component(guests::GROW)),
        ("memories", guests::memories()),
        ("handles", guests::handles()),
        ("streams", guests::streams()),
        ("call-bytes", guests::call_bytes()),
        ("calls", guests::calls()),
        ("field-bytes", guests::field_bytes()),
        ("clones", guests::clones()),
        ("random", guests::random()),
    ] {
        app.write_bytes(&format!("app/{name}/route.wasm"), &wasm);
    }
    app.warm_too(production());
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let command = program().command("start", app.root()).on_a_free_port();
    let host = command.arg("--status").arg("127.0.0.1:0").serve();
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
const STACK: &str = "its calls need more than 512 KiB of stack";
const LATE: &str = "no answer within 2 s of wall-clock time (MAX_DURATION)";

struct Attack {
    path: &'static str,
    status: u16,
    /// What the log says of it.
    named: &'static str,
    /// What it is counted as, as a limit or as an error.
    counted: &'static str,
}

const fn attack(
    path: &'static str,
    status: u16,
    named: &'static str,
    counted: &'static str,
) -> Attack {
    Attack {
        path,
        status,
        named,
        counted,
    }
}

const ATTACKS: [Attack; 26] = [
    attack("/spin", 503, SPENT, "cpu_time"),
    attack("/start", 503, SPENT, "cpu_time"),
    attack("/copy", 503, SPENT, "cpu_time"),
    attack("/long-copy", 503, SPENT, "cpu_time"),
    attack("/calls", 503, SPENT, "cpu_time"),
    attack("/recursion", 500, STACK, "stack"),
    attack("/trap", 500, "unreachable", "trap"),
    attack("/silent", 500, "without an answer", "answer"),
    attack("/grow", 500, FULL, "memory"),
    attack("/memories", 500, FULL, "memory"),
    attack("/handles", 500, HELD, "handles"),
    attack("/streams", 500, HELD, "handles"),
    attack("/clones", 500, HELD, "handles"),
    attack(
        "/call-bytes",
        500,
        "it hands over more than 8000000 bytes at once",
        "call_bytes",
    ),
    attack(
        "/field-bytes",
        500,
        "it builds header fields of more than 65536 bytes",
        "fields",
    ),
    attack(
        "/random",
        500,
        "it asks for more than 32768 bytes of randomness in one call",
        "random_bytes",
    ),
    attack("/rust?does=spin", 503, SPENT, "cpu_time"),
    attack("/rust?does=log", 503, SPENT, "cpu_time"),
    attack("/rust?does=grow", 500, FULL, "memory"),
    attack("/rust?does=recursion", 500, STACK, "stack"),
    attack("/rust?does=panic", 500, "it panicked", "trap"),
    attack(
        "/rust?does=fields",
        500,
        "header fields of 251079 bytes; there can be 1000 of 65536",
        "fields",
    ),
    attack("/rust?does=cookies", 500, "it set 5000 cookies", "fields"),
    attack("/rust?does=many-cookies", 503, SPENT, "cpu_time"),
    attack("/rust?does=sleep", 504, LATE, "wall_time"),
    attack("/rust?does=wakes", 504, LATE, "wall_time"),
];

const HELD: &str = "it holds more than 900 handles at once";

#[tokio::test]
async fn each_attack_is_stopped_and_named_and_leaves_nothing() {
    let attacked = attacked().await;
    let Attacked { host, client, .. } = &attacked;
    let status = Client::new(host.status_address());
    assert_eq!(client.get("/hello").await.line(), "200 hello");
    let before = host.memory();
    let mut after_first = None;
    let mut costs: [Vec<Cost>; ATTACKS.len()] = Default::default();
    for _ in 0..3 {
        for (attack, costs) in ATTACKS.iter().zip(&mut costs) {
            let Attack { path, .. } = *attack;
            let (seen, counted) = (host.lines(), counted(&status, attack).await);
            let (asked, cpu) = (Instant::now(), host.cpu_time());
            let answer = client.get(path).await;
            let cost = Cost {
                executed: host.cpu_time().saturating_sub(cpu),
                waited: asked.elapsed(),
            };
            println!("{path}: {} after {cost:?}", answer.status);
            costs.push(cost);
            assert_eq!(answer.status, attack.status, "{path}: {}", answer.text());
            host.wait_for_line_after(seen, attack.named, |line| line.contains(attack.named));
            assert_eq!(
                counted_now(&status, attack, counted + 1).await,
                counted + 1,
                "{path} is counted once"
            );
            assert_eq!(client.get("/hello").await.line(), "200 hello");
        }
        println!("{} MiB", host.memory() >> 20);
        after_first.get_or_insert_with(|| host.memory());
    }
    for (attack, costs) in ATTACKS.iter().zip(costs) {
        check_cost(attack, costs);
    }
    check_memory(&attacked).await;
    let (peak, now) = (host.peak_memory(), host.memory());
    println!("{} MiB at first, {} at most", before >> 20, peak >> 20);
    let after_first = after_first.expect("a first round");
    // The pool keeps up to 2 MiB of each place at hand that a guest has had, and takes others before those again.
    assert!(
        now < after_first + (32 << 20),
        "{after_first} and then {now}"
    );
    assert!(
        now < before + (64 << 20),
        "{before} and then {now}: code, and the pool's"
    );
    assert!(peak < before + (256 << 20), "{peak}");
}

/// The same again and again leaves nothing: those that take no time are made so often that little of each would be seen.
async fn check_memory(Attacked { host, client, .. }: &Attacked) {
    let is_quick = |attack: &&Attack| !["cpu_time", "wall_time"].contains(&attack.counted);
    for Attack { path, status, .. } in ATTACKS.iter().filter(is_quick) {
        let again = async || {
            for _ in 0..AGAIN {
                assert_eq!(client.get(path).await.status, *status, "{path}");
            }
            host.memory()
        };
        let (first, second) = (again().await, again().await);
        println!("{path}: {} KiB, then {} KiB", first >> 10, second >> 10);
        assert!(
            second < first + (4 << 20),
            "{path}: {first} and then {second}"
        );
    }
}

/// How often an attack was counted.
async fn counted(status: &Client, attack: &Attack) -> u64 {
    let answer = status.get("/metrics").await;
    let text = answer.text();
    let route = attack.path.split('?').next().unwrap_or_default();
    let of_route = |line: &&str| {
        line.contains(&format!("route=\"{route}\""))
            && line.contains(&format!("=\"{}\"}}", attack.counted))
    };
    let lines = text.lines().filter(of_route);
    let counts = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    counts.sum()
}

/// The same, once it is so many.
async fn counted_now(status: &Client, attack: &Attack, expected: u64) -> u64 {
    wait_for(attack.counted, async || {
        let counted = counted(status, attack).await;
        (expected <= counted).then_some(counted)
    })
    .await
}

/// So many of one attack, whose memory is compared with that after as many more.
const AGAIN: usize = 50;

/// What an attack took: of the processors, and of its client's time.
#[derive(Clone, Copy, Debug)]
struct Cost {
    executed: Duration,
    waited: Duration,
}

/// Usually 20 ms of execution past the budget at most, and 100 ms of the time.
#[track_caller]
fn check_cost(attack: &Attack, costs: Vec<Cost>) {
    let mut executed: Vec<_> = costs.iter().map(|cost| cost.executed).collect();
    executed.sort();
    let (usual, most) = (executed[1], executed[2]);
    // Of a step that cannot be interrupted, one more is over the budget; that of a copy takes some milliseconds.
    let spare = match LONG_STEPS.contains(&attack.path) {
        true => 35,
        false => 20,
    };
    let at_most = |millis| CPU + Duration::from_millis(millis);
    assert!(
        usual < at_most(spare) && most < at_most(100),
        "{}: {costs:?}",
        attack.path
    );
    let mut waited: Vec<_> = costs.iter().map(|cost| cost.waited).collect();
    waited.sort();
    let limit = WALL + Duration::from_millis(100);
    assert!(waited[1] < limit, "{}: {costs:?}", attack.path);
    if attack.counted == "wall_time" {
        assert!(WALL <= waited[0], "{}: {costs:?}", attack.path);
    }
}

/// A step of these takes the host some milliseconds, within which it cannot stop them: one attacks for each processor but one.
const LONG_STEPS: [&str; 4] = [
    "/long-copy",
    "/calls",
    "/rust?does=fields",
    "/rust?does=grow",
];
/// In one batch of so many others have to be answered in time: the machine may do something else too, such as other tests.
const BATCHES: usize = 40;
/// What another route may take beside an attack.
const OTHERS: Duration = Duration::from_millis(20);

#[tokio::test]
async fn others_are_answered_beside_each_attack() {
    let attacked = attacked().await;
    let client = attacked.client;
    let processors = std::thread::available_parallelism().unwrap().get();
    for Attack { path, .. } in ATTACKS {
        let attackers = match LONG_STEPS.contains(&path) {
            true => 1.max(processors - 1),
            false => processors,
        };
        let mut batches = Vec::new();
        while batches.iter().all(|p99| OTHERS <= *p99) {
            assert!(batches.len() < BATCHES, "{path}: {batches:?}");
            let mut attacking = JoinSet::new();
            for _ in 0..attackers {
                attacking.spawn(async move {
                    loop {
                        client.get(path).await;
                    }
                });
            }
            let mut times = Vec::new();
            for _ in 0..100 {
                let begun = Instant::now();
                assert_eq!(client.get("/hello").await.line(), "200 hello");
                times.push(begun.elapsed());
            }
            assert!(attacking.try_join_next().is_none(), "{path}");
            attacking.shutdown().await;
            times.sort();
            batches.push(times[98]);
        }
        println!("beside {path}: 99 of 100 within {batches:?}");
    }
}

async fn begin(client: &Client, path: &str) -> Socket {
    let mut socket = Socket::open(client.address()).await;
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    socket.send(request).await;
    socket.read_until("\r\n\r\n").await;
    socket
}

#[tokio::test]
async fn a_guest_that_stops_or_never_ends_after_its_head_is_cut() {
    let attacked = attacked().await;
    let Attacked { host, client, .. } = &attacked;
    let mut cut = begin(client, "/rust?does=after-head").await;
    let rest = cut.read_to_end().await;
    assert!(
        rest.contains("chunk") && !rest.ends_with("0\r\n\r\n"),
        "{rest}"
    );
    let mut times = Vec::new();
    for _ in 0..3 {
        let mut socket = begin(client, "/rust?does=trickle").await;
        let head = Instant::now();
        let rest = socket.read_to_end().await;
        assert!(!rest.ends_with("0\r\n\r\n"), "{rest}");
        times.push(head.elapsed());
    }
    times.sort();
    assert!(times[1] < WALL + Duration::from_millis(100), "{times:?}");
    assert!(WALL - Duration::from_millis(10) <= times[0], "{times:?}");

    // Its client leaves, and it goes on as if nothing were.
    let mut times = Vec::new();
    for _ in 0..3 {
        let seen = host.lines();
        drop(begin(client, "/rust?does=stays").await);
        let left = Instant::now();
        let stopped = "stopped after its answer: still at work 2 s after its answer";
        host.wait_for_line_after(seen, stopped, |line| line.contains(stopped));
        times.push(left.elapsed());
    }
    times.sort();
    println!("who stays when its client has left is stopped after {times:?}");
    assert!(times[1] < WALL + Duration::from_millis(100), "{times:?}");

    let mut after_first = None;
    for _ in 0..2 {
        let (before, seen) = (host.memory(), host.lines());
        let mut slow = Vec::new();
        for _ in 0..64 {
            slow.push(begin(client, "/rust?does=endless").await); // and reads nothing
        }
        let most = host.memory().saturating_sub(before);
        println!(
            "64 streams that nobody reads: {} KiB each",
            most / 64 / 1024
        );
        assert!(most < 64 * (512 << 10), "{most}");
        host.wait_for_line_after(seen, "the end of its time", |line| {
            line.contains("/rust") && line.contains("still at work after 2 s")
        });
        assert_eq!(client.get("/hello").await.line(), "200 hello");
        drop(slow);
        host.wait_until_idle();
        let kept = *after_first.get_or_insert_with(|| host.memory()); // the pool has memory at hand then
        assert!(host.memory() < kept + (8 << 20), "{kept}");
    }
}
