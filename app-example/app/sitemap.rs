//! The pages that search engines are asked to look at, at `/sitemap.xml`.

use waystation::metadata::{ChangeFrequency, Entry, Sitemap};

pub fn sitemap() -> Sitemap {
    let home = Entry::new("https://example.com/")
        .last_modified("2026-11-25")
        .change_frequency(ChangeFrequency::Weekly)
        .priority(1.0);
    let search = Entry::new("https://example.com/api/search?query=wasm&lang=en");
    Sitemap::new().entry(home).entry(search)
}
