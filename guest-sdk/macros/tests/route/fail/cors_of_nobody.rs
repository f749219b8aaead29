waystation::route! {
    pattern = "/",
    mod route {
        use waystation::Cors;

        pub const CORS: Cors = Cors::new().max_age(600);

        pub async fn get() {}
    }
}

fn main() {}
