//! `generate_static_params`: the function of a route module that lists the params whose answers are made at build time (rows SP1 to SP4).

use syn::spanned::Spanned;
use syn::{ItemFn, ReturnType};

use crate::check::{Check, is_public};
use crate::fault::Place;
use crate::method::Role;

/// The signature to copy.
pub(crate) const SIGNATURE: &str = "pub fn generate_static_params() -> Vec<Params>";
const NAME: &str = "generate_static_params";

/// The function as it is called.
#[derive(Debug)]
pub(crate) struct StaticParams {
    pub(crate) is_async: bool,
    /// Where its return type is.
    pub(crate) returned: Place,
}

/// Whether a name means the function, in this or another spelling: `generateStaticParams`.
pub(crate) fn is_meant(name: &str) -> bool {
    name.replace('_', "")
        .eq_ignore_ascii_case("generatestaticparams")
}

impl Check<'_> {
    /// Checks a function if it is the one that lists params; otherwise `false`.
    pub(crate) fn static_params(&mut self, function: &ItemFn) -> bool {
        let (ident, sig) = (&function.sig.ident, &function.sig);
        if !is_meant(&ident.to_string()) {
            return false;
        }
        if self.convention.is_some() || self.role == Role::Proxy {
            self.not_of_a_route(function);
            return true;
        }
        let before = self.faults.len();
        if ident != NAME {
            let message = format!("`{ident}` is not called; name it `{NAME}`");
            self.fault(ident.span(), message, SIGNATURE);
        }
        if !is_public(&function.vis) {
            let message = format!("`{ident}` is private, so it is not called; make it `pub`");
            self.fault(ident.span(), message, SIGNATURE);
        }
        if !self.dynamic {
            let message = "this route has no dynamic segment, so there are no params to list";
            let help = "remove it, or move the file below a folder such as `[slug]`";
            self.fault(ident.span(), message, help);
        }
        if !sig.generics.params.is_empty() {
            let message = format!("`{ident}` has no generic parameters: nothing could choose them");
            self.fault(sig.generics.span(), message, SIGNATURE);
        }
        if !sig.inputs.is_empty() {
            let message = format!("`{ident}` takes nothing: there is no request yet");
            self.fault(sig.inputs.span(), message, SIGNATURE);
        }
        if self.faults.len() == before {
            let returned = match &sig.output {
                ReturnType::Default => ident.span(),
                ReturnType::Type(_, ty) => ty.span(),
            };
            self.module.static_params = Some(StaticParams {
                is_async: sig.asyncness.is_some(),
                returned: Place::at(returned),
            });
        }
        true
    }

    /// Params that are not listed are refused, so there has to be a list (row G3).
    pub(crate) fn refused_params(&mut self) {
        if let Some(value) = self.refuses_params
            && self.dynamic
            && self.convention.is_none()
            && self.module.static_params.is_none()
            && self.faults.is_empty()
        {
            let message = "this refuses nothing: the route does not list its params";
            self.fault(value, message, SIGNATURE);
        }
    }

    /// A module of another kind may have a helper of this name.
    fn not_of_a_route(&mut self, function: &ItemFn) {
        if is_public(&function.vis) {
            let ident = &function.sig.ident;
            let message = format!("`{ident}` is not called: only a `route.rs` lists params");
            self.fault(ident.span(), message, "move it there, or make it private");
        }
    }
}
