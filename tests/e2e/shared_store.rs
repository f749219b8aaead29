//! Two nodes that keep their answers in one Redis.

use std::collections::BTreeSet;

use waystation_tests::{App, Client, Host, Redis, wait_for};

use crate::support::{Turn, keeping, state, turn};

const POSTS: &str = r#"use crate::Params;
use waystation::*;
pub const REVALIDATE: Revalidate = Revalidate::NEVER;
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
            ("app/lapse/route.rs", LAPSE),
            ("waystation.toml", &toml),
        ]);
        let one = keeping(&app, None);
        let _compiled = one.address(); // what it has compiled, the other finds
        let hosts = [one, keeping(&app, None)];
        Some(Self {
            hosts,
            redis,
            _app: app,
            _turn: turn,
        })
    }

    fn clients(&self) -> [Client; 2] {
        [0, 1].map(|at| Client::new(self.hosts[at].address()))
    }
}

/// Waits until the other has what one has made, which takes until both are connected. A path that both made before that is no sign of it.
async fn share([one, other]: &[Client; 2], name: &str) -> String {
    let mut number = 0;
    wait_for("the other node has what one has made", async || {
        number += 1;
        let path = format!("/posts/{name}-{number}");
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
    let path = share(&clients, "first").await;
    lapse(&clients, &path).await;

    nodes.redis.restart();
    for client in &clients {
        assert_eq!(client.get(&path).await.status, 200, "without Redis too");
    }
    let path = share(&clients, "second").await;
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
}
