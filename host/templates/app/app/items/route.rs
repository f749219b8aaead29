//! `/items`: takes an item as JSON.

use serde::{Deserialize, Serialize};
use waystation::{Request, Response, Result};

#[derive(Deserialize, Serialize)]
pub struct Item {
    pub name: String,
    pub price: u32,
}

/// `curl -d '{"name":"tea","price":3}' localhost:3000/items`
pub async fn post(request: Request) -> Result<Response> {
    let item: Item = request.json().await?; // what is no item is answered with 400
    Response::builder().status(201).json(&item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use waystation::testing::TestRequest;

    #[test]
    fn an_item_comes_back() {
        let body = r#"{"name":"tea","price":3}"#;
        let response = TestRequest::post("/items").body(body).call(post);
        assert_eq!(response.status(), 201);
        assert_eq!(response.json::<Item>().name, "tea");
    }

    #[test]
    fn what_is_no_item_is_refused() {
        let body = r#"{"name":"tea","price":"free"}"#;
        let response = TestRequest::post("/items").body(body).call(post);
        assert_eq!(response.status(), 400);
    }
}
