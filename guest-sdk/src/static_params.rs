//! The params that `generate_static_params` lists, on their way to the host (rows SP1 to SP4).

use crate::bindings::context::{Param, ParamValue};
use crate::bindings::outcome::{Failure, Reads};
use crate::error::{Error, Result};

/// What `generate_static_params` may return.
#[diagnostic::on_unimplemented(
    message = "`generate_static_params` cannot return `{Self}`",
    label = "not a list of params",
    note = "it is `pub fn generate_static_params() -> Vec<Params>`, sync or async; an array will do too, or a `waystation::Result` of either"
)]
pub trait IntoStaticParams {
    /// The params of each answer to make.
    ///
    /// # Errors
    ///
    /// If they cannot be listed; the build fails.
    fn into_static_params(self) -> Result<Vec<Vec<Param>>>;
}

impl<P: IntoParams> IntoStaticParams for Vec<P> {
    fn into_static_params(self) -> Result<Vec<Vec<Param>>> {
        Ok(self.into_iter().map(P::into_params).collect())
    }
}

impl<P: IntoParams, const COUNT: usize> IntoStaticParams for [P; COUNT] {
    fn into_static_params(self) -> Result<Vec<Vec<Param>>> {
        Ok(self.into_iter().map(P::into_params).collect())
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoStaticParams, E: Into<Error>> IntoStaticParams for Result<T, E> {
    fn into_static_params(self) -> Result<Vec<Vec<Param>>> {
        self.map_err(Into::into)?.into_static_params()
    }
}

/// `crate::Params`, to be given instead of taken.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not hold this route's params",
    label = "not this route's params",
    note = "list `crate::Params`, whose fields come from the folder's name"
)]
pub trait IntoParams {
    /// The values by the folders' names.
    fn into_params(self) -> Vec<Param>;
}

/// The value of one field of `Params`.
pub trait IntoValue {
    /// None for an optional catch-all that is absent.
    fn into_value(self) -> Option<ParamValue>;
}

impl IntoValue for String {
    fn into_value(self) -> Option<ParamValue> {
        Some(ParamValue::One(self))
    }
}

impl IntoValue for Vec<String> {
    fn into_value(self) -> Option<ParamValue> {
        Some(ParamValue::Many(self))
    }
}

impl IntoValue for Option<Vec<String>> {
    fn into_value(self) -> Option<ParamValue> {
        self.filter(|values| !values.is_empty())
            .map(ParamValue::Many) // SP3: `[]` is absent too
    }
}

/// One param, if it is not absent.
pub fn param(name: &str, value: impl IntoValue) -> Option<Param> {
    let name = name.to_owned();
    value.into_value().map(|value| Param { name, value })
}

/// What the host is told.
///
/// # Errors
///
/// Why there is no list.
pub fn listed(listed: Result<Vec<Vec<Param>>>) -> Result<Vec<Vec<Param>>, Failure> {
    listed.map_err(|error| Failure {
        status: error.status().as_u16(),
        message: format!("{error:?}"),
        reads: Reads::empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Params {
        slug: &'static str,
        rest: Option<Vec<String>>,
    }

    impl IntoParams for Params {
        fn into_params(self) -> Vec<Param> {
            let params = param("slug", self.slug.to_owned()).into_iter();
            params.chain(param("rest", self.rest)).collect()
        }
    }

    const NONE: Params = Params {
        slug: "a",
        rest: None,
    };

    #[test]
    fn a_list_is_a_vec_an_array_or_a_result_of_one() {
        check(Vec::<Params>::new(), "[]"); // SP4
        check(vec![NONE], "[[slug = a]]"); // SP2
        check([NONE], "[[slug = a]]");
        check(Ok::<_, Error>([NONE]), "[[slug = a]]");
        check(
            Err::<[Params; 0], _>(Error::message("no shelf")),
            "no shelf",
        );
    }

    #[test]
    fn an_optional_catch_all_may_be_absent() {
        let rest = |rest: &[&str]| Params {
            slug: "a",
            rest: Some(rest.iter().map(ToString::to_string).collect()),
        };
        check([rest(&[])], "[[slug = a]]"); // SP3
        check([rest(&["b", "c"])], "[[slug = a, rest = b/c]]");
    }

    #[track_caller]
    fn check(list: impl IntoStaticParams, expected: &str) {
        let shown = match listed(list.into_static_params()) {
            Ok(listed) => {
                let field = |param: &Param| match &param.value {
                    ParamValue::One(value) => format!("{} = {value}", param.name),
                    ParamValue::Many(values) => format!("{} = {}", param.name, values.join("/")),
                };
                let one = |params: Vec<Param>| {
                    let shown: Vec<_> = params.iter().map(field).collect();
                    format!("[{}]", shown.join(", "))
                };
                format!(
                    "[{}]",
                    listed.into_iter().map(one).collect::<Vec<_>>().join(", ")
                )
            }
            Err(failure) => failure.message,
        };
        assert_eq!(shown, expected);
    }
}
