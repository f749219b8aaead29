//! Which of several a metadata module is asked for.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use http::StatusCode;

use crate::bindings::context::ParamValue;
use crate::call::Call;
use crate::error::Result;
use crate::handler::FromCall;
use crate::params::RawParams;
use crate::response::Response;

/// The segment of the path that holds it.
const SEGMENT: &str = "__metadata_id__";

/// Which of several is asked for: one of those that `generate_sitemaps` or `generate_image_metadata` lists.
///
/// It is text, as in the path: `id.parse::<usize>()?` makes a number of it.
///
/// ```
/// use waystation::{Result, metadata::{Entry, Id, Sitemap}};
///
/// pub fn generate_sitemaps() -> Vec<u32> {
///     vec![0, 1] // `/sitemap/0.xml` and `/sitemap/1.xml`
/// }
///
/// pub fn sitemap(id: Id) -> Result<Sitemap> {
///     let first = id.parse::<u32>()? * 50_000;
///     Ok(Sitemap::new().entry(Entry::new(format!("https://example.com/items/{first}"))))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Id(String);

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromCall for Id {
    /// # Errors
    ///
    /// If the module lists none, so that there is no id.
    fn from_call(call: &Rc<Call>) -> Result<Self> {
        match asked(call) {
            Some(id) => Ok(Self(id)),
            None => RawParams::new(&call.facts().params).one(SEGMENT).map(Self),
        }
    }
}

/// The answer if what is asked for is not among `listed`: 404, as in Next.
pub fn unlisted(call: &Rc<Call>, listed: impl IntoIterator<Item: ToString>) -> Option<Response> {
    let is_listed =
        asked(call).is_some_and(|id| listed.into_iter().any(|listed| listed.to_string() == id));
    (!is_listed).then(|| Response::text("Not Found").with_status(StatusCode::NOT_FOUND))
}

/// The id in the path; of a sitemap, whose name ends in `.xml`, what comes before that.
fn asked(call: &Rc<Call>) -> Option<String> {
    let facts = call.facts();
    let param = facts.params.iter().find(|param| param.name == SEGMENT)?;
    let ParamValue::One(id) = &param.value else {
        return None;
    };
    let is_sitemap = facts.pattern.ends_with("/sitemap/[__metadata_id__]");
    let id = if is_sitemap {
        id.strip_suffix(".xml")?
    } else {
        id
    };
    Some(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::context::Param;
    use crate::testing;

    #[test]
    fn an_id_is_one_of_those_that_are_listed() {
        // MD9
        check("/items/sitemap/[__metadata_id__]", "1.xml", "1");
        check("/items/sitemap/[__metadata_id__]", "2.xml", "2");
        check("/items/sitemap/[__metadata_id__]", "3.xml", "404 Not Found");
        check("/items/sitemap/[__metadata_id__]", "1", "404 Not Found");
        check("/items/sitemap/[__metadata_id__]", "", "404 Not Found");
        // MD10
        check("/icon/[__metadata_id__]", "1", "1");
        check("/icon/[__metadata_id__]", "1.xml", "404 Not Found");
    }

    #[test]
    fn without_a_list_there_is_no_id() {
        assert!(Id::from_call(&testing::call("GET", "/", &[], "")).is_err());
    }

    #[track_caller]
    fn check(pattern: &str, id: &str, expected: &str) {
        let mut facts = testing::facts(pattern, Vec::new());
        facts.params = vec![Param {
            name: SEGMENT.to_owned(),
            value: ParamValue::One(id.to_owned()),
        }];
        let call = testing::call("GET", "/", &[], "").with_facts(facts);
        let found = match unlisted(&call, [1, 2]) {
            None => Id::from_call(&call).unwrap().to_string(),
            Some(answer) => {
                let status = answer.status().as_u16();
                let body = testing::now(answer.into_body().bytes()).unwrap();
                format!("{status} {}", String::from_utf8_lossy(&body))
            }
        };
        assert_eq!(found, expected);
    }
}
