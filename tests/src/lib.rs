//! What the end-to-end tests and the measuring tools share: apps on disk, hosts as processes, and clients of their own.
//!
//! A test writes an [`App`], runs a [`Host`] on it, and talks to it through a [`Client`] or [`raw`] bytes. Nothing sleeps for a time: what
//! takes time is waited for, by [`wait`], with a deadline far beyond what it takes.

mod app;
mod client;
pub mod clock;
mod foreign;
mod host;
pub mod output;
mod program;
pub mod raw;
mod redis;
mod registry;
pub mod tree;
pub mod upstream;
mod wait;

pub use app::{App, sdk_folder};
pub use client::{Answer, Client, Sender};
pub use foreign::Foreign;
pub use host::{Host, Paused};
pub use program::{Command, Exit, Program};
pub use redis::Redis;
pub use registry::{LOGIN, Registry};
pub use wait::{PATIENCE, wait, wait_for};
