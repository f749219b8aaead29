waystation::route! {
    pattern = "/",
    mod route {
        pub fn get() {
            waystation::headers().insert("x-a", "1".parse().unwrap()); // H1
        }
    }
}

fn main() {}
