//! A folder with a space: clients write it `%20`.

pub async fn get() -> &'static str {
    "a folder with a space"
}
