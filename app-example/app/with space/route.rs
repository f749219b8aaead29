pub async fn get() -> &'static str {
    "a folder with a space"
}
