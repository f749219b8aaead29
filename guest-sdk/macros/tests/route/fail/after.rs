waystation::route! {
    pattern = "/",
    mod route {
        use waystation::after;

        pub async fn get() {
            after(async { "done" });
        }
    }
}

fn main() {}
