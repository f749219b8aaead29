//! Takes what is kept out of date: what carries the tag `rates`, and the answers of every post.

use waystation::{PathKind, revalidate_path, revalidate_tag};

pub async fn post() -> &'static str {
    revalidate_tag("rates", "max");
    revalidate_path(("/posts/[slug]", PathKind::Page));
    "revalidated"
}

#[cfg(test)]
mod tests {
    use super::post;
    use waystation::testing::TestRequest;

    #[test]
    fn a_tag_and_a_path_are_revalidated() {
        let response = TestRequest::post("/revalidate").call(post);
        assert_eq!(response.revalidated_tags(), ["rates"]);
        assert_eq!(response.revalidated_paths(), ["/posts/[slug]"]);
    }
}
