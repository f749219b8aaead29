//! The dynamic segments of a pattern, as fields of `Params`.

use syn::LitStr;

/// One dynamic segment: `[slug]` of `/items/[slug]`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Param {
    /// As the folder spells it: `user-id`.
    pub(crate) name: String,
    /// As Rust spells it: `user_id`, `r#type`.
    pub(crate) field: String,
    pub(crate) kind: Kind,
}

/// How much of the path it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    One,
    Many,
    Optional,
}

/// The segment that says which of several a metadata module is asked for. It is the host's, so no field of `Params`.
const ID: &str = "[__metadata_id__]";

/// Whether the pattern is that of a metadata module that makes several.
pub(crate) fn is_of_several(pattern: &str) -> bool {
    pattern.ends_with(ID)
}

pub(crate) fn of_pattern(pattern: &LitStr) -> syn::Result<Vec<Param>> {
    let fail = |message: String| Err(syn::Error::new(pattern.span(), message));
    let text = pattern.value();
    if !text.starts_with('/') {
        return fail(format!(
            "`{text}` is not a pattern; it starts with a slash, such as `/items/[slug]`"
        ));
    }
    let own = text.split('/').filter(|segment| *segment != ID);
    let params: Vec<_> = own.filter_map(param).collect();
    for (at, param) in params.iter().enumerate() {
        if param.name.is_empty() {
            return fail(format!("a dynamic segment of `{text}` has no name"));
        }
        if let Some(twin) = params[..at].iter().find(|twin| twin.field == param.field) {
            return fail(format!(
                "`{}` and `{}` would be one field of `Params`; rename one of the folders",
                twin.name, param.name
            ));
        }
    }
    Ok(params)
}

fn param(segment: &str) -> Option<Param> {
    let inside = |open, close| {
        segment
            .strip_prefix(open)
            .and_then(|rest: &str| rest.strip_suffix(close))
    };
    let (name, kind) = inside("[[...", "]]")
        .map(|name| (name, Kind::Optional))
        .or_else(|| inside("[...", "]").map(|name| (name, Kind::Many)))
        .or_else(|| inside("[", "]").map(|name| (name, Kind::One)))?;
    Some(Param {
        name: name.to_owned(),
        field: field(name),
        kind,
    })
}

/// What can be no part of a name becomes `_`; a keyword becomes raw.
fn field(name: &str) -> String {
    let is_part =
        |c: char| !c.is_whitespace() && syn::parse_str::<syn::Ident>(&format!("x_{c}")).is_ok();
    let mut field: String = name
        .chars()
        .map(|c| if c == '_' || is_part(c) { c } else { '_' })
        .collect();
    if syn::parse_str::<syn::Ident>(&field).is_ok() {
        return field;
    }
    if ["self", "Self", "super", "crate", "_"].contains(&field.as_str()) {
        field.push('_');
        return field;
    }
    let raw = format!("r#{field}");
    if syn::parse_str::<syn::Ident>(&raw).is_ok() {
        raw
    } else {
        format!("_{field}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_fields() {
        check("/items/[slug]", "slug: One");
        check("/shop/[tag]/[...path]", "tag: One, path: Many");
        check("/[[...all]]", "all: Optional");
        check("/[user-id]/[a b]", "user_id: One, a_b: One");
        check(
            "/[type]/[self]/[1st]/[é]",
            "r#type: One, self_: One, _1st: One, é: One",
        );
        check("/x[a]/[a]x/[name].json", "");
    }

    #[test]
    fn names_that_meet_are_refused() {
        check(
            "/[a-b]/[a_b]",
            "`a-b` and `a_b` would be one field of `Params`; rename one of the folders",
        );
        check("/[]", "a dynamic segment of `/[]` has no name");
        check(
            "items",
            "`items` is not a pattern; it starts with a slash, such as `/items/[slug]`",
        );
    }

    #[track_caller]
    fn check(pattern: &str, expected: &str) {
        let actual = match of_pattern(&LitStr::new(pattern, proc_macro2::Span::call_site())) {
            Ok(params) => {
                let shown = params
                    .iter()
                    .map(|param| format!("{}: {:?}", param.field, param.kind));
                shown.collect::<Vec<_>>().join(", ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(actual, expected);
    }
}
