//! What crawlers may ask for, at `/robots.txt`.

use waystation::metadata::{Robots, Rule};

pub fn robots() -> Robots {
    Robots::new()
        .rule(Rule::everyone().allow("/").disallow("/api/"))
        .sitemap("https://example.com/sitemap.xml")
}
