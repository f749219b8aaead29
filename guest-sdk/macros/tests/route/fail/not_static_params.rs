mod list {
    waystation::route! {
        pattern = "/[slug]",
        mod route {
            pub fn generate_static_params() -> Vec<String> {
                vec![]
            }

            pub fn get() {}
        }
    }
}

mod nothing {
    waystation::route! {
        pattern = "/[slug]",
        mod route {
            pub async fn generate_static_params() {}

            pub fn get() {}
        }
    }
}

fn main() {}
