//! The macros behind the modules of a Waystation app: routes and proxies.
//!
//! In: a module, as a file or written in place, and the pattern of its folder. Out: `Params`, the exported interfaces, and the section
//! that tells the host about the module; or every fault of it at once.
//!
//! A file is read and parsed here a second time, since a macro cannot look into a module that the compiler reads. So its faults carry
//! their own line and carets; in a module written in place the compiler draws them.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop there"))]

mod check;
mod constants;
mod expand;
mod fault;
mod input;
mod metadata;
mod method;
mod module;
mod params;
mod static_params;

use proc_macro2::TokenStream;
use quote::quote;

use crate::fault::Fault;
use crate::input::{Input, Source};
use crate::metadata::Convention;
use crate::method::Role;

/// Makes a component of a route module. The build writes this; a route's own file needs no macro.
///
/// ```ignore
/// #[path = "../../../../app/items/[slug]/route.rs"]
/// mod route;
/// waystation::route! { root = "../../..", file = "app/items/[slug]/route.rs", pattern = "/items/[slug]" }
/// ```
///
/// `root` is relative to the package's folder, `file` to `root`. For documentation and tests, the module can be written in place:
/// `waystation::route! { pattern = "/items/[slug]", mod route { .. } }`.
///
/// A metadata module such as `app/robots.rs` answers by one function, and may list several by another: `function = "sitemap"`,
/// `lists = "generate_sitemaps"`.
#[proc_macro]
pub fn route(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    component(syn::parse_macro_input!(input as Input), Role::Route).into()
}

/// Makes a component of a `proxy.rs`. The build writes this; takes what [`route!`](macro@route) takes, with a module named `proxy`.
#[proc_macro]
pub fn proxy(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    component(syn::parse_macro_input!(input as Input), Role::Proxy).into()
}

fn component(input: Input, role: Role) -> TokenStream {
    let input = match input.check(role) {
        Ok(input) => input,
        Err(fault) => return fault.into_compile_error(),
    };
    let params = match params::of_pattern(&input.pattern) {
        Ok(params) => params,
        Err(fault) => return fault.into_compile_error(),
    };
    let (dynamic, convention) = (!params.is_empty(), input.convention.as_ref());
    let module = match &input.source {
        Source::File { root, file } => in_file(root, file, dynamic, role, convention),
        Source::InPlace(module) => in_place(module, dynamic, role, convention),
    };
    let kept = match &input.source {
        Source::File { .. } => None,
        Source::InPlace(module) => Some(module),
    };
    let params = expand::params(&input.pattern.value(), &params);
    let exports = match module {
        Ok(module) => expand::exports(&input.pattern.value(), &module, role),
        Err(faults) => faults,
    };
    quote!(#params #kept #exports)
}

/// Reads and checks a file. If it cannot be parsed there is nothing to add: the compiler reads it too and says where.
fn in_file(
    root: &str,
    file: &str,
    dynamic: bool,
    role: Role,
    convention: Option<&Convention>,
) -> Result<module::Module, TokenStream> {
    let package = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let path = std::path::Path::new(&package).join(root).join(file);
    let fail = |message: String| Err(quote!(::core::compile_error!(#message);));
    let source = match std::fs::read_to_string(&path) {
        Ok(source) => source,
        Err(error) => return fail(format!("cannot read `{file}`: {error}")),
    };
    let checked = fault::with_locations(|| {
        let parsed = syn::parse_file(&source).ok()?;
        let checked = check::module(&parsed.items, dynamic, role, convention);
        Some(match checked {
            Ok(module) => Ok(module.drawn(file, &source)),
            Err(faults) => Err(fault::render(&faults, file, &source)),
        })
    });
    // The compiler does not know the file's tokens, so all its spans become the macro's own.
    match checked {
        None => Err(TokenStream::new()),
        Some(Ok(module)) => Ok(module.with_span(proc_macro2::Span::call_site())),
        Some(Err(message)) => fail(message),
    }
}

/// Checks a module whose tokens the compiler knows.
fn in_place(
    module: &syn::ItemMod,
    dynamic: bool,
    role: Role,
    convention: Option<&Convention>,
) -> Result<module::Module, TokenStream> {
    let items = module.content.as_ref().map(|(_, items)| items.as_slice());
    check::module(items.unwrap_or_default(), dynamic, role, convention).map_err(|faults| {
        let errors = faults
            .into_iter()
            .map(|fault| Fault::into_error(fault, module.ident.span()));
        errors.map(syn::Error::into_compile_error).collect()
    })
}
