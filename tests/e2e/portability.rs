//! What the build makes is a component for any WASI host: its type says what it is, and it asks for nothing of Waystation's own.

use http_body_util::{BodyExt as _, Empty};
use wasmparser::{Encoding, Parser, Payload};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p3::bindings::Service;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use waystation_tests::{App, output};

use crate::support::production;

/// What `wasmtime serve -Scli` gives a component: the packages of the world `wasi:cli` and of `wasi:http`.
const STOCK: [&str; 7] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:http/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

const METHODS: [&str; 8] = [
    "get", "head", "post", "put", "patch", "delete", "options", "query",
];

/// The functions of metadata modules, which answer to GET.
const METADATA: [&str; 4] = ["robots", "sitemap", "manifest", "image"];

/// Interfaces of the contract that hold types and nothing to call.
const TYPES: [&str; 3] = [
    "waystation:route/context@",
    "waystation:route/outcome@",
    "waystation:route/segment@",
];

/// Looks at a built component beside the source it was made from.
pub(crate) async fn check(source: &str, component: &[u8], file: &str) {
    let is_relinked = waystation_host::sandbox::relinked(component).is_some();
    assert!(is_relinked, "{file} is slower than it could be");
    let (imports, exports) = names(component);
    for import in &imports {
        let is_stock = STOCK.iter().any(|package| import.starts_with(package));
        let is_type = TYPES.iter().any(|interface| import.starts_with(interface));
        assert!(is_stock || is_type, "{file} asks for {import}");
    }
    let offered = exports.iter().filter_map(|export| {
        export
            .strip_prefix("waystation:route/")?
            .strip_suffix("@0.1.0")
    });
    let mut offered: Vec<_> = offered.collect();
    let mut defined: Vec<_> = METHODS
        .into_iter()
        .filter(|method| {
            let is_metadata = || METADATA.iter().any(|function| defines(source, function));
            defines(source, method) || *method == "get" && is_metadata()
        })
        .collect();
    defined.extend(defines(source, "generate_static_params").then_some("static-params"));
    offered.sort_unstable();
    defined.sort_unstable();
    assert_eq!(offered, defined, "the methods of {file}");
    assert!(
        exports
            .iter()
            .any(|export| export.starts_with("wasi:http/handler@0.3.")),
        "{file}: {exports:?}"
    );
    let instance = Stock::new().instantiate(component).await;
    instance.unwrap_or_else(|error| panic!("{file} with stock interfaces only: {error:#}"));
}

/// Whether a module has this handler, by its text.
fn defines(source: &str, method: &str) -> bool {
    source.lines().any(|line| {
        let after = line
            .strip_prefix("pub async fn ")
            .or_else(|| line.strip_prefix("pub fn "));
        after.is_some_and(|after| after.starts_with(&format!("{method}(")))
    })
}

/// What a component imports and exports, by name.
fn names(component: &[u8]) -> (Vec<String>, Vec<String>) {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::Version { encoding, .. } => {
                assert!(0 < depth || encoding == Encoding::Component);
                depth += 1;
            }
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                imports.extend(
                    section
                        .into_iter()
                        .map(|import| import.unwrap().name.name.to_owned()),
                );
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                exports.extend(
                    section
                        .into_iter()
                        .map(|export| export.unwrap().name.name.to_owned()),
                );
            }
            _ => {}
        }
    }
    (imports, exports)
}

/// A host with the stock interfaces and nothing else.
struct Stock {
    engine: Engine,
    linker: Linker<State>,
}

struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    outgoing: Refuse,
}

impl Stock {
    fn new() -> Self {
        let engine = Engine::default();
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi::p3::add_to_linker(&mut linker).unwrap();
        wasmtime_wasi_http::p3::add_to_linker(&mut linker).unwrap();
        Self { engine, linker }
    }

    async fn instantiate(&self, component: &[u8]) -> wasmtime::Result<(Store<State>, Service)> {
        let component = Component::from_binary(&self.engine, component)?;
        let state = State {
            wasi: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            outgoing: Refuse,
        };
        let mut store = Store::new(&self.engine, state);
        let service = Service::instantiate_async(&mut store, &component, &self.linker).await?;
        Ok((store, service))
    }

    /// Has a component answer through `wasi:http/handler`.
    async fn ask(
        &self,
        component: &[u8],
        method: &str,
        path: &str,
    ) -> wasmtime::Result<(u16, String)> {
        let (mut store, service) = self.instantiate(component).await?;
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://stock.example{path}"));
        let body = Empty::new().map_err(|_| Error::HttpRequestDenied);
        let request = request.body(body)?;
        let (request, sent) = wasmtime_wasi_http::p3::Request::from_http(&mut Refuse, request);
        store
            .run_concurrent(async |accessor| {
                let response = service.handle(accessor, request).await?;
                let response = response.map_err(|error| wasmtime::format_err!("{error:?}"))?;
                let response = accessor.with(|store| response.into_http(store, sent))?;
                let (parts, body) = response.into_parts();
                let body = body
                    .collect()
                    .await
                    .map_err(|error| wasmtime::format_err!("{error}"))?;
                let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
                Ok((parts.status.as_u16(), text))
            })
            .await?
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outgoing,
        }
    }
}

/// No request goes out of a test.
struct Refuse;

impl WasiHttpHooks for Refuse {
    fn send_request(
        &mut self,
        _: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Io,
    ) -> Sending {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sending = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Io), Error>> + Send>;

#[tokio::test]
async fn a_component_lists_its_methods_and_asks_for_stock_interfaces_only() {
    for (file, component) in built(production()) {
        let source = production().read(&file);
        check(&source, &component, &file).await;
    }
}

#[tokio::test]
async fn any_wasi_host_can_ask_it() {
    let components = built(production());
    let component = |file: &str| &components.iter().find(|(name, _)| name == file).unwrap().1;
    let stock = Stock::new();
    let hello = component("app/hello/route.rs");
    assert_eq!(
        stock.ask(hello, "GET", "/hello").await.unwrap(),
        (200, "hello".to_owned())
    );
    assert_eq!(stock.ask(hello, "POST", "/hello").await.unwrap().0, 405);
    assert_eq!(stock.ask(hello, "GET", "/elsewhere").await.unwrap().0, 404);
    let item = component("app/items/[id]/route.rs");
    assert_eq!(
        stock.ask(item, "GET", "/items/a%2Fb").await.unwrap(),
        (200, "id=a/b path=/items/a%2Fb".to_owned())
    );
    let stream = component("app/stream/route.rs");
    assert_eq!(
        stock
            .ask(stream, "GET", "/stream?kind=items")
            .await
            .unwrap()
            .1,
        "<p>One</p><p>Two</p><p>Three</p>"
    );
}

/// The components of an app's build by the files they were made from.
pub(crate) fn built(app: &App) -> Vec<(String, Vec<u8>)> {
    let manifest = output::manifest(app.root());
    let routes = manifest["routes"].as_array().unwrap().iter();
    let component = |route: &serde_json::Value| {
        let digest = route["component"]["digest"].as_str().unwrap();
        (
            route["file"].as_str().unwrap().to_owned(),
            std::fs::read(output::blob(app.root(), digest)).unwrap(),
        )
    };
    routes.map(component).collect()
}
