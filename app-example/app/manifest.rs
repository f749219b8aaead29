//! What the site is called and looks like once it is installed, at `/manifest.webmanifest`.

use waystation::metadata::{Icon, Manifest};

pub fn manifest() -> Manifest {
    Manifest::new("Waystation")
        .start_url("/")
        .display("standalone")
        .icon(Icon::new("/icon.svg").sizes("any").kind("image/svg+xml"))
}
