waystation::route! {
    pattern = "/",
    mod route {
        use waystation::Cors;

        pub const CORS: Cors = Cors::new().any_origin().credentials();

        pub async fn get() {}
    }
}

fn main() {}
