//! A folder whose path begins with an underscore, written `%5F`, is not private.

pub fn get() -> &'static str {
    "an underscore in the path"
}
