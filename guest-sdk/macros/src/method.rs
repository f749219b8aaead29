//! The methods that a route module may define.

/// A method, by the name of its handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Method(&'static str);

const NAMES: [&str; 8] = [
    "get", "head", "post", "put", "patch", "delete", "options", "query",
];

impl Method {
    /// `get head post put patch delete options query`, as a sentence has them.
    pub(crate) const LIST: &'static str =
        "`get`, `head`, `post`, `put`, `patch`, `delete`, `options` or `query`";

    /// The method of this very name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.into_iter().find(|known| *known == name).map(Self)
    }

    /// The method that this name means in another spelling: `GET`, `Get`.
    pub(crate) fn spelled(name: &str) -> Option<Self> {
        Self::named(&name.to_ascii_lowercase())
    }

    /// The method that this name misses by one letter: `pots`, `udpate` is none.
    pub(crate) fn near(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        NAMES
            .into_iter()
            .find(|known| 4 <= known.len() && is_one_slip(&name, known))
            .map(Self)
    }

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
        format!(
            "pub async fn {}(request: Request{context}) -> Result<Response>",
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
            assert_eq!(Method::near(slip), Method::named("post"), "{slip}");
        }
        for other in ["post", "ghost", "fetch", "got", "remove"] {
            assert_eq!(Method::near(other), None, "{other}");
        }
    }
}
