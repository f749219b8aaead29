//! Writes the code that makes a component of a checked module.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

use crate::constants::Form;
use crate::fault::Place;
use crate::metadata::Lists;
use crate::method::Role;
use crate::module::{Defined, Handler, Module};
use crate::params::{Kind, Param};
use crate::static_params::StaticParams;

/// `Params`, with a field for each dynamic segment.
pub(crate) fn params(pattern: &str, params: &[Param]) -> TokenStream {
    let fields = params.iter().map(|param| {
        let field = ident(&param.field);
        let (doc, ty) = match param.kind {
            Kind::One => (format!("`[{}]`", param.name), quote!(::std::string::String)),
            Kind::Many => (
                format!("`[...{}]`", param.name),
                quote!(::std::vec::Vec<::std::string::String>),
            ),
            Kind::Optional => (
                format!(
                    "`[[...{}]]`: `None` if the path ends before it.",
                    param.name
                ),
                quote!(::std::option::Option<::std::vec::Vec<::std::string::String>>),
            ),
        };
        quote!(#[doc = #doc] pub #field: #ty)
    });
    let values = params.iter().map(|param| {
        let (field, name) = (ident(&param.field), &param.name);
        let take = match param.kind {
            Kind::One => quote!(one),
            Kind::Many => quote!(many),
            Kind::Optional => quote!(optional),
        };
        quote!(#field: values.#take(#name)?)
    });
    let listed = params.iter().map(|param| {
        let (field, name) = (ident(&param.field), &param.name);
        quote!(.chain(::waystation::__private::param(#name, self.#field)))
    });
    let doc = format!("The dynamic segments of `{pattern}`.");
    quote! {
        #[doc = #doc]
        #[derive(Clone, Debug)]
        #[allow(dead_code, non_snake_case)]
        pub struct Params { #(#fields),* }

        #[automatically_derived]
        #[allow(unused_variables)]
        impl ::waystation::FromParams for Params {
            const PATTERN: ::std::option::Option<&'static str> = ::std::option::Option::Some(#pattern);

            fn from_params(values: ::waystation::__private::RawParams<'_>) -> ::waystation::Result<Self> {
                ::std::result::Result::Ok(Self { #(#values),* })
            }
        }

        #[automatically_derived]
        impl ::waystation::__private::IntoParams for Params {
            fn into_params(self) -> ::std::vec::Vec<::waystation::__private::Param> {
                ::std::iter::empty() #(#listed)* .collect()
            }
        }
    }
}

/// The exported interfaces and the custom section.
pub(crate) fn exports(pattern: &str, module: &Module, role: Role) -> TokenStream {
    let Module {
        handlers,
        constants,
        lists,
        static_params: listed,
    } = module;
    let names: Vec<_> = handlers
        .iter()
        .map(|handler| ident(handler.method.name()))
        .collect();
    let methods: Vec<_> = match role {
        Role::Route => handlers
            .iter()
            .map(|handler| handler.method.token())
            .collect(),
        Role::Proxy => Vec::new(), // it is asked whatever the method
    };
    let own = ident(role.module());
    let calls = handlers
        .iter()
        .map(|handler| call(handler, &own, lists.as_ref()));
    let interfaces = names.iter().map(|name| interface(name, role));
    let listed = listed.as_ref().map(|listed| static_params(listed, &own));
    let config = constants.iter().map(|defined| config(defined, &own));
    let portable = match role {
        Role::Route => {
            quote!(::waystation::__portable!(Exported, #pattern, &[#((#methods, #names)),*]);)
        }
        Role::Proxy => TokenStream::new(), // no other host knows what to do with one
    };
    quote! {
        #[allow(clippy::all, dead_code, unsafe_code, unused_imports, unused_variables)]
        const _: () = {
            use ::waystation::__private as sdk;

            #(#calls)*

            const SECTION: sdk::Section = sdk::Section {
                pattern: #pattern,
                methods: &[#(#methods),*],
                config: sdk::Config { #(#config,)* ..sdk::Config::NONE },
            };

            const LENGTH: usize = SECTION.length();

            #[cfg(target_family = "wasm")]
            #[unsafe(link_section = "waystation-route")]
            #[used]
            static JSON: [u8; LENGTH] = SECTION.bytes();

            // Elsewhere nothing is linked, but the constants are checked all the same.
            #[cfg(not(target_family = "wasm"))]
            const JSON: [u8; LENGTH] = SECTION.bytes();

            struct Exported;

            #(#interfaces)*

            #listed

            #portable
        };
    }
}

/// A handler with its arguments and answer made alike. Where several are listed, one that is not among them is no path.
fn call(handler: &Handler, module: &Ident, lists: Option<&Lists>) -> TokenStream {
    let (name, function) = (ident(handler.method.name()), ident(&handler.function));
    let listed = lists.map(|lists| {
        let (function, wait) = (ident(&lists.function), wait(lists.is_async));
        quote! {
            if let ::std::option::Option::Some(answer) = sdk::unlisted(&call, self::#module::#function() #wait) {
                return ::std::result::Result::Ok(answer);
            }
        }
    });
    let argument = |place: &Place| {
        let span = place.span;
        let check = place.drawn.as_ref().map(|drawn| {
            let message = "a handler cannot take `{Self}`";
            let note = "a handler takes nothing, `Request`, `Context<Params>`, or both";
            check(&quote!(::waystation::FromCall), message, drawn, note)
        });
        match check {
            None => quote_spanned!(span=> ::waystation::FromCall::from_call(&call)?),
            Some(check) => quote!({
                #check
                checked(::waystation::FromCall::from_call(&call)?)
            }),
        }
    };
    let arguments = handler.arguments.iter().map(argument);
    let wait = wait(handler.is_async);
    let check = handler.answer.drawn.as_ref().map(|drawn| {
        let message = "a handler cannot answer with `{Self}`";
        let note = "return `Response`, `Json<T>` or `Html<T>`, text, bytes, a `StatusCode`, `(StatusCode, T)`, or a \
                    `waystation::Result` of one of them";
        let note = if module == "proxy" {
            note.replace("return ", "return `Next`, ")
        } else {
            note.to_owned()
        };
        check(&quote!(::waystation::IntoResponse), message, drawn, &note)
    });
    let checked = check
        .is_some()
        .then(|| quote!(let answer = checked(answer);));
    let answered =
        quote_spanned!(handler.answer.span=> ::waystation::IntoResponse::into_response(answer));
    quote! {
        fn #name(call: sdk::Rc<sdk::Call>) -> sdk::Pending {
            #check
            ::std::boxed::Box::pin(async move {
                #listed
                let answer = self::#module::#function(#(#arguments),*) #wait;
                #checked
                #answered
            })
        }
    }
}

/// A function that takes what `required` is implemented for; of anything else the compiler says `message` with the place as it was drawn.
fn check(required: &TokenStream, message: &str, drawn: &str, note: &str) -> TokenStream {
    let gutter = " ".repeat(drawn.find("-->").unwrap_or_default());
    let drawn = drawn.replace('{', "{{").replace('}', "}}");
    let message = format!("{message}\n{drawn}\n{gutter} |\n{gutter} = note: {note}");
    quote! {
        #[diagnostic::on_unimplemented(message = #message)]
        trait Checked: #required {}
        #[diagnostic::do_not_recommend]
        impl<T: #required> Checked for T {}
        fn checked<T: Checked>(value: T) -> T {
            value
        }
    }
}

/// The interface that says that the component answers this method, or that it is a proxy.
fn interface(name: &Ident, role: Role) -> TokenStream {
    let export = format_ident!("export_{name}");
    let (outcome, handle) = match role {
        Role::Route => (ident("Outcome"), ident("handle")),
        Role::Proxy => (ident("Verdict"), ident("decide")),
    };
    quote! {
        impl sdk::#name::Guest for Exported {
            async fn handle(
                request: sdk::wasi::Request,
                facts: sdk::Facts,
            ) -> ::std::result::Result<sdk::#outcome, sdk::Failure> {
                sdk::#handle(request, facts, #name).await
            }
        }

        #[cfg(target_family = "wasm")]
        ::waystation::__private::#name::#export!(Exported with_types_in ::waystation::__private::#name);
    }
}

/// The interface that lists the params whose answers are made at build time.
fn static_params(listed: &StaticParams, module: &Ident) -> TokenStream {
    let wait = wait(listed.is_async);
    let check = listed.returned.drawn.as_ref().map(|drawn| {
        let message = "`generate_static_params` cannot return `{Self}`";
        let note =
            "return `Vec<Params>`, an array of `Params`, or a `waystation::Result` of one of them";
        check(&quote!(sdk::IntoStaticParams), message, drawn, note)
    });
    let checked = check
        .is_some()
        .then(|| quote!(let listed = checked(listed);));
    let taken =
        quote_spanned!(listed.returned.span=> sdk::IntoStaticParams::into_static_params(listed));
    quote! {
        impl sdk::static_params::Guest for Exported {
            async fn generate() -> ::std::result::Result<::std::vec::Vec<::std::vec::Vec<sdk::Param>>, sdk::Failure> {
                #check
                let listed = self::#module::generate_static_params() #wait;
                #checked
                sdk::listed(#taken)
            }
        }

        #[cfg(target_family = "wasm")]
        ::waystation::__private::static_params::export_static_params!(Exported with_types_in ::waystation::__private::static_params);
    }
}

/// A constant under a type of its own, so that a wrong one is told in these words alone.
fn config(defined: &Defined, module: &Ident) -> TokenStream {
    let constant = defined.constant;
    let (name, field) = (Ident::new(constant.name, defined.ty), ident(constant.field));
    let ty = match (constant.ty, defined.form) {
        (_, Form::Text) => quote!(&'static str),
        (_, Form::Texts) => quote!(&'static [&'static str]),
        ("matcher", Form::Values) => quote!(&'static [::waystation::Matcher]),
        ("matcher", Form::Value) => quote!(::waystation::Matcher),
        ("bool" | "u32" | "u64", _) => ident(constant.ty).into_token_stream(),
        (own, _) => {
            let own = ident(own);
            quote!(::waystation::#own)
        }
    };
    let read = quote_spanned!(defined.ty=> self::#module::#name);
    let value = match (constant.ty, defined.form) {
        ("matcher", Form::Text) => quote!(sdk::Matchers::Source(VALUE)),
        ("matcher", Form::Texts) => quote!(sdk::Matchers::Sources(VALUE)),
        ("matcher", Form::Value) => quote!(sdk::Matchers::One(VALUE)),
        ("matcher", Form::Values) => quote!(sdk::Matchers::Several(VALUE)),
        (_, Form::Text) => quote!(&[VALUE]),
        ("Cors", _) => quote_spanned!(defined.ty=> VALUE.whole()),
        _ => quote!(VALUE),
    };
    quote! {
        #field: {
            const VALUE: #ty = #read;
            ::std::option::Option::Some(#value)
        }
    }
}

fn wait(is_async: bool) -> Option<TokenStream> {
    is_async.then(|| quote!(.await))
}

fn ident(name: &str) -> Ident {
    match name.strip_prefix("r#") {
        Some(raw) => Ident::new_raw(raw, Span::call_site()),
        None => Ident::new(name, Span::call_site()),
    }
}
