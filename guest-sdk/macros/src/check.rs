//! Finds the handlers and constants of a module, and everything that is wrong with them.
//!
//! In: the module's items. Out: a [`Module`], or all [`Fault`]s.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{
    Attribute, Expr, FnArg, Item, ItemConst, ItemFn, Lit, ReturnType, Type, UseTree, Visibility,
};

use crate::constants::{Constant, Form};
use crate::fault::{Fault, Place};
use crate::metadata::Convention;
use crate::method::{Method, Role};
use crate::module::{Defined, Handler, Module};
use crate::static_params;

/// Checks a module, which answers as a convention says if there is one; `dynamic` says whether its path has params, for the signatures to
/// copy.
pub(crate) fn module(
    items: &[Item],
    dynamic: bool,
    role: Role,
    convention: Option<&Convention>,
) -> Result<Module, Vec<Fault>> {
    let mut check = Check {
        role,
        dynamic,
        convention,
        module: Module::default(),
        refuses_params: None,
        faults: Vec::new(),
    };
    items
        .iter()
        .filter(|item| !is_test(attributes(item)))
        .for_each(|item| check.item(item));
    check.refused_params();
    if let Some(convention) = convention {
        check.missing(convention);
    } else if check.module.handlers.is_empty() && check.faults.is_empty() {
        check.faults.push(Fault {
            message: format!("this {} has no handler", role.module()),
            help: format!("{} {{ .. }}", role.first().signature(dynamic)),
            span: None,
        });
    }
    if check.faults.is_empty() {
        Ok(check.module)
    } else {
        Err(check.faults)
    }
}

pub(crate) struct Check<'a> {
    pub(crate) role: Role,
    pub(crate) dynamic: bool,
    pub(crate) convention: Option<&'a Convention>,
    pub(crate) module: Module,
    /// The `DYNAMIC_PARAMS` that is `false`.
    pub(crate) refuses_params: Option<Span>,
    pub(crate) faults: Vec<Fault>,
}

impl Check<'_> {
    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(function) => self.function(function),
            Item::Const(constant) => self.constant(constant),
            Item::Static(item) if Constant::spelled(&item.ident.to_string()).is_some() => {
                let constant = Constant::spelled(&item.ident.to_string());
                let example = constant
                    .map(|constant| constant.example)
                    .unwrap_or_default();
                self.fault(
                    item.static_token.span,
                    "route configuration is a `const`, not a `static`",
                    example,
                );
            }
            Item::Static(item) if is_public(&item.vis) => self.not_a_function(&item.ident),
            Item::Mod(item) if is_public(&item.vis) => self.not_a_function(&item.ident),
            Item::Use(item) if is_public(&item.vis) => self.reexports(&item.tree),
            _ => {}
        }
    }

    fn function(&mut self, function: &ItemFn) {
        let ident = &function.sig.ident;
        let name = ident.to_string();
        if self.static_params(function) {
            return;
        }
        if let Some(convention) = self.convention {
            return self.metadata_function(convention, function);
        }
        if let Some(method) = self.role.named(&name) {
            return self.handler(method, function, method.signature(self.dynamic));
        }
        if let Some(method) = self.role.spelled(&name) {
            let message = match self.role {
                Role::Route => format!(
                    "`{name}` is not called: handlers have lower-case names; name it `{}`",
                    method.name()
                ),
                Role::Proxy => format!("`{name}` is not called; name it `{}`", method.name()),
            };
            return self.fault(ident.span(), message, method.signature(self.dynamic));
        }
        if !is_public(&function.vis) {
            return;
        }
        let list = self.role.list();
        let looks_like_handler = takes_request(function);
        match name.to_ascii_lowercase().as_str() {
            "default" => {
                let message = format!(
                    "a {} has no default handler; name it {list}",
                    self.role.module()
                );
                let help = self.role.first().signature(self.dynamic);
                self.fault(ident.span(), message, help);
            }
            method @ ("trace" | "connect")
                if self.role == Role::Route && (looks_like_handler || name != method) =>
            {
                let message = format!(
                    "{} is not supported: a route cannot answer it",
                    method.to_ascii_uppercase()
                );
                self.fault(
                    ident.span(),
                    message,
                    format!("a handler is named {list}; make a helper private"),
                );
            }
            _ if !looks_like_handler => {}
            _ => match self.role.near(&name) {
                Some(method) => {
                    let message = format!(
                        "`{name}` is not a method; did you mean `{}`?",
                        method.name()
                    );
                    self.fault(ident.span(), message, method.signature(self.dynamic));
                }
                None if name.chars().all(|c| c.is_ascii_uppercase()) => {
                    self.fault(
                        ident.span(),
                        format!("`{name}` is not a method"),
                        format!("a handler is named {list}"),
                    );
                }
                None => {}
            },
        }
    }

    pub(crate) fn handler(&mut self, method: Method, function: &ItemFn, signature: String) {
        let before = self.faults.len();
        let (ident, sig) = (&function.sig.ident, &function.sig);
        match &function.vis {
            Visibility::Public(_) => {}
            Visibility::Inherited => {
                self.fault(
                    ident.span(),
                    format!("`{ident}` is private, so it is not called; make it `pub`"),
                    &*signature,
                );
            }
            Visibility::Restricted(vis) => {
                self.fault(
                    vis.span(),
                    format!("`{ident}` is not public; make it `pub`"),
                    &*signature,
                );
            }
        }
        if !sig.generics.params.is_empty() {
            self.fault(
                sig.generics.span(),
                "a handler has no generic parameters: nothing could choose them",
                &*signature,
            );
        }
        if let Some(token) = sig.unsafety {
            self.fault(
                token.span,
                "a handler is not `unsafe`: the host calls it",
                &*signature,
            );
        }
        if let Some(extra) = sig.inputs.iter().nth(2) {
            self.fault(
                extra.span(),
                "a handler takes at most two arguments, the request and the context",
                &*signature,
            );
        }
        for input in &sig.inputs {
            self.argument(input, &signature);
        }
        if self.faults.len() == before {
            let answer = match &sig.output {
                ReturnType::Default => ident.span(),
                ReturnType::Type(_, ty) => ty.span(),
            };
            self.module.handlers.push(Handler {
                method,
                function: ident.to_string(),
                is_async: sig.asyncness.is_some(),
                arguments: sig
                    .inputs
                    .iter()
                    .map(argument_type)
                    .map(Place::at)
                    .collect(),
                answer: Place::at(answer),
            });
        }
    }

    fn argument(&mut self, argument: &FnArg, signature: &str) {
        match argument {
            FnArg::Receiver(receiver) => {
                self.fault(
                    receiver.span(),
                    "a handler takes no `self`: each call may meet a new instance",
                    signature,
                );
            }
            FnArg::Typed(typed) => match &*typed.ty {
                Type::Reference(reference) => {
                    self.fault(
                        reference.span(),
                        "a handler takes its arguments by value",
                        signature,
                    );
                }
                Type::ImplTrait(generic) => {
                    self.fault(
                        generic.span(),
                        "a handler has no generic parameters: nothing could choose them",
                        signature,
                    );
                }
                _ => {}
            },
        }
    }

    fn constant(&mut self, item: &ItemConst) {
        let (ident, name) = (&item.ident, item.ident.to_string());
        if self.role.named(&name).is_some() && is_public(&item.vis) {
            return self.not_a_function(ident);
        }
        let Some(constant) = Constant::spelled(&name) else {
            return;
        };
        let before = self.faults.len();
        if !constant.is_for(self.role) {
            let (message, help) = constant.elsewhere(self.role);
            self.fault(ident.span(), message, help);
        } else if constant.name != name {
            let message = format!("`{name}` configures nothing; name it `{}`", constant.name);
            self.fault(ident.span(), message, constant.example);
        } else if !matches!(item.vis, Visibility::Public(_)) {
            self.fault(
                ident.span(),
                format!("`{name}` is private, so it is not read; make it `pub`"),
                constant.example,
            );
        } else if constant.refuses(&item.ty) {
            self.fault(
                item.ty.span(),
                format!("`{}` has another type", constant.name),
                constant.example,
            );
        }
        if self.faults.len() == before {
            if constant.name == "DYNAMIC_PARAMS" && is_false(&item.expr) {
                self.refuses_params = Some(item.expr.span());
            }
            self.module.constants.push(Defined {
                constant,
                form: Form::of(&item.ty),
                ty: item.ty.span(),
            });
        }
    }

    /// A public item with a method's name that is no function.
    fn not_a_function(&mut self, ident: &syn::Ident) {
        if let Some(method) = self.role.spelled(&ident.to_string()) {
            let message = format!("`{ident}` is not a function, so it answers nothing");
            self.fault(ident.span(), message, method.signature(self.dynamic));
        }
    }

    /// Names that come from elsewhere: what they are cannot be seen from here.
    fn reexports(&mut self, tree: &UseTree) {
        let ident = match tree {
            UseTree::Path(path) => return self.reexports(&path.tree),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.reexports(tree));
            }
            UseTree::Glob(_) => return,
            UseTree::Name(name) => &name.ident,
            UseTree::Rename(rename) => &rename.rename,
        };
        let name = ident.to_string();
        if let Some(method) = self.role.named(&name) {
            let message = format!(
                "`{name}` comes from another module, so it is not called; call it from a handler in this file"
            );
            self.fault(ident.span(), message, method.signature(self.dynamic));
        } else if let Some(constant) = Constant::named(&name) {
            let message = format!(
                "`{name}` comes from another module, so it is not read; define it in this file"
            );
            self.fault(ident.span(), message, constant.example);
        } else if static_params::is_meant(&name) {
            let message = format!(
                "`{name}` comes from another module, so it is not called; call it from one in this file"
            );
            self.fault(ident.span(), message, static_params::SIGNATURE);
        }
    }

    pub(crate) fn fault(
        &mut self,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.faults.push(Fault::at(span, message, help));
    }
}

pub(crate) fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

fn is_false(value: &Expr) -> bool {
    matches!(value, Expr::Lit(literal) if matches!(&literal.lit, Lit::Bool(bool) if !bool.value))
}

fn argument_type(argument: &FnArg) -> Span {
    match argument {
        FnArg::Receiver(receiver) => receiver.span(),
        FnArg::Typed(typed) => typed.ty.span(),
    }
}

/// Whether an argument is a `Request` or a `Context`, as only handlers take them by value.
fn takes_request(function: &ItemFn) -> bool {
    function.sig.inputs.iter().any(|input| match input {
        FnArg::Typed(typed) => match &*typed.ty {
            Type::Path(path) => path
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == "Request" || last.ident == "Context"),
            _ => false,
        },
        FnArg::Receiver(_) => false,
    })
}

/// Whether it is compiled for tests only: `#[cfg(test)]`.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|cfg| cfg.is_ident("test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
