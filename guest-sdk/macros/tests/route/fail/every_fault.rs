waystation::route! {
    pattern = "/items/[slug]",
    mod route {
        use waystation::{Context, Dynamic, Request, Response};

        pub const revalidate: u32 = 60;
        pub const fetchCache: &str = "force-cache";
        pub const REVALIDATE: u32 = 60;
        const DYNAMIC: Dynamic = Dynamic::Auto;
        pub static MAX_DURATION: u32 = 30;
        pub const PREFERRED_REGION: [&str; 1] = ["fra1"];

        pub async fn GET(_request: Request) -> Response {
            Response::empty()
        }

        async fn head() {}

        pub(crate) async fn post() {}

        pub async fn put(_: Request, _: Context, _: u8) {}

        pub async fn patch<T>(_: &Request, _: impl Into<T>) {}

        pub async fn Delete() {}

        pub async fn pots(_: Request) {}

        pub async fn FETCH(_: Request) {}

        pub async fn trace(_: Request) {}

        pub fn default() {}

        pub mod options {}

        pub use super::elsewhere::query;
    }
}

mod elsewhere {
    pub fn query() {}
}

fn main() {}
