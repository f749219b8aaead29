//! How a release travels: as one file, from a folder or by its name, and what is in it and different from another.
//!
//! In: a [`Release`](crate::project::release::Release) and its blobs, or an archive of anybody's. Out: an archive, a layout in a folder that
//! is what it says, and data about them; `cli` has the words.

pub mod bundle;
pub mod diff;
pub mod inspect;
mod opened;

pub use opened::{OpenError, Opened, open};
