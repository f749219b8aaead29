//! The host of Waystation apps.

pub mod build;
pub mod project;
