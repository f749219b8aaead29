//! Requests to the served app, over HTTP.

use std::time::{Duration, Instant};

use bytes::Bytes;
use ureq::{Agent, AsSendBody, Body, Error};

use super::request::LOOPBACK;
use super::{TestRequest, TestResponse};

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(330);

impl TestRequest {
    /// Sends this request to the app that `waystation test` serves, and waits for all of the answer.
    ///
    /// It meets the real component in its sandbox, and all that the operator sets. Redirects are not followed, and cookies are not kept.
    ///
    /// ```no_run
    /// use waystation::testing::TestRequest;
    ///
    /// let response = TestRequest::get("/items/tea").send();
    /// assert_eq!(response.text(), "You asked for tea");
    /// ```
    ///
    /// # Panics
    ///
    /// If `WAYSTATION_URL` is not set, or nobody answers; and if the request differs in what only [`call`](Self::call) can set: [`at`](Self::at),
    /// [`seed`](Self::seed), [`fetch`](Self::fetch), [`leave_after`](Self::leave_after), [`client_address`](Self::client_address) or
    /// [`draft_mode`](Self::draft_mode). A server is no part of the test's process.
    #[must_use]
    #[track_caller]
    pub fn send(self) -> TestResponse {
        let refused = self.not_sent();
        assert!(
            refused.is_empty(),
            "`{}` cannot be told to a server; use `call`, which runs the handler in the test itself",
            refused.join("`, `")
        );
        let Ok(origin) = std::env::var("WAYSTATION_URL") else {
            panic!(
                "no app is served for this test; run `waystation test`, which sets WAYSTATION_URL"
            );
        };
        let began = Instant::now();
        let mut request = http::Request::new(());
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        let url = format!("{origin}{}", self.target());
        *request.uri_mut() = url.parse().unwrap_or_else(|error| {
            panic!("WAYSTATION_URL is `{origin}`, no address of a host: {error}")
        });
        let answer = match self.body.is_empty() {
            true => ask(request),
            false => ask(request.map(|()| &*self.body)),
        };
        let answer = answer.and_then(|response| {
            let (head, mut body) = response.into_parts();
            let whole = body.with_config().limit(u64::MAX).read_to_vec()?;
            Ok((head, whole))
        });
        match answer {
            Ok((head, body)) => TestResponse::new(
                head.status,
                head.headers,
                vec![Bytes::from(body)],
                None,
                began.elapsed(),
            ),
            Err(error) => panic!("{} {url}: {error}", self.method),
        }
    }

    /// What is set that no server can be told.
    fn not_sent(&self) -> Vec<&'static str> {
        let set = [
            (self.time.is_some(), "at"),
            (self.seed != 0, "seed"),
            (self.network.0.is_some(), "fetch"),
            (self.leaves_after.is_some(), "leave_after"),
            (self.client != LOOPBACK, "client_address"),
            (self.is_draft, "draft_mode"),
        ];
        set.into_iter()
            .filter_map(|(is_set, name)| is_set.then_some(name))
            .collect()
    }
}

fn ask(request: http::Request<impl AsSendBody>) -> Result<http::Response<Body>, Error> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        .build();
    Agent::new_with_config(config).run(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "`at`, `fetch` cannot be told to a server")]
    fn what_no_server_can_be_told_is_not_ignored() {
        let request = TestRequest::get("/").at(std::time::SystemTime::UNIX_EPOCH);
        drop(request.fetch(|_| "an answer").send());
    }
}
