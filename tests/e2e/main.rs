//! What Waystation promises, asked of the program itself: real `route.rs` files, built and served, over real sockets.
//!
//! One file per heading of the page of Next's `route.js`, and one per thing that a host does beside it. The letters and numbers in
//! comments, such as M8, are the rows of the reference of Next's behaviour.
//!
//! Tests that only read share one host on `fixture/`; a test that edits has an app of its own, which begins with what is compiled already.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so best by panicking, in its helpers too"
)]

mod access_log;
mod after;
mod attack_guests;
mod attacks;
mod broken_build;
mod build_and_start;
mod caps;
mod certificates;
mod command_line;
mod compiling;
mod compression;
mod config;
mod cookies;
mod cors;
mod deploy;
mod disconnects;
mod drain;
mod edge;
mod environment;
mod example;
mod fetch;
mod fetch_left;
mod fetch_limits;
mod fetch_modes;
mod following;
mod foreign;
mod forms;
mod headers;
mod hot_reload;
mod kept;
mod kept_again;
mod kept_anew;
mod kept_apart;
mod kept_fetches;
mod kept_log;
mod kept_on_disk;
mod kept_values;
mod limits;
mod metadata;
mod methods;
mod new_app;
mod node;
mod operators;
mod portability;
mod prerender;
mod proxies;
mod proxy;
mod public_files;
mod redirects;
mod regions;
mod registry;
mod releases;
mod requests;
mod residue;
mod responses;
mod revalidation;
mod rewrites;
mod rollouts;
mod routing;
mod segment_config;
mod service;
mod shared_store;
mod status;
mod streaming;
mod support;
mod tls;
mod toolchain;
mod watching;
