//! A typed param and a typed body: the compiler knows both.

use crate::Params;
use serde::{Deserialize, Serialize};
use waystation::{Context, Json, Request, Result, StatusCode};

#[derive(Deserialize, Serialize)]
pub struct Item {
    name: String,
}

pub async fn get(_request: Request, context: Context<Params>) -> Json<Item> {
    Json(Item {
        name: app_example::greeting(&context.params.slug),
    })
}

pub async fn post(request: Request) -> Result<(StatusCode, Json<Item>)> {
    let item: Item = request.json().await?;
    Ok((StatusCode::CREATED, Json(item)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use waystation::testing::TestRequest;

    #[test]
    fn an_item_is_greeted_by_its_slug() {
        let response = TestRequest::get("/items/caf%C3%A9").call(get);
        assert_eq!(response.json::<Item>().name, "Hello, café!");
    }

    #[test]
    fn an_item_without_a_name_is_refused() {
        let response = TestRequest::post("/items/a").body("{}").call(post);
        assert_eq!(response.status(), 400);
        let told = response.error().map(ToString::to_string);
        assert!(told.is_some_and(|told| told.contains("missing field `name`")));
    }
}
