//! Waystation serves Next.js-style route handlers written in Rust, each compiled to a WebAssembly component and run in a sandbox of
//! its own.
//!
//! # The rooms, top floor first
//!
//! | room | question it answers |
//! |---|---|
//! | [`cli`] | What did the person ask for, and what do they get to read? |
//! | [`dev`] | Files changed: what is built and served now? |
//! | [`node`] | Which apps are there, and which release of each answers? |
//! | [`deploy`] | How does a release travel, and what is in it? |
//! | [`build`] | How does a `route.rs` become a component? |
//! | [`server`] | Who is connected, and when does it end? |
//! | [`pipeline`] | What becomes of this request? |
//! | [`app`] | What is being served? |
//! | [`project`] | What is on disk? |
//! | [`sandbox`] | How does a guest run, and what stops it? |
//! | [`store`] | What is kept, and what is it good for now? |
//! | [`outbound`] | How are other servers asked? |
//! | [`telemetry`] | What is written down, and counted? |
//! | [`http`] | What is a body? |
//!
//! A room uses only rooms below it; `tests/rooms.rs` reads the `use crate::` lines and holds them to it. Decisions live apart, in
//! `waystation_rules`, which has no I/O: what matches, what may be sent, what has to be rebuilt.
//!
//! # A request walks down and its answer comes back up once
//!
//! [`server`] accepts it, over TLS or not, and takes the [`app`] that is current, once. [`pipeline`] admits it, settles who asks, normalises its path, asks
//! the operator's rules, the proxies and the table which route that is, lets each proxy on the way change or answer the request, finds the
//! method, gives what is kept of it in [`store`] or has it made to be kept, and else calls the guest through [`sandbox`], which hands out an instance, drives it in the very future that hyper polls, and names
//! what stopped it if something did; a file of `public/` is in the same table, and is read instead. [`pipeline`] then applies the cookies
//! and the headers of rules and proxies, takes out what may not leave, lets pages of other origins read it where the route says so, answers
//! 304 where the client has the content, and compresses what is left. What a guest goes on with after that is a task that [`server`] waits
//! for when it stops.
//!
//! # A file change walks down too
//!
//! [`dev`] is hinted, scans by content, asks `waystation_rules::reload` what is concerned, has [`build`] make it, and swaps the one
//! pointer in [`app`]. Requests under way end on the app they began with.
//!
//! # A build becomes a release
//!
//! What [`build`] makes, [`project`] writes as an OCI image layout: every component, file and kept answer a blob by its digest, and a
//! manifest that names them, whose digest is the release's name. [`app`] makes what is served of it, wherever it comes from; [`deploy`] packs
//! it into one file, takes such a file apart, and says what is in it.
//!
//! # A release walks down to its node
//!
//! [`deploy`] sends a node the blobs of a release that it does not have. [`node`] looks at all of it, has [`app`] make it ready away from
//! the threads that serve, asks it what its author wants asked, and on the deployer's word writes down that it is active and swaps the one
//! pointer of its app. A node that follows a tag in a registry does so when the tag changes: [`deploy`] fetches what is not here, and the rest of
//! the way is the same. `waystation_rules::rollout` decides which release is which after a step, who gets a new one, whether it stays, and how
//! often a tag is looked at.
//!
//! # What differs from the first design
//!
//! The outcome of a handler is a record of an answer (a whole value or a stream) and its effects, so that both kinds carry cookies alike,
//! and a handler's failure is a status and a message of its own rather than `wasi:http`'s error code, so that an error's text reaches the
//! log whole.
//!
//! Registries are asked by [`deploy::registry`] over the HTTP and TLS that the host has anyway, and not by `oci-client`, which takes what a
//! registry answers into memory however long it is.

// The blank lines keep rustfmt from sorting the floors.

pub mod cli;

pub mod dev;

pub mod node;

pub mod deploy;

pub mod build;

pub mod server;

pub mod pipeline;

pub mod app;

pub mod project;

pub mod sandbox;

pub mod store;

pub mod outbound;

pub mod telemetry;

pub mod http;
