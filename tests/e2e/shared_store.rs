//! Two nodes that keep their answers in one Redis.

use std::collections::BTreeSet;

use waystation_tests::clock::Clock;
use waystation_tests::{App, Client, Host, Redis, wait_for};

use crate::support::{Turn, keeping, state, turn};

const POSTS: &str = r#"use crate::Params;
use waystation::*;
pub const REVALIDATE: Revalidate = Revalidate::NEVER;
pub fn get(context: Context<Params>) -> String { format!("{} {}", context.params.slug, random_u64()) }
"#;

const MINUTES: &str = r#"use crate::Params;
use waystation::*;
pub const REVALIDATE: Revalidate = Revalidate::seconds(60);
pub fn get(context: Context<Params>) -> String { format!("{} {}", context.params.slug, random_u64()) }
"#;

const LAPSE: &str = r#"use waystation::*;
pub fn post(request: Request) {
    revalidate_path(request.url().search_params().get("path").unwrap_or_default().as_ref());
}
"#;

/// Two nodes, and what they share.
struct Nodes {
    hosts: [Host; 2],
    redis: Redis,
    clock: Clock,
    _app: App,
    _turn: Turn,
}

impl Nodes {
    async fn new() -> Option<Self> {
        let redis = Redis::start()?;
        let turn = turn().await;
        let toml = format!("[cache]\nredis = {:?}\n", redis.url());
        let app = turn.app(&[
            ("app/posts/[slug]/route.rs", POSTS),
            ("app/minutes/[slug]/route.rs", MINUTES),
            ("app/lapse/route.rs", LAPSE),
            ("waystation.toml", &toml),
        ]);
        let clock = Clock::new();
        let one = keeping(&app, Some(&clock));
        let _compiled = one.address(); // what it has compiled, the other finds
        let hosts = [one, keeping(&app, Some(&clock))];
        Some(Self {
            hosts,
            redis,
            clock,
            _app: app,
            _turn: turn,
        })
    }

    fn clients(&self) -> [Client; 2] {
        [0, 1].map(|at| Client::new(self.hosts[at].address()))
    }
}

/// Waits until the other has what one has made, which takes until both are connected. A path that both made before that is no sign of it.
async fn share([one, other]: &[Client; 2], folder: &str) -> String {
    let mut number = 0;
    wait_for("the other node has what one has made", async || {
        number += 1;
        let path = format!("{folder}/shared-{number}");
        let made = one.get(&path).await.text().to_owned();
        let had = other.get(&path).await;
        (state(&had) == "HIT" && had.text() == made).then_some(path)
    })
    .await
}

/// Takes a path out of date at one node, and waits until the other makes it anew.
async fn lapse([one, other]: &[Client; 2], path: &str) {
    let before = other.get(path).await.text().to_owned();
    let lapse = format!("/lapse?path={path}");
    let lapsed = one.post(&lapse, &[], "").await;
    assert_eq!(lapsed.status, 200);
    wait_for("the other node knows that it is out of date", async || {
        (other.get(path).await.text() != before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_one_node_makes_the_other_has_and_what_one_revalidates_the_other_makes_anew() {
    let Some(mut nodes) = Nodes::new().await else {
        return;
    };
    let clients = nodes.clients();
    let path = share(&clients, "/posts").await;
    lapse(&clients, &path).await;

    nodes.redis.restart();
    for client in &clients {
        assert_eq!(client.get(&path).await.status, 200, "without Redis too");
    }
    let path = share(&clients, "/posts").await;
    lapse(&clients, &path).await;

    let asked = (0..200).map(|at| {
        let client = nodes.clients()[at % 2];
        tokio::spawn(async move { client.get("/posts/stampede").await.text().to_owned() })
    });
    let mut made = BTreeSet::new();
    for answer in asked.collect::<Vec<_>>() {
        made.insert(answer.await.unwrap());
    }
    assert!(made.len() <= 2, "at most once per node: {made:?}");
    is_made_anew_once(&nodes).await;
}

/// What a node logs once it has given up a Redis that took too long.
const LATE: &str = "answers are kept in memory alone for now";
/// How many rounds have to be seen in which Redis was in time, and how many there may be for that.
const IN_TIME: usize = 3;
const ROUNDS: usize = 30;

/// One of both makes anew what is stale, and the other takes it from there. Where Redis was late for a node, which that logs, both make it.
async fn is_made_anew_once(nodes: &Nodes) {
    let mut in_time = 0;
    for round in 1.. {
        let seen = [0, 1].map(|at| nodes.hosts[at].lines());
        let path = share(&nodes.clients(), "/minutes").await;
        let made = made_anew(nodes, &path).await;
        match made.len() {
            1 => in_time += 1,
            2 => {
                wait_for("a node says that Redis was late for it", async || {
                    let is_late = |at: usize| nodes.hosts[at].stderr_after(seen[at]).contains(LATE);
                    (is_late(0) || is_late(1)).then_some(())
                })
                .await;
            }
            _ => panic!("at most once per node: {made:?}"),
        }
        if in_time == IN_TIME {
            break;
        }
        assert!(round < ROUNDS, "Redis was in time in {in_time} rounds");
    }
}

/// What both have after a hundred have asked for what is stale, none of whom waited.
async fn made_anew(nodes: &Nodes, path: &str) -> BTreeSet<String> {
    nodes.clock.forward(61);
    let asked = (0..100).map(|at| {
        let (client, path) = (nodes.clients()[at % 2], path.to_owned());
        tokio::spawn(async move { client.get(&path).await })
    });
    for answer in asked.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        assert_ne!(state(&answer), "MISS", "nobody waits"); // I3
    }
    let mut made = BTreeSet::new();
    for client in nodes.clients() {
        let fresh = wait_for("a new answer", async || {
            let answer = client.get(path).await;
            (state(&answer) == "HIT").then_some(answer)
        });
        made.insert(fresh.await.text().to_owned());
    }
    made
}
