//! No body makes a handler that reads forms panic: it is a form, or the client's fault.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waystation::testing::TestRequest;
use waystation::{Request, Result};

async fn post(request: Request) -> Result<String> {
    let form = request.form_data().await?;
    Ok(form.iter().count().to_string())
}

fuzz_target!(|input: (bool, Vec<u8>)| {
    let (is_multipart, body) = input;
    let content_type = match is_multipart {
        true => "multipart/form-data; boundary=x",
        false => "application/x-www-form-urlencoded",
    };
    let request = TestRequest::post("/")
        .header("content-type", content_type)
        .body(body);
    let status = request.call(post).status();
    assert!(status == 200 || status.is_client_error(), "{status}");
});
