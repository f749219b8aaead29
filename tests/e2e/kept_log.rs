//! A request's line says what its answer has to do with what is kept, and why it is not, each time.

use crate::kept::{HOST, client};

#[tokio::test]
async fn a_line_says_why_an_answer_is_not_kept() {
    let client = client();
    for (path, twice) in [
        ("/reads", ["(dynamic: it used `cookies()`)"; 2]),
        ("/status/418", ["(not kept: its status is 418)"; 2]),
        ("/items/logged", ["(MISS)", "(HIT)"]),
    ] {
        let begins = format!("GET {path} ");
        for expected in twice {
            let seen = HOST.lines();
            client.get(path).await;
            let line =
                HOST.wait_for_line_after(seen, "the request's line", |line| line.contains(&begins));
            assert!(line.ends_with(expected), "{line}");
        }
    }
}
