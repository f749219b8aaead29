//! The public constants that configure a module: their names, types, and how the section takes them.

use syn::{Type, TypePath};

use crate::method::Role;

/// A constant that configures the module.
#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) name: &'static str,
    /// Its field in the section's config.
    pub(crate) field: &'static str,
    /// The last name of its type; `str` for a text or a list of them, `matcher` for one or more of a text or a `Matcher`.
    pub(crate) ty: &'static str,
    /// The line to copy.
    pub(crate) example: &'static str,
}

const CONSTANTS: [Constant; 12] = [
    constant(
        "DYNAMIC",
        "dynamic",
        "Dynamic",
        "pub const DYNAMIC: Dynamic = Dynamic::ForceStatic;",
    ),
    constant(
        "DYNAMIC_PARAMS",
        "dynamic_params",
        "bool",
        "pub const DYNAMIC_PARAMS: bool = false;",
    ),
    constant(
        "REVALIDATE",
        "revalidate",
        "Revalidate",
        "pub const REVALIDATE: Revalidate = Revalidate::seconds(60);",
    ),
    constant(
        "FETCH_CACHE",
        "fetch_cache",
        "FetchCache",
        "pub const FETCH_CACHE: FetchCache = FetchCache::ForceCache;",
    ),
    constant(
        "RUNTIME",
        "runtime",
        "Runtime",
        "pub const RUNTIME: Runtime = Runtime::Edge;",
    ),
    constant(
        "PREFERRED_REGION",
        "preferred_region",
        "str",
        "pub const PREFERRED_REGION: &[&str] = &[\"fra1\"];",
    ),
    constant(
        "MAX_DURATION",
        "max_duration",
        "u32",
        "pub const MAX_DURATION: u32 = 30; // seconds",
    ),
    constant(
        "ISOLATION",
        "isolation",
        "Isolation",
        "pub const ISOLATION: Isolation = Isolation::Shared;",
    ),
    constant("CPU_MS", "cpu_ms", "u32", "pub const CPU_MS: u32 = 500;"),
    constant(
        "BODY_LIMIT",
        "body_limit",
        "u64",
        "pub const BODY_LIMIT: u64 = 1024 * 1024; // bytes",
    ),
    constant(
        "CORS",
        "cors",
        "Cors",
        "pub const CORS: Cors = Cors::new().origins(&[\"https://shop.example\"]);",
    ),
    constant(
        "MATCHER",
        "matcher",
        "matcher",
        "pub const MATCHER: &[&str] = &[\"/dashboard/:path*\"];",
    ),
];

/// Those that a proxy has too: it is asked for each request, so there is nothing to keep.
const PROXYS: [&str; 5] = [
    "MATCHER",
    "MAX_DURATION",
    "ISOLATION",
    "CPU_MS",
    "BODY_LIMIT",
];

const fn constant(
    name: &'static str,
    field: &'static str,
    ty: &'static str,
    example: &'static str,
) -> Constant {
    Constant {
        name,
        field,
        ty,
        example,
    }
}

/// Types that are surely none of the SDK's own. Any other name may stand for the right type; the compiler knows.
const FOREIGN: [&str; 22] = [
    "bool",
    "char",
    "str",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "f32",
    "f64",
    "String",
    "Option",
    "Duration",
    "Vec",
    "NonZeroU32",
];

impl Constant {
    /// The constant of this very name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        CONSTANTS.iter().find(|constant| constant.name == name)
    }

    /// The constant that this name means in another spelling: `revalidate`, `fetchCache`.
    pub(crate) fn spelled(name: &str) -> Option<&'static Self> {
        let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
        CONSTANTS
            .iter()
            .find(|constant| plain(constant.name) == plain(name))
    }

    /// Whether it configures such a module.
    pub(crate) fn is_for(&self, role: Role) -> bool {
        match role {
            Role::Route => self.name != "MATCHER",
            Role::Proxy => PROXYS.contains(&self.name),
        }
    }

    /// What is wrong with it in a module that it does not configure, and what to do.
    pub(crate) fn elsewhere(&self, role: Role) -> (String, &'static str) {
        match role {
            Role::Route => (
                format!("`{}` configures a proxy, not a route", self.name),
                "move it to a `proxy.rs`",
            ),
            Role::Proxy => (
                format!(
                    "`{}` configures a route; a proxy is asked for each request",
                    self.name
                ),
                "a proxy has `MATCHER`, `MAX_DURATION`, `ISOLATION`, `CPU_MS` and `BODY_LIMIT`",
            ),
        }
    }

    /// Whether `ty` is surely not its type.
    pub(crate) fn refuses(&self, ty: &Type) -> bool {
        match (self.ty, ty) {
            ("str", _) => !matches!(Form::of(ty), Form::Text | Form::Texts),
            ("matcher", Type::Path(path)) => last_name(path).as_deref() != Some("Matcher"),
            ("matcher", _) => Form::of(ty) == Form::Value,
            (_, Type::Path(path)) => match last_name(path) {
                Some(name) if name == self.ty => false,
                Some(name) => {
                    FOREIGN.contains(&name.as_str())
                        || CONSTANTS.iter().any(|other| other.ty == name)
                }
                None => true,
            },
            _ => true,
        }
    }
}

/// How the type of a constant says that it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is.
    Value,
    /// `&str`.
    Text,
    /// `&[&str]`.
    Texts,
    /// `&[T]` of another type.
    Values,
}

impl Form {
    pub(crate) fn of(ty: &Type) -> Self {
        let is_str = |ty: &Type| matches!(ty, Type::Path(path) if path.path.is_ident("str"));
        let Type::Reference(reference) = ty else {
            return Self::Value;
        };
        let element = match &*reference.elem {
            Type::Slice(slice) => &slice.elem,
            Type::Array(array) => &array.elem,
            text if is_str(text) => return Self::Text,
            _ => return Self::Value,
        };
        match &**element {
            Type::Reference(text) if is_str(&text.elem) => Self::Texts,
            Type::Path(path) if !is_foreign(path) => Self::Values,
            _ => Self::Value,
        }
    }
}

fn is_foreign(path: &TypePath) -> bool {
    last_name(path).is_none_or(|name| FOREIGN.contains(&name.as_str()))
}

fn last_name(path: &TypePath) -> Option<String> {
    path.path
        .segments
        .last()
        .map(|segment| segment.ident.to_string())
}
