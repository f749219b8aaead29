//! An answer that is no page: a feed, with its own content type.

use waystation::{Response, Result};

const FEED: &str = r#"<?xml version="1.0" encoding="UTF-8" ?>
<rss version="2.0">

<channel>
  <title>Waystation Documentation</title>
  <link>https://example.com/docs</link>
  <description>Route handlers in Rust</description>
</channel>

</rss>
"#;

pub async fn get() -> Result<Response> {
    Response::builder()
        .header("content-type", "text/xml")
        .body(FEED)
}
