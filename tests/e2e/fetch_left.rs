//! Fetches whose client has gone or stands still.

use std::time::Duration;

use waystation_tests::raw::Socket;
use waystation_tests::upstream::{Upstream, served};
use waystation_tests::wait_for;

use crate::fetch_modes::{HOST, client};

/// Tells when it is dropped.
struct Told(tokio::sync::watch::Sender<bool>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

#[tokio::test]
async fn a_fetch_that_nobody_waits_for_any_more_ends() {
    let (ended, mut ends) = tokio::sync::watch::channel(false);
    let upstream = Upstream::new(move |_| {
        let told = Told(ended.clone());
        async move {
            std::future::pending::<()>().await;
            drop(told);
            served(200, &[], "never")
        }
    })
    .await;
    let mut socket = Socket::open(HOST.address()).await;
    let url = format!("{}/left", upstream.origin());
    let request = format!("GET /modes/ForceCache?url={url} HTTP/1.1\r\nhost: a\r\n\r\n");
    socket.send(request).await;
    wait_for("it is asked", async || {
        (!upstream.heads().is_empty()).then_some(())
    })
    .await;
    drop(socket);
    let is_over = ends.wait_for(|has_ended| *has_ended);
    let is_over = tokio::time::timeout(Duration::from_secs(20), is_over).await;
    is_over.expect("the request ends").unwrap();
}

/// A handler whose client does not read stands still. What it has begun to fetch comes all the same, for the others who wait for it.
#[tokio::test]
async fn a_client_that_does_not_read_holds_up_nobody_else_s_fetch() {
    let (release, held) = tokio::sync::watch::channel(false);
    let upstream = Upstream::new(move |_| {
        let mut held = held.clone();
        async move {
            let is_released = held.wait_for(|is_released| *is_released);
            is_released.await.expect("the test goes on");
            served(200, &[], "words")
        }
    })
    .await;
    let url = format!("{}/frozen", upstream.origin());
    let mut socket = Socket::open(HOST.address()).await;
    let request = format!("GET /frozen?url={url} HTTP/1.1\r\nhost: a\r\n\r\n");
    socket.send(request).await;
    wait_for("it is asked", async || {
        (!upstream.heads().is_empty()).then_some(())
    })
    .await;
    HOST.wait_until_idle(); // the sockets are full
    release.send(true).unwrap();
    let path = format!("/modes/ForceCache?url={url}");
    let answer = tokio::time::timeout(Duration::from_secs(10), async { client().get(&path).await });
    assert_eq!(answer.await.expect("it does not wait").line(), "200 words");
    assert_eq!(upstream.accepted(), 1);
    drop(socket);
}
