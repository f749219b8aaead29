waystation::route! {
    pattern = "/sitemap.xml",
    function = "sitemap",
    lists = "generate_sitemaps",
    mod route {
        use waystation::metadata::Sitemap;

        pub fn get() {}

        fn sitemap() -> Sitemap {
            Sitemap::new()
        }

        pub fn
        generate_sitemaps() -> Vec<u32> {
            vec![]
        }
    }
}

fn main() {}
