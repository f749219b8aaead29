//! The types of `wit/` in Rust, made by wasmtime from the same folder that the SDK reads.

#![allow(
    missing_docs,
    unreachable_pub,
    reason = "generated; the documentation is in wit/"
)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "types",
    with: {
        "wasi:http/types": wasmtime_wasi_http::p3::bindings::http::types,
        "wasi:clocks/types": wasmtime_wasi::p3::bindings::clocks::types,
    },
});

pub use waystation::route::{context, outcome, segment, verdict};
