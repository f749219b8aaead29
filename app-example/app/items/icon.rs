//! Several icons from one file, at `/items/icon/small` and `/items/icon/large`.

use waystation::metadata::{Id, Image};

pub fn generate_image_metadata() -> [&'static str; 2] {
    ["small", "large"]
}

pub fn image(id: Id) -> Image {
    let side = if &*id == "large" { 180 } else { 32 };
    Image::svg(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" viewBox="0 0 1 1"><circle cx=".5" cy=".5" r=".5" fill="#f5b942"/></svg>"##
    ))
}
