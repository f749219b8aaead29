//! A page of HTML.

use waystation::Html;

pub fn get() -> Html<&'static str> {
    Html("<h1>The shop</h1>")
}
