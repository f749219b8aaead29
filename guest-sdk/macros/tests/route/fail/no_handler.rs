waystation::route! {
    pattern = "/",
    mod route {
        pub fn helper() {}
    }
}

fn main() {}
