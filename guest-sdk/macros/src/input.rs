//! What stands between the braces of `route!` and `proxy!`.

use syn::parse::{Parse, ParseStream};
use syn::{Ident, ItemMod, LitStr, Token};

use crate::metadata::Convention;
use crate::method::Role;
use crate::params;

/// `root = "../../..", file = "app/x/route.rs", pattern = "/x"`, or `pattern = "/x", mod route { .. }`; for a metadata module also
/// `function = "robots"`, and `lists = "generate_sitemaps"` where it may make several.
pub(crate) struct Input {
    pub(crate) pattern: LitStr,
    pub(crate) source: Source,
    pub(crate) convention: Option<Convention>,
}

/// Where the module is.
pub(crate) enum Source {
    File { root: String, file: String },
    InPlace(ItemMod),
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (mut root, mut file, mut pattern, mut module) = (None, None, None, None);
        let (mut function, mut lists) = (None, None);
        while !input.is_empty() {
            if !(input.peek(Ident) && input.peek2(Token![=])) {
                module = Some(input.parse()?);
                continue;
            }
            let name: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let value: LitStr = input.parse()?;
            match name.to_string().as_str() {
                "root" => root = Some(value.value()),
                "file" => file = Some(value.value()),
                "pattern" => pattern = Some(value),
                "function" => function = Some(value.value()),
                "lists" => lists = Some(value.value()),
                _ => {
                    return Err(syn::Error::new(
                        name.span(),
                        "expected `root`, `file`, `pattern`, `function` or `lists`",
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let pattern = pattern.ok_or_else(|| input.error("expected `pattern = \"/..\"`"))?;
        let convention = function.map(|function| Convention {
            function,
            lists,
            is_several: params::is_of_several(&pattern.value()),
        });
        let source = match (module, root, file) {
            (Some(module), None, None) => Source::InPlace(module),
            (None, Some(root), Some(file)) => Source::File { root, file },
            _ => return Err(input.error("expected `root` and `file`, or a module")),
        };
        Ok(Self {
            pattern,
            source,
            convention,
        })
    }
}

impl Input {
    /// Checks a module that is written in place.
    pub(crate) fn check(self, role: Role) -> syn::Result<Self> {
        let Source::InPlace(module) = &self.source else {
            return Ok(self);
        };
        let name = role.module();
        let fail = |message| Err(syn::Error::new(module.ident.span(), message));
        match (module.ident == name, &module.content) {
            (true, Some(_)) => Ok(self),
            (false, _) => fail(format!("name it `{name}`")),
            (true, None) => fail(format!("write the module here: `mod {name} {{ .. }}`")),
        }
    }
}
