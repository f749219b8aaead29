//! Not served, nor is what is below it: a folder whose name begins with an underscore is private.

pub fn get() -> &'static str {
    "not yet"
}
