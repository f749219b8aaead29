//! The manifest of a release: what it contains, so that it can be served without its sources.
//!
//! It holds no time, no absolute path and nothing random, so that the same sources make the same one.

use super::digest::Digest;
use super::files::FileKind;
use super::routes::RouteKind;
use serde::{Deserialize, Serialize};
use waystation_rules::caching::Life;
use waystation_rules::file::Encoding;
use waystation_rules::method::Methods;
use waystation_rules::segment::Declared;
use waystation_rules::table::Param;

/// The version of this format. A host reads no other.
pub const VERSION: u32 = 4;

/// One build of an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`VERSION`].
    pub version: u32,
    /// The app's name.
    pub name: String,
    /// Every route, sorted by file.
    pub routes: Vec<Route>,
    /// Every proxy, sorted by file.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub proxies: Vec<Proxy>,
    /// Every file that is sent as it is.
    #[serde(default)]
    pub files: Vec<File>,
    /// The text of `waystation.toml`, if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub settings: Option<Blob>,
    /// The servers that its handlers may ask, as `[outbound]` lists them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub outbound: Vec<String>,
}

impl Manifest {
    /// What the routes and proxies are called, as [`super::routes::RouteSource::name`] does.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let routes = self.routes.iter().map(|route| route.pattern.clone());
        let proxies = self.proxies.iter().map(|proxy| proxy.file.clone());
        routes.chain(proxies).collect()
    }

    /// Whether a route is a component of another make.
    #[must_use]
    pub fn has_foreign_routes(&self) -> bool {
        let mut routes = self.routes.iter();
        routes.any(|route| route.kind == RouteKind::Wasm || route.interface != Interface::Route)
    }
}

/// One proxy of a build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// The source it was made from, which says what it is about: `proxy.rs` or `app/admin/proxy.rs`.
    pub file: String,
    /// Its component.
    pub component: Blob,
    /// The interfaces that the component asks of the host, sorted: `wasi:clocks/wall-clock@0.2.6`.
    pub imports: Vec<String>,
    /// What its module's constants say, `MATCHER` among them.
    pub config: Declared,
}

/// A file that is sent as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What it answers: `/logo.svg`; for a metadata file, a pattern as a route's.
    pub pattern: String,
    /// The file that it was: `public/logo.svg`.
    pub file: String,
    /// Where that was found.
    pub kind: FileKind,
    /// The content.
    pub blob: Blob,
    /// The same encoded.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub encoded: Vec<(Encoding, Blob)>,
}

/// Bytes of the release, by which [`super::layout::Blobs`] finds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    /// The name of the content.
    pub digest: Digest,
    /// Its length.
    pub bytes: u64,
}

/// One route of a build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// What it matches: `/items/[slug]`.
    pub pattern: String,
    /// The source it was made from: `app/items/[slug]/route.rs`.
    pub file: String,
    /// `route.rs` or `route.wasm`.
    pub kind: RouteKind,
    /// The interface it answers through.
    pub interface: Interface,
    /// Its component.
    pub component: Blob,
    /// The interfaces that the component asks of the host, sorted: `wasi:clocks/wall-clock@0.2.6`.
    pub imports: Vec<String>,
    /// The methods it answers; for a component that is no route module, all of them.
    pub methods: Methods,
    /// Whether its module has `generate_static_params`.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub lists_params: bool,
    /// What its module's constants say; absent for a component that is no route module.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub config: Option<Declared>,
    /// The answers to GET that are kept; absent for a route whose handler runs for each request, empty for one that is kept on demand.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kept: Option<Vec<Answer>>,
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// With the params: `/items/hello`.
    pub path: String,
    /// The params in it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub params: Vec<Param>,
    /// The entry of the store, as if it had been made at the epoch.
    pub blob: Blob,
    /// How long it lives.
    pub life: Life,
}

/// How the host talks to a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interface {
    /// `waystation:route/*`, one per method.
    Route,
    /// `wasi:http/handler@0.3`.
    Http3,
    /// `wasi:http/incoming-handler@0.2`.
    Http2,
    /// `waystation:route/proxy`: no route, but asked before routes.
    Proxy,
}
