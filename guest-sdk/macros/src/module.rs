//! What a module defines, in plain words: it holds no token, and its spans are those of the tokens.

use proc_macro2::Span;

use crate::constants::{Constant, Form};
use crate::fault::Place;
use crate::metadata::Lists;
use crate::method::Method;
use crate::static_params::StaticParams;

/// What a module defines.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) handlers: Vec<Handler>,
    pub(crate) constants: Vec<Defined>,
    /// What lists the several that a metadata module makes.
    pub(crate) lists: Option<Lists>,
    pub(crate) static_params: Option<StaticParams>,
}

impl Module {
    /// The same module with the types of its handlers drawn, for a compiler that does not know the file's tokens.
    pub(crate) fn drawn(mut self, file: &str, source: &str) -> Self {
        for place in self.places() {
            place.draw(file, source);
        }
        self
    }

    /// The same module, all of it at `span`.
    pub(crate) fn with_span(mut self, span: Span) -> Self {
        for place in self.places() {
            place.span = span;
        }
        for defined in &mut self.constants {
            defined.ty = span;
        }
        self
    }

    fn places(&mut self) -> impl Iterator<Item = &mut Place> {
        let listed = self.static_params.iter_mut();
        let listed = listed.map(|listed| &mut listed.returned);
        let handlers = self.handlers.iter_mut().flat_map(Handler::places);
        handlers.chain(listed)
    }
}

/// A handler as it is called.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) method: Method,
    /// The function's name: the method's, but in a metadata module.
    pub(crate) function: String,
    pub(crate) is_async: bool,
    /// Where the types of the arguments are, and that of the answer: what the compiler says of them belongs there.
    pub(crate) arguments: Vec<Place>,
    pub(crate) answer: Place,
}

impl Handler {
    fn places(&mut self) -> impl Iterator<Item = &mut Place> {
        self.arguments.iter_mut().chain([&mut self.answer])
    }
}

/// A constant as it is read.
#[derive(Debug)]
pub(crate) struct Defined {
    pub(crate) constant: &'static Constant,
    /// What its type says of how it is read.
    pub(crate) form: Form,
    /// Where its type is.
    pub(crate) ty: Span,
}
