//! Asked before the routes about `/welcome` alone: shows the page in the visitor's language, whose address stays `/welcome`.

use waystation::{Next, Request};

pub const MATCHER: &[&str] = &["/welcome"];

pub fn proxy(request: Request) -> Next {
    let wished = request.headers().get("accept-language");
    let wished = wished.and_then(|wished| wished.to_str().ok());
    let language = match wished {
        Some(wished) if wished.starts_with("de") => "de",
        _ => "en",
    };
    Next::rewrite(format!("/welcome/{language}")).header("vary", "accept-language")
}
