//! One request being answered: what the handler, `cookies()` and `headers()` all read.
//!
//! The head stays with the host until something asks for it, so a handler that asks for nothing pays nothing. When the body is taken the
//! host's request goes with it, so the rest of the head is fetched then.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use wasip3::http::types as wasi;

use crate::after::Later;
use crate::bindings::context::Context as Facts;
use crate::bindings::outcome::{self, Reads};
use crate::cookies::Jar;
use crate::error::{Error, Result};
use crate::incoming::Incoming;
use crate::noted::Noted;
use crate::signal::Signal;
#[cfg(not(target_family = "wasm"))]
use crate::testing::World;
use crate::url::Url;

/// One request being answered.
pub struct Call {
    facts: Facts,
    source: RefCell<Source>,
    method: OnceCell<Method>,
    url: OnceCell<Url>,
    headers: OnceCell<HeaderMap>,
    jar: OnceCell<RefCell<Jar>>,
    noted: Noted,
    is_answered: Cell<bool>,
    #[cfg(not(target_family = "wasm"))]
    world: Rc<World>,
    later: Later,
    signal: Signal,
    trailers: Trailers,
}

/// What comes after the bodies.
#[derive(Default)]
pub(crate) struct Trailers {
    /// After the request's, once that was read to its end.
    pub(crate) received: RefCell<HeaderMap>,
    /// After the answer's.
    pub(crate) sent: RefCell<HeaderMap>,
}

/// Where the rest of the request is.
enum Source {
    /// With the host, untouched.
    Host(wasi::Request),
    /// The body was taken; the headers are still with the host.
    Headers(wasi::Headers),
    /// The head is here; so is the body until it is taken.
    #[cfg(not(target_family = "wasm"))]
    Memory(Option<bytes::Bytes>),
}

impl Call {
    pub(crate) fn new(request: wasi::Request, facts: Facts) -> Rc<Self> {
        Rc::new(Self {
            facts,
            source: RefCell::new(Source::Host(request)),
            method: OnceCell::new(),
            url: OnceCell::new(),
            headers: OnceCell::new(),
            jar: OnceCell::new(),
            noted: Noted::default(),
            is_answered: Cell::new(false),
            #[cfg(not(target_family = "wasm"))]
            world: Rc::default(),
            later: Later::default(),
            signal: Signal::default(),
            trailers: Trailers::default(),
        })
    }

    /// A request that never was with a host, as tests make it.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn in_memory(
        request: http::Request<bytes::Bytes>,
        facts: Facts,
        world: World,
    ) -> Rc<Self> {
        let (head, body) = request.into_parts();
        let scheme = head.uri.scheme_str().unwrap_or("http");
        let authority = head
            .uri
            .authority()
            .map_or("localhost", |authority| authority.as_str());
        let target = head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let url = Url::new(scheme.to_owned(), authority.to_owned(), target.to_owned());
        Rc::new(Self {
            facts,
            source: RefCell::new(Source::Memory(Some(body))),
            method: head.method.into(),
            headers: with_host(head.headers, &url).into(),
            url: url.into(),
            jar: OnceCell::new(),
            noted: Noted::default(),
            is_answered: Cell::new(false),
            world: Rc::new(world),
            later: Later::default(),
            signal: Signal::default(),
            trailers: Trailers::default(),
        })
    }

    /// The same request with what was found out about it.
    #[cfg(feature = "portable")]
    pub(crate) fn with_facts(self: Rc<Self>, facts: Facts) -> Rc<Self> {
        let call = Rc::into_inner(self).expect("nothing else holds the request yet");
        Rc::new(Self { facts, ..call })
    }

    /// The clock and chance of a test.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn world(&self) -> Rc<World> {
        Rc::clone(&self.world)
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(crate) fn method(&self) -> &Method {
        self.method.get_or_init(|| match &*self.source.borrow() {
            Source::Host(request) => method(request.get_method()),
            _ => unreachable!("the method was kept"),
        })
    }

    pub(crate) fn url(&self) -> &Url {
        self.url.get_or_init(|| match &*self.source.borrow() {
            Source::Host(request) => url(request),
            _ => unreachable!("the address was kept"),
        })
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.headers.get_or_init(|| {
            let url = self.url();
            let copied = match &*self.source.borrow() {
                Source::Host(request) => copy(&request.get_headers()),
                Source::Headers(headers) => copy(headers),
                #[cfg(not(target_family = "wasm"))]
                Source::Memory(_) => unreachable!("the headers were kept"),
            };
            with_host(copied, url)
        })
    }

    /// The values of one header, without copying the others.
    pub(crate) fn header(&self, name: &str) -> Vec<Vec<u8>> {
        match &*self.source.borrow() {
            Source::Host(request) => request.get_headers().get(name),
            Source::Headers(headers) => headers.get(name),
            #[cfg(not(target_family = "wasm"))]
            Source::Memory(_) => {
                let values = self.headers().get_all(name).iter();
                values.map(|value| value.as_bytes().to_vec()).collect()
            }
        }
    }

    pub(crate) fn jar(&self) -> &RefCell<Jar> {
        self.jar.get_or_init(|| {
            let is_sealed = self.is_answered.get();
            RefCell::new(Jar::new(&self.facts.cookies, is_sealed))
        })
    }

    /// Notes what the handler reads of the request. What the SDK reads for itself is not noted.
    pub(crate) fn read(&self, what: Reads) -> &Self {
        self.noted.read(what);
        self
    }

    /// What the handler has read of the request up to now (rows Q16 and K1).
    pub(crate) fn reads(&self) -> Reads {
        if self.url.get().is_some_and(Url::take_read) {
            self.read(Reads::QUERY);
        }
        self.noted.reads()
    }

    pub(crate) fn noted(&self) -> &Noted {
        &self.noted
    }

    /// Runs a step of what makes a value to be kept, and adds to `inside` what goes into it. Says what of it depends on this request, if anything
    /// does.
    pub(crate) fn apart<T>(
        &self,
        inside: &mut Vec<HeaderValue>,
        step: impl FnOnce() -> T,
    ) -> (T, Option<&'static str>) {
        self.reads(); // those of the address so far are the handler's own
        self.noted.apart(inside, || {
            let made = step();
            self.reads();
            made
        })
    }

    /// Whether the head has gone out, or is about to.
    pub(crate) fn is_answered(&self) -> bool {
        self.is_answered.get()
    }

    /// Whether the host is not Waystation's: it tells no id.
    pub(crate) fn is_foreign(&self) -> bool {
        self.facts.request_id.is_empty()
    }

    pub(crate) fn trailers(&self) -> &Trailers {
        &self.trailers
    }

    pub(crate) fn later(&self) -> &Later {
        &self.later
    }

    pub(crate) fn signal(&self) -> &Signal {
        &self.signal
    }

    /// Whether there is something to do if the client leaves.
    pub(crate) fn outlives_client(&self) -> bool {
        !self.later.is_empty() || self.signal.is_asked()
    }

    /// Takes the edits of the jar, if the handler used one. The head goes out now, so there can be no more.
    pub(crate) fn take_edits(&self) -> Result<Vec<outcome::Cookie>> {
        self.is_answered.set(true);
        self.jar
            .get()
            .map_or(Ok(Vec::new()), |jar| jar.borrow_mut().seal())
    }

    /// Takes the body; a second time is an error.
    pub(crate) fn take_body(self: &Rc<Self>) -> Result<Incoming> {
        self.read(Reads::BODY);
        self.method();
        self.url();
        let mut source = self.source.borrow_mut();
        match &mut *source {
            #[cfg(not(target_family = "wasm"))]
            Source::Memory(body) => body.take().map(Incoming::Whole).ok_or_else(already_read),
            Source::Headers(_) => Err(already_read()),
            Source::Host(request) => {
                let headers = Source::Headers(request.get_headers());
                let Source::Host(request) = std::mem::replace(&mut *source, headers) else {
                    unreachable!("it was with the host");
                };
                Ok(Incoming::request(request, self.clone()))
            }
        }
    }
}

fn already_read() -> Error {
    Error::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the body has already been read",
    )
}

/// The method as the `http` crate names it.
pub(crate) fn method(method: wasi::Method) -> Method {
    match method {
        wasi::Method::Get => Method::GET,
        wasi::Method::Head => Method::HEAD,
        wasi::Method::Post => Method::POST,
        wasi::Method::Put => Method::PUT,
        wasi::Method::Delete => Method::DELETE,
        wasi::Method::Connect => Method::CONNECT,
        wasi::Method::Options => Method::OPTIONS,
        wasi::Method::Trace => Method::TRACE,
        wasi::Method::Patch => Method::PATCH,
        wasi::Method::Other(name) => Method::from_bytes(name.as_bytes()).unwrap_or_default(),
    }
}

fn url(request: &wasi::Request) -> Url {
    let scheme = match request.get_scheme() {
        None | Some(wasi::Scheme::Http) => "http".to_owned(),
        Some(wasi::Scheme::Https) => "https".to_owned(),
        Some(wasi::Scheme::Other(scheme)) => scheme,
    };
    let authority = request.get_authority().unwrap_or_default();
    let target = request
        .get_path_with_query()
        .unwrap_or_else(|| "/".to_owned());
    Url::new(scheme, authority, target)
}

/// The fields as the `http` crate holds them.
pub(crate) fn copy(fields: &wasi::Fields) -> HeaderMap {
    let fields = fields.copy_all();
    let mut headers = HeaderMap::with_capacity(fields.len() + 1);
    for (name, value) in fields {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::try_from(value),
        ) {
            headers.append(name, value);
        }
    }
    headers
}

/// WASI has no `host` header: the authority stands for it. A handler expects one.
fn with_host(mut headers: HeaderMap, url: &Url) -> HeaderMap {
    if !url.authority().is_empty()
        && let Ok(host) = HeaderValue::try_from(url.authority())
    {
        headers.entry(HOST).or_insert(host);
    }
    headers
}
