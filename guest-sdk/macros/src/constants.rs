//! The public constants that configure a route: their names, types, and how the section takes them.

use syn::{Type, TypePath, TypeReference};

/// A constant that configures the route.
#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) name: &'static str,
    /// Its field in the section's config.
    pub(crate) field: &'static str,
    /// The last name of its type; `str` for one or a list.
    pub(crate) ty: &'static str,
    /// The line to copy.
    pub(crate) example: &'static str,
}

const CONSTANTS: [Constant; 10] = [
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

    /// Whether `ty` is surely not its type.
    pub(crate) fn refuses(&self, ty: &Type) -> bool {
        match (self.ty, ty) {
            ("str", Type::Reference(reference)) => Regions::of(reference).is_none(),
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

    /// Whether it is one region, `&str`, where the section holds a list.
    pub(crate) fn is_one_region(&self, ty: &Type) -> bool {
        self.ty == "str"
            && matches!(ty, Type::Reference(reference) if matches!(Regions::of(reference), Some(Regions::One)))
    }
}

enum Regions {
    One,
    List,
}

impl Regions {
    /// `&str`, or `&[&str]`.
    fn of(reference: &TypeReference) -> Option<Self> {
        let is_str = |ty: &Type| matches!(ty, Type::Path(path) if path.path.is_ident("str"));
        match &*reference.elem {
            Type::Slice(slice) => match &*slice.elem {
                Type::Reference(element) if is_str(&element.elem) => Some(Self::List),
                _ => None,
            },
            ty if is_str(ty) => Some(Self::One),
            _ => None,
        }
    }
}

fn last_name(path: &TypePath) -> Option<String> {
    path.path
        .segments
        .last()
        .map(|segment| segment.ident.to_string())
}
