#![deny(warnings, missing_docs)]
//! Modules that list the params whose answers are made at build time.

/// A list.
pub mod list {
    waystation::route! {
        pattern = "/blog/[slug]",
        mod route {
            use super::Params;
            use waystation::Context;

            pub fn generate_static_params() -> Vec<Params> {
                vec![Params { slug: "tea".into() }]
            }

            pub fn get(context: Context<Params>) -> String {
                context.params.slug
            }
        }
    }
}

/// A list that is waited for and may fail.
pub mod fallible {
    waystation::route! {
        pattern = "/shop/[tag]/[...path]/[[...rest]]",
        mod route {
            use super::Params;
            use waystation::Result;

            pub async fn generate_static_params() -> Result<Vec<Params>> {
                let tag = tag().await?;
                Ok(vec![Params { tag, path: vec!["a".into()], rest: None }])
            }

            async fn tag() -> Result<String> {
                Ok("1".into())
            }

            pub fn get() {}
        }
    }
}

/// An array.
pub mod array {
    waystation::route! {
        pattern = "/[type]",
        mod route {
            use super::Params;

            pub fn generate_static_params() -> [Params; 1] {
                [Params { r#type: "a".into() }]
            }

            pub fn get() {}
        }
    }
}

/// A proxy may have a helper of that name.
pub mod proxy {
    waystation::proxy! {
        pattern = "/",
        mod proxy {
            use waystation::Next;

            pub fn proxy() -> Next {
                generate_static_params()
            }

            fn generate_static_params() -> Next {
                Next::new()
            }
        }
    }
}

fn main() {}
