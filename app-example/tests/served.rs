//! Asks the served app: real components, each in its sandbox. `waystation test` serves it.

use std::time::{Duration, SystemTime};
use waystation::testing::TestRequest;

#[test]
fn what_waystation_toml_says_of_paths_holds() {
    let response = TestRequest::get("/greeting/old").send();
    assert_eq!(response.status(), 308);
    assert_eq!(response.header("location"), Some("/hello"));
    assert_eq!(
        TestRequest::get("/item-a").send().text(),
        r#"{"name":"Hello, a!"}"#
    );
}

#[test]
fn a_form_is_read_and_a_limit_is_kept() {
    let form = [("name", "Ada"), ("email", "ada@example.com")];
    let response = TestRequest::post("/form").form(&form).send();
    assert_eq!(
        response.text(),
        r#"{"name":"Ada","email":"ada@example.com"}"#
    );
    assert_eq!(TestRequest::get("/sleep/3000").send().status(), 504);
}

#[test]
fn the_clock_and_another_server_are_the_tests() {
    let second = SystemTime::UNIX_EPOCH + Duration::from_secs(7);
    let response = TestRequest::get("/time").at(second).send();
    assert_eq!(response.text(), "7 s since 1970");
    let request = TestRequest::get("/fetch?from=https://example.com/");
    let response = request.answer("https://example.com/", "a stand-in").send();
    assert_eq!(response.text(), "a stand-in");
}
