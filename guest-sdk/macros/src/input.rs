//! What stands between the braces of `route!`.

use syn::parse::{Parse, ParseStream};
use syn::{Ident, ItemMod, LitStr, Token};

/// `root = "../../..", file = "app/x/route.rs", pattern = "/x"`, or `pattern = "/x", mod route { .. }`.
pub(crate) struct Input {
    pub(crate) pattern: LitStr,
    pub(crate) source: Source,
}

/// Where the module is.
pub(crate) enum Source {
    File { root: String, file: String },
    InPlace(ItemMod),
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (mut root, mut file, mut pattern, mut module) = (None, None, None, None);
        while !input.is_empty() {
            if !(input.peek(Ident) && input.peek2(Token![=])) {
                module = Some(in_place(input)?);
                continue;
            }
            let name: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let value: LitStr = input.parse()?;
            match name.to_string().as_str() {
                "root" => root = Some(value.value()),
                "file" => file = Some(value.value()),
                "pattern" => pattern = Some(value),
                _ => {
                    return Err(syn::Error::new(
                        name.span(),
                        "expected `root`, `file` or `pattern`",
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let pattern = pattern.ok_or_else(|| input.error("expected `pattern = \"/..\"`"))?;
        let source = match (module, root, file) {
            (Some(module), None, None) => Source::InPlace(module),
            (None, Some(root), Some(file)) => Source::File { root, file },
            _ => return Err(input.error("expected `root` and `file`, or `mod route { .. }`")),
        };
        Ok(Self { pattern, source })
    }
}

fn in_place(input: ParseStream<'_>) -> syn::Result<ItemMod> {
    let module: ItemMod = input.parse()?;
    match (module.ident == "route", &module.content) {
        (true, Some(_)) => Ok(module),
        (false, _) => Err(syn::Error::new(module.ident.span(), "name it `route`")),
        (true, None) => Err(syn::Error::new(
            module.ident.span(),
            "write the module here: `mod route { .. }`",
        )),
    }
}
