//! Answers that are made at build time, one for each of the params listed here; those of other params when they are first asked for.

use crate::Params;
use std::time::SystemTime;
use waystation::{Context, Result, Revalidate, draft_mode, now};

pub const REVALIDATE: Revalidate = Revalidate::seconds(60);

pub fn generate_static_params() -> Vec<Params> {
    let slugs = ["tea", "milk"].map(String::from);
    slugs.map(|slug| Params { slug }).into()
}

pub async fn get(context: Context<Params>) -> Result<String> {
    let made = now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let kind = match draft_mode().is_enabled() {
        true => "draft",
        false => "post",
    };
    Ok(format!(
        "{kind} {} as of second {made}",
        context.params.slug
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use waystation::testing::TestRequest;

    #[test]
    fn a_post_can_be_kept_and_has_a_draft() {
        let response = TestRequest::get("/posts/tea").call(get);
        assert!(response.text().starts_with("post tea"));
        assert!(!response.has_read_request());
        let response = TestRequest::get("/posts/tea").draft_mode(true).call(get);
        assert!(response.text().starts_with("draft tea"));
    }
}
