//! A proxy that answers, with one matcher.

waystation::proxy! {
    pattern = "/",
    mod proxy {
        use waystation::Matcher;

        pub const MATCHER: Matcher = Matcher::new("/about");

        pub fn proxy() -> &'static str {
            "no"
        }
    }
}

fn main() {}
