//! What is stale is made anew by one node of all.

use super::*;

/// As behind a stale answer: who finds it stale goes on with the old one, and one of all makes it anew.
#[tokio::test]
async fn two_nodes_make_what_is_stale_anew_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let nodes = [connected(server.port).await, connected(server.port).await];
    arrives(&nodes[0], &nodes[1], "a").await;
    let made = Arc::new(AtomicUsize::new(0));
    for round in 1..=10 {
        lapse(&nodes[0], "tag", Lapsing::Stale).await;
        for node in &nodes {
            eventually("stale", async || {
                state(node, "a").await == Some(State::Stale)
            })
            .await;
        }
        let before = made.load(Ordering::Relaxed);
        let finds: Vec<_> = (0..200)
            .map(|number| tokio::spawn(renew(nodes[number % 2].clone(), Arc::clone(&made))))
            .collect();
        for find in finds {
            find.await.unwrap();
        }
        for node in &nodes {
            assert_eq!(
                state(node, "a").await,
                Some(State::Fresh),
                "in both memories"
            );
        }
        let total = made.load(Ordering::Relaxed);
        assert!(total - before <= nodes.len(), "once per node at most");
        assert!(
            (round..round + 3).contains(&total),
            "{total} in {round} rounds: once is normal"
        );
    }
}

async fn renew(node: Store, made: Arc<AtomicUsize>) {
    let (old, state) = node.get("a").await.expect("nobody waits");
    if state == State::Stale
        && let Some(flight) = node.try_flight("a")
        && let Some(flight) = node.renewal(&old, flight, PATIENCE).await
    {
        make(&node, &made).await;
        flight.land(Landed::Kept);
    }
}

/// A handler that finds a value stale has no time to wait for another node.
#[tokio::test]
async fn what_another_node_makes_anew_is_left_to_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let (one, other) = (connected(server.port).await, connected(server.port).await);
    arrives(&one, &other, "a").await;
    lapse(&one, "a", Lapsing::Stale).await;
    eventually("stale", async || {
        state(&other, "a").await == Some(State::Stale)
    })
    .await;
    let (old, _) = other.get("a").await.expect("it is stale");
    let renews = async |node: &Store| {
        let flight = node.try_flight("a").expect("nobody else does");
        node.renewal(&old, flight, Duration::ZERO).await
    };
    let made = renews(&one).await.expect("it is stale");
    assert!(renews(&other).await.is_none());
    assert_eq!(state(&other, "a").await, Some(State::Stale));
    eventually("Redis has taken it", async || {
        put(&one, "a").await;
        state(&connected(server.port).await, "a").await == Some(State::Fresh)
    })
    .await;
    made.land(Landed::Kept);
    eventually(
        "the lease is given back, and the new one found",
        async || renews(&other).await.is_none() && state(&other, "a").await == Some(State::Fresh),
    )
    .await;
}
