//! Decides about the releases of an app on a node: who gets which, which one is active after a step, whether a new one may stay, which
//! are kept, and how often a new one is looked for.
//!
//! In: what a node knows of an app, counted and named. Out: the next state, a [`Side`], a [`Verdict`], a pause. The node writes it down and does it.
//!
//! Nothing here names a release by more than equality, so a test calls them `1` and `2`.

mod names;
mod pace;
mod region;
mod releases;
mod side;
mod verdict;

pub use names::{
    AppName, HostName, NameError, PREFIX, Preview, SUFFIX_DEFAULT, host_of, preview_host,
};
pub use pace::Pace;
pub use region::{Region, RegionError, unsuited};
pub use releases::{Canary, Releases, StepError};
pub use side::{Percent, PercentError, Side};
pub use verdict::{Count, Judge, Verdict};
