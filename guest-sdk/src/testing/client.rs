//! Requests to the served app, over HTTP.

use std::time::{Duration, Instant};

use bytes::Bytes;
use ureq::{Agent, AsSendBody, Body, Error};

use super::{TestRequest, TestResponse};

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(330);

impl TestRequest {
    /// Sends this request to the app that `waystation test` serves, and waits for all of the answer.
    ///
    /// It meets the real component in its sandbox, and all that the operator sets. [`at`](Self::at), [`seed`](Self::seed),
    /// [`fetch`](Self::fetch), [`leave_after`](Self::leave_after), [`client_address`](Self::client_address) and
    /// [`draft_mode`](Self::draft_mode) have no effect there. Redirects are not followed, and cookies are not kept.
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
    /// If `WAYSTATION_URL` is not set, or nobody answers.
    #[must_use]
    #[track_caller]
    pub fn send(self) -> TestResponse {
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
