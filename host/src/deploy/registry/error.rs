//! Why a registry does not have, take or give what it is asked for.

use http::StatusCode;

use super::super::ArriveError;
use crate::project::output::OutputError;

/// Why a registry does not have, take or give what it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Nobody listens, nobody answers in time, or the connection broke.
    #[error("{registry} cannot be reached: {message}")]
    Unreachable {
        /// Which registry.
        registry: String,
        /// What the network said.
        message: String,
    },

    /// It wants to know who asks, and knows nobody who may.
    #[error("{}", unauthorized(what, server, *had))]
    Unauthorized {
        /// What it was asked for.
        what: String,
        /// What Docker's config calls it.
        server: String,
        /// Whether Docker's config has credentials for it.
        had: bool,
    },

    /// There is no such tag, release or blob.
    #[error("there is no `{0}`")]
    Missing(String),

    /// It refuses.
    #[error("{registry} answers {status}: {words}")]
    Refused {
        /// Which registry.
        registry: String,
        /// The status of its answer.
        status: StatusCode,
        /// Its reasons.
        words: String,
    },

    /// The answer is none of a registry's.
    #[error("{registry} does not answer as a registry does: {message}")]
    Answer {
        /// Who answered.
        registry: String,
        /// What is wrong with it.
        message: String,
    },

    /// What it leads to could be read and changed on the way.
    #[error("{registry} leads to `{url}`, which is not encrypted")]
    Cleartext {
        /// Which registry.
        registry: String,
        /// Where to.
        url: String,
    },

    /// Docker's config, or the program that it names, does not say who asks.
    #[error("{0}")]
    Credentials(String),

    /// It is something else, or too large to be a release.
    #[error("`{what}` {message}")]
    NoRelease {
        /// What was asked for.
        what: String,
        /// What it is.
        message: String,
    },

    /// A part of it that is not taken.
    #[error("{part} of `{what}`: {error}")]
    Part {
        /// What was asked for.
        what: String,
        /// Which part.
        part: String,
        /// Why.
        error: ArriveError,
    },

    /// The release here.
    #[error(transparent)]
    Release(#[from] OutputError),

    /// A file here.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

fn unauthorized(what: &str, server: &str, had: bool) -> String {
    let why = match had {
        true => "the credentials that Docker's config has for it do not open it",
        false => "it takes credentials, and Docker's config has none for it",
    };
    format!("`{what}` is refused: {why}\n\nhint: `docker login {server}`")
}

/// What others wrote, as a part of a line: short, and nothing in it moves a cursor or begins another line.
pub(super) fn plain(text: &str) -> String {
    const MOST: usize = 300;
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(MOST).map(shown).collect()
}
