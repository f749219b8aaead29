//! Cookies through `cookies()`: one read, one set, one deleted.

use waystation::cookies;

pub async fn get() -> String {
    let cookies = cookies();
    let a = cookies.get("a");
    cookies.set(("b", "1"));
    cookies.delete("c");
    format!("a is {a:?}, b is {:?}", cookies.get("b"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use waystation::testing::TestRequest;

    #[test]
    fn one_is_read_one_set_and_one_deleted() {
        let response = TestRequest::get("/cookies").cookie("a", "x").call(get);
        assert_eq!(response.text(), r#"a is Some("x"), b is Some("1")"#);
        assert_eq!(response.cookie("b").as_deref(), Some("1"));
        assert_eq!(response.cookie("c").as_deref(), Some(""));
    }
}
