waystation::route! {
    pattern = "/blog/[slug]/opengraph-image",
    function = "image",
    lists = "generate_image_metadata",
    mod route {
        pub fn picture() {}
    }
}

fn main() {}
