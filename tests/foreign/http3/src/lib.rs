//! A component for `wasi:http/handler@0.3`: says what it was asked, in a body that it streams.

use std::sync::atomic::{AtomicU32, Ordering};

use wasip3::clocks::monotonic_clock;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

wasip3::http::service::export!(Example);

struct Example;

/// How long one that blocks does, in nanoseconds.
const BLOCKED: u64 = 20_000_000_000;

static COUNT: AtomicU32 = AtomicU32::new(0);

impl wasip3::exports::http::handler::Guest for Example {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        if path.ends_with("?fail") {
            return Err(ErrorCode::InternalError(Some(
                "as it was asked to".to_owned(),
            )));
        }
        if path.ends_with("?blocks") {
            wit_bindgen::block_on(monotonic_clock::wait_for(1)); // what has come while it waited may have taken a stack too
            println!("it blocks");
            wit_bindgen::block_on(monotonic_clock::wait_for(BLOCKED));
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        let text = format!(
            "0.3 {:?} {path} request {count} of this instance",
            request.get_method()
        );
        let fields = Fields::from_list(&[("x-made-by".to_owned(), b"wasip3".to_vec())])
            .expect("valid fields");
        let (mut writer, reader) = wit_stream::new();
        let (end, ended) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(fields, Some(reader), ended);
        drop(end);
        wit_bindgen::spawn_local(async move {
            let _unread = writer.write_all(text.into_bytes()).await;
        });
        Ok(response)
    }
}
