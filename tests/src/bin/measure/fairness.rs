//! What an ordinary route's clients notice while others attack the same app.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use http_body_util::BodyExt as _;
use waystation_tests::{App, Client, PATIENCE, Program};

use super::{HELLO, built};

/// Each attack takes so long, and so does the ordinary route alone.
const TIME: Duration = Duration::from_secs(10);
const ATTACKERS: usize = 4;
/// The places of a host that is not told otherwise.
const PLACES: usize = 1_000;
/// Otherwise the host's own: a second of execution and 128 MiB.
const SETTINGS: &str = "[limits]\nmax_duration = 2\nstream_duration = 2\n";
const STREAM: Duration = Duration::from_secs(2);
/// The 99th of a hundred answers should be there within this meanwhile.
const TARGET: Duration = Duration::from_millis(20);

/// What an attacker does with an answer.
#[derive(Clone, Copy)]
enum Reads {
    /// Takes it.
    All,
    /// Leaves the body where it is for as long as it may last.
    Nothing,
}

struct Attack {
    name: &'static str,
    what: &'static str,
    /// Requests of each attacker at once.
    at_once: usize,
    reads: Reads,
    handler: &'static str,
}

const ATTACKS: [Attack; 7] = [
    Attack {
        name: "spin",
        what: "an endless loop",
        at_once: 1,
        reads: Reads::All,
        handler: "pub fn get() -> &'static str { loop { std::hint::spin_loop(); } }\n",
    },
    Attack {
        name: "spins",
        what: "16 endless loops of each",
        at_once: 16,
        reads: Reads::All,
        handler: "pub fn get() -> &'static str { loop { std::hint::spin_loop(); } }\n",
    },
    Attack {
        name: "grow",
        what: "memory without end",
        at_once: 1,
        reads: Reads::All,
        handler: "pub fn get() -> &'static str {\n    let mut all = Vec::new();\n    \
                  loop { all.push(std::hint::black_box(vec![1_u8; 65536])); }\n}\n",
    },
    Attack {
        name: "recursion",
        what: "a recursion without end",
        at_once: 1,
        reads: Reads::All,
        handler: "fn again(depth: u64) -> u64 {\n    match std::hint::black_box(depth) {\n        u64::MAX => 0,\n        \
                  depth => std::hint::black_box(again(depth + 1)) ^ depth,\n    }\n}\n\n\
                  pub fn get() -> String { again(0).to_string() }\n",
    },
    Attack {
        name: "log",
        what: "a log without end",
        at_once: 1,
        reads: Reads::All,
        handler: "pub fn get() -> &'static str { loop { println!(\"{}\", \"x\".repeat(1000)); } }\n",
    },
    Attack {
        name: "endless",
        what: "16 streams of each that nobody reads",
        at_once: 16,
        reads: Reads::Nothing,
        handler: "use waystation::*;\n\npub fn get() -> Response {\n    Response::writer(async |mut body: Writer| {\n        \
                  loop { body.write(vec![0_u8; 65536]).await?; }\n    })\n}\n",
    },
    Attack {
        name: "slow",
        what: "slow requests, twice as many as there are places",
        at_once: 2 * PLACES / ATTACKERS,
        reads: Reads::All,
        handler: "pub async fn get() -> &'static str {\n    \
                  waystation::sleep(std::time::Duration::from_secs(3_600)).await;\n    \"late\"\n}\n",
    },
];

/// Measures one host, an attack after the other.
pub(crate) async fn run(program: &Program) -> anyhow::Result<()> {
    let app = App::new(&[
        ("waystation.toml", SETTINGS),
        (
            "app/hello/route.rs",
            &format!("pub fn get() -> &'static str {{ {HELLO:?} }}\n"),
        ),
    ]);
    for attack in &ATTACKS {
        app.write(&format!("app/{}/route.rs", attack.name), attack.handler);
    }
    built(program, &app)?;
    let host = program.start(app.root());
    let address = host.address();

    println!(
        "| beside | answers/s | refused | p50 | p99 | max | of the time it waits past {} ms | attackers get (how often, median and longest time) | memory then |",
        TARGET.as_millis()
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut late = Vec::new();
    let alone = on_its_own_thread(address).await?;
    show("nobody", &alone, "", host.memory());
    for attack in &ATTACKS {
        let ends = RefCell::new(Ends::new());
        let until = Instant::now() + TIME;
        let attackers =
            (0..ATTACKERS * attack.at_once).map(|_| attack_with(address, attack, until, &ends));
        let measured = async {
            let seen = on_its_own_thread(address).await;
            (seen, host.memory())
        };
        let ((seen, memory), _) = join(measured, join_all(attackers)).await;
        let p99 = show(attack.what, &seen?, &told(ends.into_inner()), memory);
        if p99.is_none_or(|p99| TARGET < p99) {
            late.push(attack.what);
        }
    }
    anyhow::ensure!(
        late.is_empty(),
        "one of a hundred waits for more than {} ms beside {}",
        TARGET.as_millis(),
        late.join(" and ")
    );
    Ok(())
}

/// The times of an ordinary client's requests, by status.
type Ends = BTreeMap<String, Vec<Duration>>;

/// Asks as [`ordinary`] does, where the attackers' own work is not in its way.
async fn on_its_own_thread(address: SocketAddr) -> anyhow::Result<Ends> {
    let asks = move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build()?.block_on(ordinary(address))
    };
    tokio::task::spawn_blocking(asks).await?
}

/// Asks an ordinary route over one connection, again as soon as it has answered.
async fn ordinary(address: SocketAddr) -> anyhow::Result<Ends> {
    let mut ends = Ends::new();
    let began = Instant::now();
    let mut sender = Client::new(address).connect().await;
    while began.elapsed() < TIME {
        let asked = Instant::now();
        let answer = sender.ask("GET", "/hello", &[], "").await?;
        let status = answer.status.as_u16().to_string();
        ends.entry(status).or_default().push(asked.elapsed());
    }
    Ok(ends)
}

/// Attacks over a connection at a time, until it is late.
async fn attack_with(address: SocketAddr, attack: &Attack, until: Instant, ends: &RefCell<Ends>) {
    let client = Client::new(address);
    let path = format!("/{}", attack.name);
    while Instant::now() < until {
        let asked = Instant::now();
        let end = match attack.reads {
            Reads::All => taken(client, &path).await,
            Reads::Nothing => left(client, &path).await,
        };
        // What goes wrong with a connection is what the host did to it.
        let end = end.unwrap_or_else(|_| "no answer".to_owned());
        let mut ends = ends.borrow_mut();
        ends.entry(end).or_default().push(asked.elapsed());
    }
}

/// Takes the whole answer.
async fn taken(client: Client, path: &str) -> anyhow::Result<String> {
    let answer = client.try_ask("GET", path, &[], "").await?;
    Ok(answer.status.as_u16().to_string())
}

/// Takes the head, and what is left of the body when its time is over.
async fn left(client: Client, path: &str) -> anyhow::Result<String> {
    let mut sender = client.try_connect().await?;
    let (head, body) = sender.begin("GET", path, &[], "").await?.into_parts();
    let status = head.status.as_u16();
    if head.status.is_success() {
        tokio::time::sleep(STREAM).await; // that is the attack
    }
    let rest = tokio::time::timeout(PATIENCE, body.collect()).await?;
    Ok(match rest {
        Ok(_) => format!("{status}"),
        Err(_) => format!("{status}, cut"),
    })
}

/// Prints what an ordinary client has seen. Returns within what time 99 of 100 requests had a good answer, if so many had one.
fn show(beside: &str, seen: &Ends, attackers: &str, memory: u64) -> Option<Duration> {
    let all: usize = seen.values().map(Vec::len).sum();
    let mut good = seen.get("200").cloned().unwrap_or_default();
    good.sort_unstable();
    let refused = all - good.len();
    // One answer of a second says nothing to a percentile of a thousand short ones, but much to the client.
    let late = seen
        .values()
        .flatten()
        .map(|time| time.saturating_sub(TARGET));
    let late = late.sum::<Duration>().as_secs_f64() / TIME.as_secs_f64() * 100.0;
    let rate = good.len() as f64 / TIME.as_secs_f64();
    let within = |share: f64| {
        let last = good.len().checked_sub(1)?;
        Some(good[(last as f64 * share) as usize])
    };
    let millis = |share: f64| match within(share) {
        Some(time) => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        None => "none".to_owned(),
    };
    println!(
        "| {beside} | {rate:.0} | {refused} | {} | {} | {} | {late:.1} % | {attackers} | {} MiB |",
        millis(0.5),
        millis(0.99),
        millis(1.0),
        memory >> 20
    );
    within(0.99).filter(|_| refused * 100 <= all)
}

/// What became of an attack: `40 of 503 (1.00 s, 1.20 s)`.
fn told(ends: Ends) -> String {
    let ends = ends.into_iter().map(|(end, mut times)| {
        times.sort_unstable();
        let median = times[times.len() / 2].as_secs_f64();
        let longest = times[times.len() - 1].as_secs_f64();
        format!("{} of {end} ({median:.2} s, {longest:.2} s)", times.len())
    });
    ends.collect::<Vec<_>>().join("; ")
}
