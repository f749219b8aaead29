//! The functions of a metadata module, such as `app/sitemap.rs`: the one that answers, and the one that lists several.

use syn::ItemFn;

use crate::check::{Check, is_public};
use crate::fault::Fault;
use crate::method::Role;

/// What the name of a file says of the module in it.
pub(crate) struct Convention {
    /// The function that answers: `sitemap`.
    pub(crate) function: String,
    /// The function that lists several, where there may be several: `generate_sitemaps`.
    pub(crate) lists: Option<String>,
    /// Whether the path is that of several.
    pub(crate) is_several: bool,
}

/// The function that lists several.
#[derive(Debug)]
pub(crate) struct Lists {
    pub(crate) function: String,
    pub(crate) is_async: bool,
}

impl Convention {
    /// The signature to copy: `pub fn sitemap() -> Sitemap`.
    fn signature(&self, dynamic: bool) -> String {
        let function = &self.function;
        let context = if dynamic {
            "context: Context<Params>"
        } else {
            ""
        };
        let (first, rest) = function.split_at(1);
        format!(
            "pub fn {function}({context}) -> {}{rest}",
            first.to_ascii_uppercase()
        )
    }
}

impl Check<'_> {
    pub(crate) fn metadata_function(&mut self, convention: &Convention, function: &ItemFn) {
        let ident = &function.sig.ident;
        let name = ident.to_string();
        let signature = convention.signature(self.dynamic);
        if name == convention.function {
            self.handler(Role::Route.first(), function, signature);
        } else if convention.lists.as_ref() == Some(&name) {
            self.lists(convention, function);
        } else if Role::Route.spelled(&name).is_some() && is_public(&function.vis) {
            let message = format!(
                "`{name}` is not called: this file answers by `{}`",
                convention.function
            );
            self.fault(ident.span(), message, signature);
        }
    }

    fn lists(&mut self, convention: &Convention, function: &ItemFn) {
        let (ident, sig) = (&function.sig.ident, &function.sig);
        let signature = format!("pub fn {ident}() -> Vec<u32>");
        if !is_public(&function.vis) {
            let message = format!("`{ident}` is private, so it is not called; make it `pub`");
            self.fault(ident.span(), message, signature);
        } else if !sig.inputs.is_empty() || !sig.generics.params.is_empty() {
            let message = format!("`{ident}` takes nothing");
            self.fault(ident.span(), message, signature);
        } else if !convention.is_several {
            let message = format!("`{ident}` was overlooked: write `fn` and its name on one line");
            self.fault(ident.span(), message, signature);
        } else {
            self.module.lists = Some(Lists {
                function: ident.to_string(),
                is_async: sig.asyncness.is_some(),
            });
        }
    }

    /// Tells what the module lacks, if nothing else is wrong.
    pub(crate) fn missing(&mut self, convention: &Convention) {
        if !self.faults.is_empty() {
            return;
        }
        let (message, help) = if self.module.handlers.is_empty() {
            let help = format!("{} {{ .. }}", convention.signature(self.dynamic));
            (
                format!("this file has no function `{}`", convention.function),
                help,
            )
        } else if convention.is_several && self.module.lists.is_none() {
            let lists = convention.lists.as_deref().unwrap_or_default();
            let message = format!("`{lists}` is not a function of this file itself");
            (message, format!("pub fn {lists}() -> Vec<u32> {{ .. }}"))
        } else {
            return;
        };
        self.faults.push(Fault {
            message,
            help,
            span: None,
        });
    }
}
