//! A proxy without its function.

waystation::proxy! {
    pattern = "/",
    mod proxy {}
}

fn main() {}
