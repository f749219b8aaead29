#![deny(warnings)]

waystation::route! {
    pattern = "/",
    mod route {
        pub const PREFERRED_REGION: &str = "fra1";
        pub const REVALIDATE: waystation::Revalidate = waystation::Revalidate::NEVER;

        pub fn get() -> &'static str {
            "hello"
        }
    }
}

fn main() {}
