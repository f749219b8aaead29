waystation::route! {
    pattern = "/",
    mod route {
        use waystation::Context;

        pub async fn get(_: String) {}

        pub async fn post(_: Context<String>) {}
    }
}

fn main() {}
