//! The picture that is shown with a link to an item, at `/items/<slug>/opengraph-image`: an SVG, drawn as PNG inside the sandbox.

use crate::Params;
use resvg::{tiny_skia, usvg};
use waystation::metadata::Image;
use waystation::{Context, Error, Result};

pub fn image(context: Context<Params>) -> Result<Image> {
    let mut options = usvg::Options {
        font_family: "Ubuntu".to_owned(),
        ..usvg::Options::default()
    };
    let font = epaint_default_fonts::UBUNTU_LIGHT.to_vec();
    options.fontdb_mut().load_font_data(font);
    let drawing = usvg::Tree::from_str(&svg(&context.params.slug), &options)?;
    let mut pixels =
        tiny_skia::Pixmap::new(1200, 630).ok_or_else(|| Error::message("no pixels"))?;
    resvg::render(
        &drawing,
        tiny_skia::Transform::default(),
        &mut pixels.as_mut(),
    );
    Ok(Image::png(pixels.encode_png()?))
}

fn svg(title: &str) -> String {
    let title: String = title.chars().take(24).collect();
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="630">
  <defs>
    <linearGradient id="sky" x1="0" y1="0" x2="1" y2="1">
      <stop offset="0" stop-color="#1d2b36"/><stop offset="1" stop-color="#3b5568"/>
    </linearGradient>
  </defs>
  <rect width="1200" height="630" fill="url(#sky)"/>
  <circle cx="1010" cy="470" r="300" fill="#f5b942" fill-opacity="0.12"/>
  <circle cx="1010" cy="470" r="190" fill="#f5b942" fill-opacity="0.18"/>
  <g transform="translate(90 90) scale(1.6)">
    <path d="M0 0 L10 24 L18 6 L26 24 L36 0" fill="none" stroke="#f5b942" stroke-width="6" stroke-linecap="round" stroke-linejoin="round"/>
  </g>
  <text x="170" y="126" font-size="38" fill="#c9d6df">Waystation</text>
  <text x="86" y="370" font-size="110" fill="#ffffff">{title}</text>
  <rect x="90" y="420" width="160" height="6" rx="3" fill="#f5b942"/>
  <text x="90" y="510" font-size="38" fill="#c9d6df">drawn by resvg inside a WebAssembly guest</text>
</svg>"##
    )
}
