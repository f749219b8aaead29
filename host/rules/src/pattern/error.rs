//! What is wrong with a folder's name.

/// Why a folder under `app/` cannot become a route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A catch-all with a folder inside it: `blog/[...slug]/edit`.
    #[error("`{catch_all}` takes the rest of the path, so `{folder}` cannot follow it")]
    FolderAfterCatchAll {
        /// The catch-all, such as `[...slug]`.
        catch_all: String,
        /// The folder inside it.
        folder: String,
    },

    /// One name used by two dynamic segments: `[id]/posts/[id]`.
    #[error("`{name}` names two segments of this path; rename one of them")]
    RepeatedName {
        /// The name used twice.
        name: String,
    },

    /// Two names that would be one in Rust: `[a-b]/[ab]`.
    #[error("`{first}` and `{second}` differ only in punctuation; rename one of them")]
    SimilarNames {
        /// The outer name.
        first: String,
        /// The inner name.
        second: String,
    },

    /// `[[id]]`: only a catch-all can be optional.
    #[error(
        "`[[{name}]]` would be an optional segment, which there is not; use `[{name}]` or `[[...{name}]]`"
    )]
    OptionalSegment {
        /// The name inside the brackets.
        name: String,
    },

    /// `[…slug]`, with the one character that looks like three dots.
    #[error("`{folder}` has the character `…` (U+2026) where three dots belong; type `...`")]
    Ellipsis {
        /// The folder.
        folder: String,
    },

    /// `[.id]`.
    #[error(
        "the name in `{folder}` starts with a period; use `[name]`, or `[...name]` for a catch-all"
    )]
    LeadingPeriod {
        /// The folder.
        folder: String,
    },

    /// `[]`, `[...]` or `[[...]]`.
    #[error(
        "`{folder}` has no name between its brackets; use `[name]`, or `[...name]` for a catch-all"
    )]
    EmptyName {
        /// The folder.
        folder: String,
    },

    /// `[a][b]`.
    #[error("`{folder}` has brackets inside its brackets; a folder holds one `[name]`")]
    ExtraBrackets {
        /// The folder.
        folder: String,
    },
}
