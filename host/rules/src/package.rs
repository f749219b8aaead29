//! May an app be called this?
//!
//! In: the name that a new app shall have. Out: nothing, or why cargo or the app's own dependencies would not have it.

/// Why a name cannot be an app's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// What cargo takes for no package's name.
    #[error(
        "`{0}` cannot name a package; use letters, digits, `-` and `_`, and begin with a letter"
    )]
    Malformed(String),

    /// A word of Rust, one of its own libraries, or a package that the app depends on.
    #[error("`{0}` is taken by Rust or by a dependency of the app")]
    Taken(String),
}

/// Words of Rust, its own libraries, and what a new app depends on.
const TAKEN: [&str; 54] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "use",
    "waystation",
    "while",
];

/// Whether an app may have this name.
///
/// # Errors
///
/// A [`NameError`].
pub fn check_name(name: &str) -> Result<(), NameError> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !starts_well || !name.chars().all(is_part) {
        return Err(NameError::Malformed(name.to_owned()));
    }
    if TAKEN.contains(&name) || name.starts_with("route-") {
        return Err(NameError::Taken(name.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_cargo_takes() {
        check("shop", "fine");
        check("my-shop_2", "fine");
        for name in ["", "2shop", "-a", "my shop", "café", "a/b", "a.b"] {
            check(
                name,
                &format!(
                    "`{name}` cannot name a package; use letters, digits, `-` and `_`, and begin with a letter"
                ),
            );
        }
    }

    #[test]
    fn a_name_is_nobody_else_s() {
        for name in ["fn", "std", "waystation", "serde", "route-a"] {
            check(
                name,
                &format!("`{name}` is taken by Rust or by a dependency of the app"),
            );
        }
    }

    #[track_caller]
    fn check(name: &str, expected: &str) {
        let found = match check_name(name) {
            Ok(()) => "fine".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected);
    }
}
