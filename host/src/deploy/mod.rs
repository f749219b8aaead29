//! How a release travels: as one file, by way of a registry, or to nodes that then serve it; and what is in it and different from another.
//!
//! In: a [`Release`](crate::project::release::Release) and its blobs, an archive of anybody's, or where nodes are. Out: an archive, a layout
//! in a folder that is what it says, and data about them; or the same release active on all nodes, and else nothing changed on any. `cli` has
//! the words.
//!
//! A node is asked over its admin API, whose words are [`api`]; what it does with them is the room `node`'s. Only what a node does not have
//! is sent, from where it broke off. All nodes get ready before the first one changes. [`Arrivals`] is where blobs come to, whoever sends them.

mod address;
pub mod api;
mod arrive;
pub mod bundle;
mod client;
pub mod diff;
mod identity;
pub mod inspect;
mod opened;
mod push;
pub mod registry;
mod rollout;

pub use address::{Address, AddressError};
pub use arrive::{Arrivals, ArriveError};
pub use client::{AskError, Client};
pub use identity::Identity;
pub use opened::{OpenError, Opened, open};
pub use push::{Progress, push};
pub use rollout::{Deploying, Failed, deploy, verdicts};
