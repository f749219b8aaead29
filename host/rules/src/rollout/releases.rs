//! The releases of an app on a node, and what a step makes of them.

use serde::{Deserialize, Serialize};

use super::Percent;

/// The releases of an app. Each stands in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Releases<R> {
    /// The one that answers.
    pub active: Option<R>,
    /// Those that were active, the last first.
    pub previous: Vec<R>,
    /// The one that a part of the clients tries.
    pub canary: Option<Canary<R>>,
    /// Those that are ready and answer under their preview hosts, the last first.
    pub staged: Vec<R>,
}

/// A release that is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary<R> {
    /// Which.
    pub release: R,
    /// By how many.
    pub percent: Percent,
}

/// Why a step cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// It was never staged, or is long gone.
    #[error("the release is not on this node; deploy it first")]
    Unknown,

    /// A part of the clients cannot try something else than what there is.
    #[error(
        "nothing is active that a canary could stand beside; activate the release for everybody"
    )]
    NoActive,

    /// It answers everybody already.
    #[error("the release is active already")]
    IsActive,

    /// There is nothing to promote.
    #[error("no release is being tried; deploy one with `--percent`")]
    NoCanary,

    /// There is nothing to go back to.
    #[error("no release was active before this one")]
    NoPrevious,
}

impl<R> Default for Releases<R> {
    fn default() -> Self {
        Self {
            active: None,
            previous: Vec::new(),
            canary: None,
            staged: Vec::new(),
        }
    }
}

impl<R: Clone + PartialEq> Releases<R> {
    /// Every release, the active one first.
    pub fn all(&self) -> impl Iterator<Item = &R> {
        let canary = self.canary.as_ref().map(|canary| &canary.release);
        let rest = self.previous.iter().chain(&self.staged);
        self.active.iter().chain(canary).chain(rest)
    }

    /// Adds a release that is ready to answer. One that is there already stays where it is.
    #[must_use]
    pub fn stage(&self, release: &R) -> Self {
        let mut next = self.clone();
        if !self.all().any(|there| there == release) {
            next.staged.insert(0, release.clone());
        }
        next
    }

    /// Has a release answer everybody.
    ///
    /// # Errors
    ///
    /// [`StepError::Unknown`].
    pub fn activate(&self, release: &R) -> Result<Self, StepError> {
        let mut next = self.without(release)?;
        next.staged
            .splice(0..0, next.canary.take().map(|canary| canary.release));
        next.previous
            .splice(0..0, next.active.replace(release.clone()));
        Ok(next)
    }

    /// Has a part of the clients try a release, in place of the one that was tried before.
    ///
    /// # Errors
    ///
    /// [`StepError::Unknown`], [`StepError::NoActive`], [`StepError::IsActive`].
    pub fn try_with(&self, release: &R, percent: Percent) -> Result<Self, StepError> {
        match &self.active {
            None => return Err(StepError::NoActive),
            Some(active) if active == release => return Err(StepError::IsActive),
            Some(_) => {}
        }
        let mut next = self.without(release)?;
        let release = release.clone();
        let before = next.canary.replace(Canary { release, percent });
        next.staged
            .splice(0..0, before.map(|canary| canary.release));
        Ok(next)
    }

    /// Has the release that is tried answer everybody.
    ///
    /// # Errors
    ///
    /// [`StepError::NoCanary`].
    pub fn promote(&self) -> Result<Self, StepError> {
        let canary = self.canary.as_ref().ok_or(StepError::NoCanary)?;
        self.activate(&canary.release.clone())
    }

    /// Goes back: to no canary if there is one, else to the release that was active before, or to the one that is named. What came after
    /// it is staged: it was not good, and may be looked at.
    ///
    /// # Errors
    ///
    /// [`StepError::NoPrevious`]; for a name [`StepError::Unknown`] and [`StepError::IsActive`].
    pub fn roll_back(&self, to: Option<&R>) -> Result<Self, StepError> {
        let mut next = self.clone();
        next.staged
            .splice(0..0, next.canary.take().map(|canary| canary.release));
        let to = match to {
            None if self.canary.is_some() => return Ok(next),
            None => next.previous.first().ok_or(StepError::NoPrevious)?.clone(),
            Some(to) if next.active.as_ref() == Some(to) => match self.canary {
                Some(_) => return Ok(next),
                None => return Err(StepError::IsActive),
            },
            Some(to) => to.clone(),
        };
        let is_later = next.previous.iter().position(|release| *release == to);
        let later: Vec<R> = next.previous.drain(..is_later.unwrap_or(0)).collect();
        next = next.without(&to)?;
        next.staged
            .splice(0..0, next.active.replace(to).into_iter().chain(later));
        Ok(next)
    }

    /// Has no release answer: what a first activation is taken back with.
    #[must_use]
    pub fn withdrawn(&self) -> Self {
        let mut next = self.clone();
        next.staged.splice(0..0, next.active.take());
        next
    }

    /// Lets go of all but the last `keep` that were active and the last `keep` that are staged.
    #[must_use]
    pub fn collected(&self, keep: usize) -> Self {
        let mut next = self.clone();
        next.previous.truncate(keep);
        next.staged.truncate(keep);
        next
    }

    /// Takes a release from wherever it stands.
    fn without(&self, release: &R) -> Result<Self, StepError> {
        let found = self.all().find(|there| *there == release);
        let release = found.ok_or(StepError::Unknown)?;
        let mut next = self.clone();
        next.active = next.active.filter(|active| active != release);
        next.canary = next.canary.filter(|canary| canary.release != *release);
        next.previous.retain(|previous| previous != release);
        next.staged.retain(|staged| staged != release);
        Ok(next)
    }
}

#[cfg(test)]
mod tests;
