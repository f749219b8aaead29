//! Draft mode: POST switches it on for this client, DELETE off; it then sees the drafts of `/posts/[slug]`.

use waystation::draft_mode;

pub async fn get() -> &'static str {
    match draft_mode().is_enabled() {
        true => "drafts are shown",
        false => "drafts are hidden",
    }
}

pub async fn post() {
    draft_mode().enable();
}

pub async fn delete() {
    draft_mode().disable();
}

#[cfg(test)]
mod tests {
    use super::*;
    use waystation::testing::TestRequest;

    #[test]
    fn draft_mode_is_switched() {
        let switched = TestRequest::post("/draft").call(post);
        assert_eq!(switched.draft_mode(), Some(true));
        let switched = TestRequest::delete("/draft").call(delete);
        assert_eq!(switched.draft_mode(), Some(false));
    }
}
