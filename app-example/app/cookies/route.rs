//! Cookies through `cookies()`: one read, one set, one deleted.

use waystation::cookies;

pub async fn get() -> String {
    let cookies = cookies();
    let a = cookies.get("a");
    cookies.set(("b", "1"));
    cookies.delete("c");
    format!("a is {a:?}, b is {:?}", cookies.get("b"))
}
