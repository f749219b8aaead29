//! `/items/tea`: the folder's `[slug]` is a field of `Params`.

use crate::Params;
use waystation::Context;

/// `curl localhost:3000/items/tea`
pub async fn get(context: Context<Params>) -> String {
    format!("You asked for {}", context.params.slug)
}

#[cfg(test)]
mod tests {
    use super::*;
    use waystation::testing::TestRequest;

    #[test]
    fn the_slug_is_decoded() {
        let response = TestRequest::get("/items/green%20tea").call(get);
        assert_eq!(response.text(), "You asked for green tea");
    }
}
