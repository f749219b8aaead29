//! The code of a component, found by its type to be one of the three kinds that can answer a request, or a proxy.
//!
//! It may wait on the disk until somebody asks: an app of ten thousand routes starts as one of ten does, and a route that nobody asks takes
//! no memory for it. `loaded` says when it goes again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::Mutex;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};
use wasmtime_wasi_http::{p2, p3};
use waystation_rules::method::{Method, Methods};
use waystation_rules::segment::CONTRACT;

use super::engine::Sandbox;
use super::fault::Fault;
use super::loaded::{CodeSlot, Loaded};
use super::memory::Total;
use super::places::Share;
use super::state::State;
use crate::telemetry::LoadedCode;

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

/// Held by who loads code for a request, of whichever sandbox: who serves has the processors. Of each app one waits for it.
static LOADING: Mutex<()> = Mutex::const_new(());

/// Code that was loaded for requests, of all sandboxes.
static LOADED: LazyLock<Loaded<Ready>> =
    LazyLock::new(|| Loaded::new(Total::of_process().for_code()));

/// How long code that is too much and in use is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Unloads what was in use when there was no room for it, once it is not.
async fn sweep() {
    static IS_SWEPT: AtomicBool = AtomicBool::new(false);
    while !IS_SWEPT.swap(true, Ordering::SeqCst) {
        tokio::time::sleep(PAUSE).await;
        IS_SWEPT.store(false, Ordering::SeqCst); // whoever adds more from here on looks again
        let swept = tokio::task::spawn_blocking(|| LOADED.make_room().is_over);
        match swept.await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::error!("code that is too much stays: {error}"),
        }
    }
}

/// The code in memory that can be loaded again, and how often some was unloaded.
pub fn loaded_code() -> LoadedCode {
    LOADED.now()
}

/// A component's code: loaded when somebody asks for it, and unloaded when others need its room.
pub(super) struct Code {
    facts: Facts,
    ready: Arc<CodeSlot<Ready>>,
    /// Held by who loads it.
    loading: Arc<Mutex<()>>,
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
            ready: Arc::new(CodeSlot::of(ready)),
            loading: Arc::default(),
            source: None,
        }
    }

    /// Code that is loaded when it is asked for.
    pub(super) fn waiting(source: CodeSource, facts: Facts) -> Self {
        Self {
            facts,
            ready: Arc::default(),
            loading: Arc::default(),
            source: Some(source),
        }
    }

    pub(super) fn facts(&self) -> Facts {
        self.facts
    }

    /// The component, loaded now if it is not there, once for all who ask, within `limit`. Who leaves meanwhile leaves it to the others.
    ///
    /// # Errors
    ///
    /// [`Fault::Load`] and [`Fault::WallTime`]; whoever asks next tries again.
    pub(super) async fn ready(
        &self,
        sandbox: &Arc<Sandbox>,
        share: &Arc<Share>,
        limit: Duration,
    ) -> Result<Arc<Ready>, Fault> {
        if let Some(ready) = self.ready.get() {
            return Ok(ready);
        }
        let ready = Box::pin(tokio::time::timeout(limit, self.load(sandbox, share))).await;
        ready.map_err(|_| Fault::WallTime(limit))?
    }

    async fn load(&self, sandbox: &Arc<Sandbox>, share: &Arc<Share>) -> Result<Arc<Ready>, Fault> {
        let alone = Arc::clone(&self.loading).lock_owned().await;
        if let Some(ready) = self.ready.get() {
            return Ok(ready);
        }
        let of_app = Arc::clone(&share.loading).lock_owned().await;
        let turn = (LOADING.lock().await, of_app);
        let app = Arc::as_ptr(share).addr(); // which is there as long as its code
        let (source, facts) = (self.source.clone(), self.facts);
        let (sandbox, slot) = (Arc::clone(sandbox), Arc::clone(&self.ready));
        let loaded = tokio::task::spawn_blocking(move || {
            let until_it_is_there = (alone, turn);
            let source = source.ok_or_else(|| anyhow::anyhow!("there is none"))?;
            let ready = Arc::new(Ready::of(&sandbox, &source()?)?);
            anyhow::ensure!(ready.facts() == facts, OtherFacts);
            slot.set(Arc::clone(&ready));
            let unloaded = LOADED.add(&slot, app, ready.bytes());
            drop(until_it_is_there);
            if unloaded.is_over {
                tokio::spawn(sweep());
            }
            Ok(ready)
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

    /// In bytes: wasmtime's image of it, with its data.
    fn bytes(&self) -> usize {
        let code = self.pre.component().image_range();
        code.end.addr() - code.start.addr()
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    use futures_util::FutureExt as _;
    use tokio::sync::mpsc::unbounded_channel;
    use waystation_rules::segment::Limits;

    use super::*;
    use crate::sandbox::Favour;

    /// A component of another make, as far as its type goes.
    const PROXY: &str = r#"(component
        (import "wasi:http/types@0.2.0" (instance $types
          (export "incoming-request" (type (sub resource)))
          (export "response-outparam" (type (sub resource)))))
        (alias export $types "incoming-request" (type $request))
        (alias export $types "response-outparam" (type $answer))
        (core module $m (func (export "handle") (param i32 i32)))
        (core instance $i (instantiate $m))
        (func $handle (param "request" (own $request)) (param "response-out" (own $answer))
          (canon lift (core func $i "handle")))
        (component $named
          (import "request" (type $request (sub resource)))
          (import "answer" (type $answer (sub resource)))
          (import "handle" (func $handle (param "request" (own $request)) (param "response-out" (own $answer))))
          (export $r "incoming-request" (type $request))
          (export $a "response-outparam" (type $answer))
          (export "handle" (func $handle) (func (param "request" (own $r)) (param "response-out" (own $a)))))
        (instance $exported (instantiate $named
          (with "request" (type $request)) (with "answer" (type $answer)) (with "handle" (func $handle))))
        (export "wasi:http/incoming-handler@0.2.0" (instance $exported)))"#;

    #[tokio::test]
    async fn code_is_loaded_once_though_who_asked_first_has_left() {
        let sandbox = Arc::new(Sandbox::new(&Limits::default(), Favour::Compiling).unwrap());
        let component = sandbox.compile(&wat::parse_str(PROXY).unwrap()).unwrap();
        let facts = Ready::of(&sandbox, &component).unwrap().facts();
        let loads = Arc::new(AtomicUsize::new(0));
        let (begun, mut begins) = unbounded_channel();
        let (go, goes) = mpsc::channel::<()>();
        let goes = std::sync::Mutex::new(goes);
        let source = {
            let loads = Arc::clone(&loads);
            Arc::new(move || {
                loads.fetch_add(1, Ordering::Relaxed);
                begun.send(()).unwrap();
                goes.lock().unwrap().recv().unwrap();
                Ok(component.clone())
            })
        };
        let code = Arc::new(Code::waiting(source, facts));
        let (share, long) = (sandbox.share(), Duration::from_secs(60));
        let first = {
            let (code, sandbox, share) = (code.clone(), sandbox.clone(), share.clone());
            tokio::spawn(async move { code.ready(&sandbox, &share, long).await.is_ok() })
        };
        begins.recv().await.unwrap();
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        let mut second = Box::pin(code.ready(&sandbox, &share, long));
        assert!(second.as_mut().now_or_never().is_none());
        go.send(()).unwrap();
        assert!(second.await.is_ok());
        assert!(code.ready(&sandbox, &share, long).await.is_ok());
        assert_eq!(loads.load(Ordering::Relaxed), 1);
    }

    /// Another app's code is loaded before the next of an app that has many to load.
    #[tokio::test]
    async fn apps_take_turns_at_loading() {
        let sandbox = Arc::new(Sandbox::new(&Limits::default(), Favour::Compiling).unwrap());
        let component = sandbox.compile(&wat::parse_str(PROXY).unwrap()).unwrap();
        let facts = Ready::of(&sandbox, &component).unwrap().facts();
        let (loads, loaded) = mpsc::channel();
        let waiting = |name: &'static str| {
            let (component, loads) = (component.clone(), loads.clone());
            let source = move || {
                loads.send(name).unwrap();
                Ok(component.clone())
            };
            Code::waiting(Arc::new(source), facts)
        };
        let [own, other] = [sandbox.share(), sandbox.share()];
        let codes = [("own 1", &own), ("own 2", &own), ("other", &other)];
        let codes = codes.map(|(name, share)| (waiting(name), share));
        let busy = LOADING.lock().await;
        let mut asked: Vec<_> = codes
            .iter()
            .map(|(code, share)| Box::pin(code.ready(&sandbox, share, Duration::from_secs(60))))
            .collect();
        for asked in &mut asked {
            assert!(asked.as_mut().now_or_never().is_none());
        }
        drop(busy);
        for ready in futures_util::future::join_all(asked).await {
            assert!(ready.is_ok());
        }
        let order: Vec<_> = loaded.try_iter().collect();
        assert_eq!(order, ["own 1", "other", "own 2"]);
    }
}
