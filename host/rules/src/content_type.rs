//! Says what a file is, by the end of its name.
//!
//! In: a file's name. Out: the value of `Content-Type`, which a browser is told to believe (`nosniff`), so what is unknown is bytes.

/// What a file of this name is: `text/css; charset=utf-8` for `site.css`. Text is taken for UTF-8.
#[must_use]
pub fn of(name: &str) -> String {
    let known = mime_guess::from_path(name).first_raw();
    match known.unwrap_or("application/octet-stream") {
        "application/javascript" => "text/javascript; charset=utf-8".to_owned(), // RFC 9239
        text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_name_tells() {
        check("index.html", "text/html; charset=utf-8");
        check("site.CSS", "text/css; charset=utf-8");
        check("app.js", "text/javascript; charset=utf-8");
        check("app.mjs", "text/javascript; charset=utf-8");
        check("app.wasm", "application/wasm");
        check("data.json", "application/json");
        check("logo.svg", "image/svg+xml");
        check("photo.jpg", "image/jpeg");
        check("photo.avif", "image/avif");
        check("favicon.ico", "image/x-icon"); // MD1
        check("font.woff2", "font/woff2");
        check("site.webmanifest", "application/manifest+json");
        check("app.js.map", "text/plain; charset=utf-8");
    }

    #[test]
    fn what_is_unknown_is_bytes() {
        check("LICENSE", "application/octet-stream");
        check("a.unheard-of", "application/octet-stream");
        check(".well-known/x", "application/octet-stream");
        check("html", "application/octet-stream");
    }

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(of(name), expected);
    }
}
