//! No body makes a handler that reads forms panic: it is a form, or the client's fault.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waystation::testing::TestRequest;
use waystation::{Request, Result};

async fn post(request: Request) -> Result<String> {
    let form = request.form_data().await?;
    Ok(form.iter().count().to_string())
}

/// One part between two boundaries: more of its `Content-Disposition`, its other headers, and its content.
type Part = (Vec<u8>, Vec<u8>, Vec<u8>);

fuzz_target!(|input: (u8, Vec<u8>, Vec<Part>)| {
    let (kind, raw, parts) = input;
    let (content_type, body) = match kind % 3 {
        0 => ("application/x-www-form-urlencoded", raw),
        1 => ("multipart/form-data; boundary=x", raw),
        _ => ("multipart/form-data; boundary=x", framed(&parts, &raw)),
    };
    let request = TestRequest::post("/")
        .header("content-type", content_type)
        .body(body);
    let status = request.call(post).status();
    assert!(status == 200 || status.is_client_error(), "{status}");
});

fn framed(parts: &[Part], after: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (disposition, headers, content) in parts {
        body.extend_from_slice(b"--x\r\ncontent-disposition: form-data; name=");
        for piece in [
            disposition,
            &b"\r\n"[..],
            headers,
            b"\r\n\r\n",
            content,
            b"\r\n",
        ] {
            body.extend_from_slice(piece);
        }
    }
    body.extend_from_slice(b"--x--");
    body.extend_from_slice(after);
    body
}
