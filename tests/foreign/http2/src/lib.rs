//! A component for `wasi:http/incoming-handler@0.2`: says what it was asked.

use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

wasip2::http::proxy::export!(Example);

struct Example;

static COUNT: AtomicU32 = AtomicU32::new(0);

impl wasip2::exports::http::incoming_handler::Guest for Example {
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let spins = path.ends_with("?spin");
        let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        let text = format!(
            "0.2 {:?} {path} request {count} of this instance",
            request.method()
        );
        let fields = Fields::from_list(&[("x-made-by".to_owned(), b"wasip2".to_vec())])
            .expect("valid fields");
        let response = OutgoingResponse::new(fields);
        response.set_status_code(203).expect("a valid status");
        let body = response.body().expect("the first time");
        while spins {
            std::hint::spin_loop();
        }
        ResponseOutparam::set(answer, Ok(response));
        let mut out = body.write().expect("the first time");
        out.write_all(text.as_bytes()).expect("a reader");
        out.flush().expect("a reader");
        drop(out);
        OutgoingBody::finish(body, None).expect("no length was announced");
    }
}
