//! A proxy with one pattern, and one with several.

mod one {
    waystation::proxy! {
        pattern = "/",
        mod proxy {
            pub const MATCHER: &str = "/about";

            pub fn proxy() {}
        }
    }
}

mod several {
    waystation::proxy! {
        pattern = "/",
        mod proxy {
            pub const MATCHER: &[&str; 2] = &["/about", "/blog/:path*"];

            pub fn proxy() {}
        }
    }
}

fn main() {}
