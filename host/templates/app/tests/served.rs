//! Asks the served app: real components, each in its sandbox. `waystation test` serves it.

use waystation::testing::TestRequest;

#[test]
fn items_are_asked_for_and_made() {
    let response = TestRequest::get("/items/tea").send();
    assert_eq!(response.text(), "You asked for tea");

    let response = TestRequest::post("/items")
        .body(r#"{"name":"tea","price":3}"#)
        .send();
    assert_eq!(response.status(), 201);
}

#[test]
fn a_method_without_a_handler_is_refused() {
    let response = TestRequest::delete("/items").send();
    assert_eq!(response.status(), 405);
    assert_eq!(response.header("allow"), Some("OPTIONS, POST"));
}
