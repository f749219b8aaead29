//! Every decision of the host, without I/O.
//!
//! What may be matched, answered, sent or refused is decided here; the host brings the facts (a path, a header, the time) and carries
//! the answer out. Nothing in this crate opens a file or a socket, reads a clock or the environment, or waits, so every row of the
//! manual is a test that takes microseconds.
//!
//! In the order in which a request meets them:
//!
//! - [`admit`]: may this request head be answered at all?
//! - [`forwarded`]: who asks, over which scheme and of which host?
//! - [`trace`]: which requests of other servers does it belong to?
//! - [`path`]: what path does it ask for? The only parser of paths.
//! - [`base_path`]: is that below the app's own?
//! - [`config`]: what do the operator's rules do to it? [`source`]: is it a rule's? [`destination`]: where does that lead?
//! - [`pattern`] and [`table`]: which route is that, with which params? [`resolve`]: which, once the operator's rules are asked?
//! - [`proxy`]: which proxies does it pass, and what may they change?
//! - [`mod@file`]: a file answers: how much of it, in which encoding? [`content_type`]: what is it?
//! - [`method`]: does the route answer this method?
//! - [`segment`]: what did the route configure, and does the operator allow it? [`share`]: may its app have one more instance? [`unload`]: whose
//!   code goes where there is no room?
//! - [`caching`]: is its answer kept, and is what was kept good for this request?
//! - [`cookies`]: what did the client send, and what is set?
//! - [`finish`]: what of the guest's answer may leave?
//! - [`cors`]: may a page of another origin read it?
//! - [`conditional`]: does the client have it already?
//! - [`compression`]: in which coding is it sent?
//! - [`outbound`]: which other servers may be asked? [`stand_in`]: or does a test answer for them?
//! - [`leak`]: does an instance answer as a fresh one would?
//!
//! And when files change:
//!
//! - [`metadata`]: is this the file of an icon, a sitemap or the like?
//! - [`reload`]: what has to be built?
//!
//! And when an app has more than one release:
//!
//! - [`rollout`]: which one answers this client, may a new one stay, and which are kept?
//!
//! And when the program starts, or makes a new app:
//!
//! - [`environment`]: what of the environment do guests see?
//! - [`package`]: may an app be called this?

pub mod admit;
pub mod base_path;
pub mod caching;
pub mod compression;
pub mod conditional;
pub mod config;
pub mod content_type;
pub mod cookies;
pub mod cors;
pub mod destination;
pub mod environment;
pub mod file;
pub mod finish;
pub mod forwarded;
pub mod leak;
pub mod metadata;
pub mod method;
pub mod outbound;
pub mod package;
pub mod path;
pub mod pattern;
pub mod proxy;
pub mod reload;
pub mod resolve;
pub mod rollout;
pub mod segment;
pub mod share;
pub mod source;
pub mod stand_in;
pub mod table;
mod template;
pub mod trace;
pub mod unload;
