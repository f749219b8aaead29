//! What bounds the requests that handlers make, and what is counted of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Barrier;
use waystation_tests::Client;
use waystation_tests::upstream::{Upstream, served};

use crate::fetch;
use crate::status;
use crate::support::{production, program, turn};

/// Asks twelve times at once.
const TWELVE: &str = r#"use std::future::poll_fn;
use std::task::Poll;
use waystation::{Request, fetch};

pub async fn get(request: Request) -> String {
    let url = request.url().search_params().get("url").unwrap_or_default().into_owned();
    let mut all: Vec<_> = (0..12).map(|_| Box::pin(async { fetch(&url).await?.text().await })).collect();
    let mut good = 0;
    poll_fn(|cx| {
        all.retain_mut(|one| match one.as_mut().poll(cx) {
            Poll::Pending => true,
            Poll::Ready(answer) => {
                good += usize::from(answer.is_ok());
                false
            }
        });
        if all.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    format!("{good}")
}
"#;

/// Each waits for five others, so there are six at least.
#[tokio::test]
async fn six_of_twelve_are_open_at_once() {
    let six = Arc::new(Barrier::new(6));
    let (open, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let upstream = Upstream::new({
        let most = Arc::clone(&most);
        move |_| {
            let (six, open, most) = (Arc::clone(&six), Arc::clone(&open), Arc::clone(&most));
            async move {
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                six.wait().await;
                open.fetch_sub(1, Ordering::SeqCst);
                served(200, &[], "")
            }
        }
    })
    .await;
    let turn = turn().await;
    let toml = format!(
        "[outbound]\nhosts = [\"{}\"]\naddresses = [\"127.0.0.1\"]\n",
        upstream.origin()
    );
    let app = turn.app(&[("app/ask/route.rs", TWELVE), ("waystation.toml", &toml)]);
    let host = program().dev(app.root());
    let path = format!("/ask?url={}/x", upstream.origin());
    assert_eq!(
        Client::new(host.address()).get(&path).await.line(),
        "200 12"
    );
    assert_eq!(most.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn an_answer_that_is_too_long_or_never_comes_is_counted() {
    let upstream = Upstream::new(fetch::answer).await;
    let turn = turn().await;
    let toml = "[outbound]\nhosts = [\"http://127.0.0.1:*\"]\naddresses = [\"127.0.0.1\"]\n\n[limits]\nmax_duration = 60\n";
    let app = turn.app(&[("waystation.toml", toml), ("app/ask/route.rs", fetch::ASK)]);
    app.warm_too(production());
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let host = status::serve(app.root());
    let client = Client::new(host.address());
    let counted = Client::new(host.status_address());
    for (method, path, ended, limit) in [
        ("PATCH", "/endless", "200 Some(TooLarge)", "fetch_body"),
        ("GET", "/never", "200 Some(Timeout)", "fetch_time"), // after its 30 s
    ] {
        let path = format!("/ask?url=http://127.0.0.1:{}{path}", upstream.port());
        let answer = client.ask(method, &path, &[], "").await.line();
        assert!(answer.starts_with(ended), "{answer}");
        status::counts(&counted, "/ask", limit).await;
    }
}
