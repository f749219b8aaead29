//! The store of one app, with what the operator says of it.

use std::sync::Arc;

use waystation_rules::caching::{
    LapseWords, Lapsing, PathTag, Profiles, TagFault, check_tag, of_path,
};

use super::{Secret, Store};

/// The store of one app, with what the operator says of it.
pub struct Kept {
    /// Where things are kept.
    pub store: Store,
    /// The app's name: no app finds what another has kept.
    pub app: Arc<str>,
    /// The lifetimes that have a name.
    pub profiles: Profiles,
    /// Seconds until an answer with a `REVALIDATE` expires: `expire_time`.
    pub expire_time: u32,
    /// Its code is edited while it is served: a value of `cached` is of the code that made it.
    pub is_edited: bool,
    /// Answers are kept: not in `waystation dev`, unless it is asked to (row Y11).
    pub keeps_answers: bool,
    /// What a client in draft mode has to know.
    pub draft_secret: Arc<Secret>,
}

/// Why something cannot go out of date.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum LapseFault {
    /// A tag or a path that is none.
    #[error(transparent)]
    Tag(#[from] TagFault),

    /// A lifetime that has no such name (row V3).
    #[error(
        "there is no profile `{name}`; there are {known}, and those of `[cache.profiles]` in waystation.toml"
    )]
    Profile {
        /// As it was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
}

impl Kept {
    /// What goes out of date, as a tag.
    ///
    /// # Errors
    ///
    /// A [`LapseFault`].
    pub fn lapsing(&self, words: &LapseWords) -> Result<(String, Lapsing), LapseFault> {
        Ok(match words {
            LapseWords::Tag(tag, lapsing) => {
                check_tag(tag)?;
                (tag.clone(), *lapsing)
            }
            LapseWords::Profile(tag, name) => {
                check_tag(tag)?;
                let lapsing = self.profiles.lapsing(name);
                (tag.clone(), lapsing.ok_or_else(|| self.no_profile(name))?)
            }
            LapseWords::Path(path, kind) => {
                let kind = *kind;
                (of_path(PathTag { path, kind })?, Lapsing::Expire(0))
            }
        })
    }

    /// Says that no lifetime has this name.
    pub fn no_profile(&self, name: &str) -> LapseFault {
        let known: Vec<_> = self.profiles.names().collect();
        LapseFault::Profile {
            name: name.to_owned(),
            known: known.join(", "),
        }
    }

    /// Whether a client has shown that it is in draft mode.
    pub fn is_draft(&self, shown: &str) -> bool {
        self.draft_secret.is_shown(shown)
    }
}
