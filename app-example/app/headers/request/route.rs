//! All headers of the request, one a line.

use waystation::Request;

pub async fn get(request: Request) -> String {
    let lines = request.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        format!("{name}: {value}\n")
    });
    lines.collect()
}
