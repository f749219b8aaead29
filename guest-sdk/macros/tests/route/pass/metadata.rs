#![deny(warnings, missing_docs)]
//! Metadata modules: one function, and one that lists several.

/// One.
pub mod one {
    waystation::route! {
        pattern = "/shop/[tag]/opengraph-image",
        function = "image",
        lists = "generate_image_metadata",
        mod route {
            use super::Params;
            use waystation::metadata::Image;
            use waystation::{Context, Result, Revalidate};

            pub const REVALIDATE: Revalidate = Revalidate::seconds(60);

            pub async fn image(context: Context<Params>) -> Result<Image> {
                let text = get(&context.params.tag);
                Ok(Image::svg(text))
            }

            fn get(tag: &str) -> String {
                format!("<svg>{tag}</svg>")
            }
        }
    }
}

/// Several.
pub mod several {
    waystation::route! {
        pattern = "/shop/[tag]/icon/[__metadata_id__]",
        function = "image",
        lists = "generate_image_metadata",
        mod route {
            use super::Params;
            use waystation::Context;
            use waystation::metadata::{Id, Image};

            pub async fn generate_image_metadata() -> [&'static str; 2] {
                ["small", "large"]
            }

            pub fn image(id: Id, context: Context<Params>) -> Image {
                let Params { tag } = context.params;
                Image::svg(format!("<svg>{tag} {id}</svg>"))
            }
        }
    }
}

fn main() {}
