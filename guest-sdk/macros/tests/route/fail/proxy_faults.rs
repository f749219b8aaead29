//! Every fault of a proxy in one go.

waystation::proxy! {
    pattern = "/",
    mod proxy {
        use waystation::{Next, Revalidate};

        pub const REVALIDATE: Revalidate = Revalidate::seconds(60);

        pub const matcher: &str = "/about";

        pub const MATCHER: &[u8] = b"/about";

        pub fn middleware() -> Next {
            Next::new()
        }

        pub fn Proxy() -> Next {
            Next::new()
        }
    }
}

fn main() {}
