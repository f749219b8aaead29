//! wip
pub mod app;
pub mod http;
pub mod pipeline;
pub mod sandbox;
pub mod server;
pub mod telemetry;
