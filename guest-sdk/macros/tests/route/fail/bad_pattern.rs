waystation::route! {
    pattern = "/[a-b]/[a_b]",
    mod route {
        pub fn get() {}
    }
}

fn main() {}
