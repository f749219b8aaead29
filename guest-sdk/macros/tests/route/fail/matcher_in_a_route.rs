//! What belongs in a proxy, in a route.

waystation::route! {
    pattern = "/",
    mod route {
        pub const MATCHER: &str = "/about";

        pub fn get() {}
    }
}

fn main() {}
