//! Which content is worth compressing: what is text underneath, and is not compressed already.

use http::HeaderValue;

/// Types beside `text/*`, `*+json`, `*+xml` and `*+text`.
const COMPRESSIBLE: [&str; 22] = [
    "application/ecmascript",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/jsonl",
    "application/ndjson",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-javascript",
    "application/x-ndjson",
    "application/x-sh",
    "application/x-www-form-urlencoded",
    "application/xml",
    "application/yaml",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/vnd.microsoft.icon",
    "image/x-icon",
];

/// Content without a type is left alone: it may be anything.
pub(super) fn is_compressible(content_type: Option<&HeaderValue>) -> bool {
    let Some(Ok(value)) = content_type.map(HeaderValue::to_str) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let suffix = essence.rsplit_once('+').map(|(_, suffix)| suffix);
    essence.starts_with("text/")
        || matches!(suffix, Some("json" | "text" | "xml" | "yaml"))
        || COMPRESSIBLE.contains(&&*essence)
}
