//! Requests to the served app, over HTTP.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::HeaderValue;
use ureq::{Agent, AsSendBody, Body, Error};

use super::request::LOOPBACK;
use super::{TestRequest, TestResponse};

/// What the host is told of a test's own clock and answers; the host program knows it too.
const STAND_IN: &str = "x-waystation-test";
/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(330);

impl TestRequest {
    /// Sends this request to the app that `waystation test` serves, and waits for all of the answer.
    ///
    /// It meets the real component in its sandbox, and all that the operator sets. Redirects are not followed, and cookies are not kept.
    ///
    /// The clock stands still if [`at`](Self::at) has set it, though `sleep()` waits, and [`answer`](Self::answer) answers in place of
    /// other servers and of the app's own paths, with texts of a few KiB. Nothing kept is used then. Without them, the clock is the
    /// machine's, and what is fetched goes its way.
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
    /// Outside of `waystation test`, or if nobody answers; and if the request differs in what only [`call`](Self::call) can set:
    /// [`seed`](Self::seed), [`fetch`](Self::fetch), [`leave_after`](Self::leave_after), [`client_address`](Self::client_address) or
    /// [`draft_mode`](Self::draft_mode). A server is no part of the test's process.
    #[must_use]
    #[track_caller]
    pub fn send(self) -> TestResponse {
        let refused = self.not_sent();
        assert!(
            refused.is_empty(),
            "`{}` cannot be told to a server; use `call`, which runs the handler in the test itself, or `answer` for `fetch`",
            refused.join("`, `")
        );
        let origin = variable("WAYSTATION_URL");
        let began = Instant::now();
        let mut request = http::Request::new(());
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        let words = self.words();
        if !words.is_empty() {
            let line = format!("{} {words}", variable("WAYSTATION_TEST_SECRET"));
            let line = HeaderValue::try_from(line).expect("a form is ASCII");
            request.headers_mut().insert(STAND_IN, line);
        }
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

    /// What the host is told of this test's clock and answers, as a form.
    fn words(&self) -> String {
        let mut words = form_urlencoded::Serializer::new(String::new());
        if let Some(time) = self.time {
            let now = time.duration_since(SystemTime::UNIX_EPOCH);
            let now = now.expect("a time after 1970").as_nanos();
            words.append_pair("now", &now.to_string());
        }
        for (url, answer) in &self.network.known {
            words.append_pair("url", &url.to_string());
            words.append_pair("status", answer.status().as_str());
            for (name, value) in answer.headers() {
                let value = value.to_str().expect("a header of an answer is text");
                words.append_pair("header", &format!("{name}:{value}"));
            }
            let body = str::from_utf8(answer.body()).expect("an answer to `send` is text");
            words.append_pair("body", body);
        }
        words.finish()
    }

    /// What is set that no server can be told.
    fn not_sent(&self) -> Vec<&'static str> {
        let set = [
            (self.seed != 0, "seed"),
            (self.network.function.is_some(), "fetch"),
            (self.leaves_after.is_some(), "leave_after"),
            (self.client != LOOPBACK, "client_address"),
            (self.is_draft, "draft_mode"),
        ];
        set.into_iter()
            .filter_map(|(is_set, name)| is_set.then_some(name))
            .collect()
    }
}

#[track_caller]
fn variable(name: &str) -> String {
    let served = std::env::var(name);
    served.unwrap_or_else(|_| {
        panic!("no app is served for this test; run `waystation test`, which sets {name}")
    })
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
    #[should_panic(expected = "`seed`, `fetch` cannot be told to a server")]
    fn what_no_server_can_be_told_is_not_ignored() {
        let request = TestRequest::get("/").seed(1);
        drop(request.fetch(|_| "an answer").send());
    }

    #[test]
    fn a_clock_and_answers_are_told_as_a_form() {
        let request = TestRequest::get("/").at(SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        let request = request.answer("https://a.test?q", (http::StatusCode::NOT_FOUND, "no tea"));
        assert_eq!(
            request.words(),
            "now=1000000000&url=https%3A%2F%2Fa.test%2F%3Fq&status=404&\
             header=content-type%3Atext%2Fplain%3B+charset%3Dutf-8&body=no+tea"
        );
        assert_eq!(TestRequest::get("/").words(), "");
    }
}
