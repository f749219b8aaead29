//! The code of a component, found by its type to be one of the three kinds that can answer a request, or a proxy.
//!
//! It may wait on the disk until somebody asks: an app of ten thousand routes starts as one of ten does, and a route that nobody asks takes
//! no memory for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};
use wasmtime_wasi_http::{p2, p3};
use waystation_rules::method::{Method, Methods};
use waystation_rules::segment::CONTRACT;

use super::engine::Sandbox;
use super::fault::Fault;
use super::state::State;

/// What is known of a component without its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The methods that its type lists; all of them for a component of another make, none for a proxy.
    pub methods: Methods,
    /// Whether it has `generate_static_params`.
    pub lists_params: bool,
    /// Whether it keeps to the contract, as a route module or a proxy does.
    pub keeps_contract: bool,
}

/// Takes a component's code from where it is kept. It blocks its thread.
pub type CodeSource = Arc<dyn Fn() -> anyhow::Result<Component> + Send + Sync>;

/// The code of a component, once it was asked for.
pub(super) struct Code {
    facts: Facts,
    ready: OnceCell<Arc<Ready>>,
    source: Option<CodeSource>,
}

/// A component is not what its release says of it.
#[derive(Debug, thiserror::Error)]
#[error("it is not the component that its release describes")]
pub struct OtherFacts;

/// A component that is ready to be instantiated.
pub(super) struct Ready {
    pub(super) pre: InstancePre<State>,
    pub(super) entry: Entry,
    /// Where `generate_static_params` stands, if the module has it.
    pub(super) lists_params: Option<ComponentExportIndex>,
}

/// How a component is called.
pub(super) enum Entry {
    /// `waystation:route/<method>`: the handlers by method.
    Route(Handlers),
    /// `waystation:route/proxy`: where its `handle` stands.
    Proxy(ComponentExportIndex),
    /// `wasi:http/handler@0.3`.
    Http3(Box<p3::bindings::ServicePre<State>>),
    /// `wasi:http/incoming-handler@0.2`.
    Http2(Box<p2::bindings::ProxyPre<State>>),
}

/// Where each method's `handle` stands in the component.
pub(super) struct Handlers([Option<ComponentExportIndex>; Method::ALL.len()]);

/// Why a component cannot be a route.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It exports nothing that answers a request.
    #[error(
        "it exports neither `waystation:route/*`, `wasi:http/handler` nor `wasi:http/incoming-handler`"
    )]
    NoHandler,

    /// It imports what this host does not give, such as a database of another platform.
    #[error("it imports what this host does not have: {0:#}")]
    Import(wasmtime::Error),
}

impl Code {
    /// Code that is there.
    pub(super) fn there(ready: Ready) -> Self {
        Self {
            facts: ready.facts(),
            ready: OnceCell::new_with(Some(Arc::new(ready))),
            source: None,
        }
    }

    /// Code that is loaded when it is asked for.
    pub(super) fn waiting(source: CodeSource, facts: Facts) -> Self {
        Self {
            facts,
            ready: OnceCell::new(),
            source: Some(source),
        }
    }

    pub(super) fn facts(&self) -> Facts {
        self.facts
    }

    /// The component, loaded now if it was not, once for all who ask, within `limit`.
    ///
    /// # Errors
    ///
    /// [`Fault::Load`] and [`Fault::WallTime`]; whoever asks next tries again.
    pub(super) async fn ready(
        &self,
        sandbox: &Arc<Sandbox>,
        limit: Duration,
    ) -> Result<Arc<Ready>, Fault> {
        if let Some(ready) = self.ready.get() {
            return Ok(Arc::clone(ready));
        }
        let ready = self.ready.get_or_try_init(|| self.load(sandbox));
        let ready = Box::pin(tokio::time::timeout(limit, ready)).await;
        ready.map_err(|_| Fault::WallTime(limit))?.cloned()
    }

    async fn load(&self, sandbox: &Arc<Sandbox>) -> Result<Arc<Ready>, Fault> {
        let (source, facts) = (self.source.clone(), self.facts);
        let sandbox = Arc::clone(sandbox);
        let loaded = tokio::task::spawn_blocking(move || {
            let source = source.ok_or_else(|| anyhow::anyhow!("there is none"))?;
            let ready = Ready::of(&sandbox, &source()?)?;
            anyhow::ensure!(ready.facts() == facts, OtherFacts);
            Ok(Arc::new(ready))
        });
        let ready = loaded.await.map_err(anyhow::Error::from).flatten();
        ready.map_err(|error| Fault::Load(format!("{error:#}")))
    }
}

impl Ready {
    /// Gets a component ready. Nothing of it runs.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] if it does not answer requests, or needs more than the host gives.
    pub(super) fn of(sandbox: &Sandbox, component: &Component) -> Result<Self, LoadError> {
        let pre = sandbox
            .linker
            .instantiate_pre(component)
            .map_err(LoadError::Import)?;
        let handlers = Handlers::of(component);
        let entry = if !handlers.methods().is_empty() {
            Entry::Route(handlers)
        } else if let Some(proxy) = function(component, "proxy", "handle") {
            Entry::Proxy(proxy)
        } else if let Ok(service) = p3::bindings::ServicePre::new(pre.clone()) {
            Entry::Http3(Box::new(service))
        } else if let Ok(proxy) = p2::bindings::ProxyPre::new(pre.clone()) {
            Entry::Http2(Box::new(proxy))
        } else {
            return Err(LoadError::NoHandler);
        };
        Ok(Self {
            pre,
            entry,
            lists_params: function(component, "static-params", "generate"),
        })
    }

    pub(super) fn facts(&self) -> Facts {
        Facts {
            methods: match &self.entry {
                Entry::Route(handlers) => handlers.methods(),
                Entry::Http3(_) | Entry::Http2(_) => Methods::ALL,
                Entry::Proxy(_) => Methods::NONE,
            },
            lists_params: self.lists_params.is_some(),
            keeps_contract: matches!(self.entry, Entry::Route(_) | Entry::Proxy(_)),
        }
    }
}

impl Handlers {
    fn of(component: &Component) -> Self {
        Self(Method::ALL.map(|method| function(component, method.interface(), "handle")))
    }

    fn methods(&self) -> Methods {
        Method::ALL
            .into_iter()
            .filter(|&method| self.get(method).is_some())
            .collect()
    }

    pub(super) fn get(&self, method: Method) -> Option<&ComponentExportIndex> {
        self.0[method as usize].as_ref()
    }
}

/// Where the function of one of the contract's interfaces stands, if the component has it.
fn function(component: &Component, interface: &str, name: &str) -> Option<ComponentExportIndex> {
    let interface = format!("waystation:route/{interface}@{CONTRACT}");
    let interface = component.get_export_index(None, &interface)?;
    component.get_export_index(Some(&interface), name)
}
