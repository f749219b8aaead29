//! The functions that a module may define for the host to call: a route's methods, or the one function of a proxy.

/// What a module becomes. It says which functions are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `route.rs`.
    Route,
    /// `proxy.rs`.
    Proxy,
}

impl Role {
    /// What the module is called, in code and in a sentence.
    pub(crate) const fn module(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Proxy => "proxy",
        }
    }

    /// The names of the functions that are called, as a sentence has them.
    pub(crate) const fn list(self) -> &'static str {
        match self {
            Self::Route => "`get`, `head`, `post`, `put`, `patch`, `delete`, `options` or `query`",
            Self::Proxy => "`proxy`",
        }
    }

    /// The function to start with.
    pub(crate) fn first(self) -> Method {
        Method(self.names()[0])
    }

    /// The function of this very name.
    pub(crate) fn named(self, name: &str) -> Option<Method> {
        let mut names = self.names().iter();
        names.find(|known| **known == name).copied().map(Method)
    }

    /// The function that this name means in another spelling: `GET`, `Get`; and `middleware`, as a proxy was called before Next 16.
    pub(crate) fn spelled(self, name: &str) -> Option<Method> {
        let name = name.to_ascii_lowercase();
        let was = self == Self::Proxy && name == "middleware";
        self.named(if was { "proxy" } else { &name })
    }

    /// The function that this name misses by one letter: `pots`, `udpate` is none.
    pub(crate) fn near(self, name: &str) -> Option<Method> {
        let name = name.to_ascii_lowercase();
        let mut names = self.names().iter();
        let near = names.find(|known| 4 <= known.len() && is_one_slip(&name, known));
        near.copied().map(Method)
    }

    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Route => &NAMES,
            Self::Proxy => &["proxy"],
        }
    }
}

/// A function that is called: a method, by the name of its handler, or `proxy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Method(&'static str);

const NAMES: [&str; 8] = [
    "get", "head", "post", "put", "patch", "delete", "options", "query",
];

impl Method {
    /// `get`: the handler.
    pub(crate) fn name(self) -> &'static str {
        self.0
    }

    /// `GET`: the method itself.
    pub(crate) fn token(self) -> String {
        self.0.to_ascii_uppercase()
    }

    /// The signature to copy.
    pub(crate) fn signature(self, dynamic: bool) -> String {
        let context = if dynamic {
            ", context: Context<Params>"
        } else {
            ""
        };
        let answer = if self.0 == "proxy" {
            "Next"
        } else {
            "Response"
        };
        format!(
            "pub async fn {}(request: Request{context}) -> Result<{answer}>",
            self.0
        )
    }
}

/// Whether one letter was added, left out, changed, or swapped with the next.
fn is_one_slip(typed: &str, meant: &str) -> bool {
    let (typed, meant) = (typed.as_bytes(), meant.as_bytes());
    let same_start = typed.iter().zip(meant).take_while(|(a, b)| a == b).count();
    let (typed, meant) = (&typed[same_start..], &meant[same_start..]);
    match (typed, meant) {
        ([], []) => false,
        ([a, b, typed @ ..], [c, d, meant @ ..]) if a == d && b == c && typed == meant => true,
        ([_, typed @ ..], [_, meant @ ..]) if typed == meant => true,
        ([_, typed @ ..], meant) if typed == meant => true,
        (typed, [_, meant @ ..]) => typed == meant,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_near() {
        for slip in ["pots", "pst", "posst", "POSY", "ost"] {
            assert_eq!(Role::Route.near(slip), Role::Route.named("post"), "{slip}");
        }
        for other in ["post", "ghost", "fetch", "got", "remove"] {
            assert_eq!(Role::Route.near(other), None, "{other}");
        }
    }
}
