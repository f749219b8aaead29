//! Several sitemaps from one file, at `/items/sitemap/0.xml` and `/items/sitemap/1.xml`.

use waystation::Result;
use waystation::metadata::{Entry, Id, Sitemap};

const ITEMS: [&str; 3] = ["lamp", "sofa", "table"];
const PER_SITEMAP: usize = 2;

pub fn generate_sitemaps() -> std::ops::Range<usize> {
    0..ITEMS.len().div_ceil(PER_SITEMAP)
}

pub fn sitemap(id: Id) -> Result<Sitemap> {
    let first = id.parse::<usize>()? * PER_SITEMAP;
    let items = ITEMS.iter().skip(first).take(PER_SITEMAP);
    Ok(items
        .map(|item| Entry::new(format!("https://example.com/items/{item}")))
        .collect())
}
