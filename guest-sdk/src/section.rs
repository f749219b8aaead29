//! The custom section `waystation-route`: what the host reads of a component without running it.
//!
//! In: the pattern, the methods and the module's constants. Out: one line of JSON, written while the route compiles.

use crate::cors::Cors;
use crate::matcher::{Condition, Matcher, Matchers};
use crate::segment::{Dynamic, FetchCache, Isolation, Revalidate, Runtime};

/// What the section says.
#[derive(Debug)]
pub struct Section {
    /// Such as `/items/[slug]`.
    pub pattern: &'static str,
    /// Such as `GET`.
    pub methods: &'static [&'static str],
    /// What the module's constants say.
    pub config: Config,
}

/// The module's constants; `None` for one that it does not define.
#[allow(missing_docs, reason = "each is the type it holds")]
#[derive(Debug)]
pub struct Config {
    pub dynamic: Option<Dynamic>,
    pub dynamic_params: Option<bool>,
    pub revalidate: Option<Revalidate>,
    pub fetch_cache: Option<FetchCache>,
    pub runtime: Option<Runtime>,
    pub preferred_region: Option<&'static [&'static str]>,
    pub max_duration: Option<u32>,
    pub isolation: Option<Isolation>,
    pub cpu_ms: Option<u32>,
    pub body_limit: Option<u64>,
    pub matcher: Option<Matchers>,
    pub cors: Option<Cors>,
}

impl Config {
    /// A module without constants.
    pub const NONE: Self = Self {
        dynamic: None,
        dynamic_params: None,
        revalidate: None,
        fetch_cache: None,
        runtime: None,
        preferred_region: None,
        max_duration: None,
        isolation: None,
        cpu_ms: None,
        body_limit: None,
        matcher: None,
        cors: None,
    };
}

impl Section {
    /// The length of the JSON in bytes.
    pub const fn length(&self) -> usize {
        self.write(Json::<0>::new()).len
    }

    /// The JSON; `LENGTH` is [`Section::length`].
    pub const fn bytes<const LENGTH: usize>(&self) -> [u8; LENGTH] {
        self.write(Json::<LENGTH>::new()).bytes
    }

    const fn write<const CAPACITY: usize>(&self, json: Json<CAPACITY>) -> Json<CAPACITY> {
        let json = json
            .raw(r#"{"version":1,"contract":"0.1.0","pattern":"#)
            .string(self.pattern);
        let json = json.raw(r#","methods":"#).strings(self.methods);
        self.config.write(json.raw(r#","config":{"#)).raw("}}")
    }
}

impl Config {
    const fn write<const CAPACITY: usize>(&self, mut json: Json<CAPACITY>) -> Json<CAPACITY> {
        if let Some(dynamic) = self.dynamic {
            json = json.key("dynamic").string(match dynamic {
                Dynamic::Auto => "auto",
                Dynamic::Error => "error",
                Dynamic::ForceStatic => "force-static",
                Dynamic::ForceDynamic => "force-dynamic",
            });
        }
        if let Some(answered) = self.dynamic_params {
            json = json.key("dynamicParams").bool(answered);
        }
        if let Some(revalidate) = self.revalidate {
            json = match revalidate.0 {
                None => json.key("revalidate").bool(false),
                Some(seconds) => json.key("revalidate").number(seconds as u64),
            };
        }
        if let Some(fetch_cache) = self.fetch_cache {
            json = json.key("fetchCache").string(match fetch_cache {
                FetchCache::Auto => "auto",
                FetchCache::DefaultCache => "default-cache",
                FetchCache::OnlyCache => "only-cache",
                FetchCache::ForceCache => "force-cache",
                FetchCache::DefaultNoStore => "default-no-store",
                FetchCache::OnlyNoStore => "only-no-store",
                FetchCache::ForceNoStore => "force-no-store",
            });
        }
        if let Some(runtime) = self.runtime {
            json = json.key("runtime").string(match runtime {
                Runtime::Nodejs => "nodejs",
                Runtime::Edge => "edge",
            });
        }
        if let Some(regions) = self.preferred_region {
            json = json.key("preferredRegion").strings(regions);
        }
        if let Some(seconds) = self.max_duration {
            json = json.key("maxDuration").number(seconds as u64);
        }
        if let Some(isolation) = self.isolation {
            json = json.key("isolation").string(match isolation {
                Isolation::Request => "request",
                Isolation::Shared => "shared",
            });
        }
        if let Some(milliseconds) = self.cpu_ms {
            json = json.key("cpuMs").number(milliseconds as u64);
        }
        if let Some(bytes) = self.body_limit {
            json = json.key("bodyLimit").number(bytes);
        }
        if let Some(cors) = self.cors {
            json = json.key("cors").cors(&cors);
        }
        match self.matcher {
            None => json,
            Some(matchers) => matchers.write(json.key("matcher").raw("[")).raw("]"),
        }
    }
}

impl Matchers {
    const fn write<const CAPACITY: usize>(self, mut json: Json<CAPACITY>) -> Json<CAPACITY> {
        let mut at = 0;
        match self {
            Self::Source(source) => Matcher::new(source).write(json),
            Self::One(matcher) => matcher.write(json),
            Self::Sources(sources) => {
                while at < sources.len() {
                    json = Matcher::new(sources[at]).write(json.next(at));
                    at += 1;
                }
                json
            }
            Self::Several(matchers) => {
                while at < matchers.len() {
                    json = matchers[at].write(json.next(at));
                    at += 1;
                }
                json
            }
        }
    }
}

impl Matcher {
    const fn write<const CAPACITY: usize>(self, json: Json<CAPACITY>) -> Json<CAPACITY> {
        let json = json.raw("{").key("source").string(self.source);
        let json = json.key("has").conditions(self.has);
        json.key("missing").conditions(self.missing).raw("}")
    }
}

/// JSON being written into an array; what does not fit is only counted.
struct Json<const CAPACITY: usize> {
    bytes: [u8; CAPACITY],
    len: usize,
    last: u8,
}

impl<const CAPACITY: usize> Json<CAPACITY> {
    const fn new() -> Self {
        Self {
            bytes: [0; CAPACITY],
            len: 0,
            last: 0,
        }
    }

    const fn byte(mut self, byte: u8) -> Self {
        if self.len < CAPACITY {
            self.bytes[self.len] = byte;
        }
        self.len += 1;
        self.last = byte;
        self
    }

    const fn raw(mut self, text: &str) -> Self {
        let mut at = 0;
        while at < text.len() {
            self = self.byte(text.as_bytes()[at]);
            at += 1;
        }
        self
    }

    const fn key(mut self, name: &str) -> Self {
        if self.last != b'{' {
            self = self.byte(b',');
        }
        self.string(name).byte(b':')
    }

    const fn string(mut self, text: &str) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self = self.byte(b'"');
        let mut at = 0;
        while at < text.len() {
            let byte = text.as_bytes()[at];
            self = match byte {
                b'"' | b'\\' => self.byte(b'\\').byte(byte),
                0..0x20 => self
                    .raw("\\u00")
                    .byte(HEX[(byte >> 4) as usize])
                    .byte(HEX[(byte & 15) as usize]),
                _ => self.byte(byte),
            };
            at += 1;
        }
        self.byte(b'"')
    }

    const fn strings(mut self, texts: &[&str]) -> Self {
        self = self.byte(b'[');
        let mut at = 0;
        while at < texts.len() {
            self = self.next(at).string(texts[at]);
            at += 1;
        }
        self.byte(b']')
    }

    const fn conditions(mut self, conditions: &[Condition]) -> Self {
        self = self.byte(b'[');
        let mut at = 0;
        while at < conditions.len() {
            let Condition { kind, key, value } = conditions[at];
            self = self.next(at).raw("{").key("type").string(kind);
            if let Some(key) = key {
                self = self.key("key").string(key);
            }
            if let Some(value) = value {
                self = self.key("value").string(value);
            }
            self = self.byte(b'}');
            at += 1;
        }
        self.byte(b']')
    }

    /// What stands before an item of a list.
    const fn next(self, at: usize) -> Self {
        if at == 0 { self } else { self.byte(b',') }
    }

    const fn cors(mut self, cors: &Cors) -> Self {
        self = self.byte(b'{').key("origins").strings(cors.origins);
        if !cors.methods.is_empty() {
            self = self.key("methods").strings(cors.methods);
        }
        if !cors.headers.is_empty() {
            self = self.key("headers").strings(cors.headers);
        }
        if !cors.expose_headers.is_empty() {
            self = self.key("exposeHeaders").strings(cors.expose_headers);
        }
        if cors.credentials {
            self = self.key("credentials").bool(true);
        }
        if let Some(seconds) = cors.max_age {
            self = self.key("maxAge").number(seconds as u64);
        }
        self.byte(b'}')
    }

    const fn bool(self, value: bool) -> Self {
        self.raw(if value { "true" } else { "false" })
    }

    const fn number(self, value: u64) -> Self {
        if 10 <= value {
            return self.number(value / 10).byte(b'0' + (value % 10) as u8);
        }
        self.byte(b'0' + value as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Section = Section {
        pattern: r#"/a"b\c/[slug]"#,
        methods: &["GET", "POST"],
        config: Config {
            dynamic: Some(Dynamic::ForceStatic),
            dynamic_params: Some(false),
            revalidate: Some(Revalidate::seconds(60 * 10)),
            fetch_cache: Some(FetchCache::ForceCache),
            runtime: Some(Runtime::Edge),
            preferred_region: Some(&["fra1", "iad1"]),
            max_duration: Some(30),
            isolation: Some(Isolation::Shared),
            cpu_ms: Some(500),
            body_limit: Some(u64::MAX),
            matcher: Some(Matchers::Several(&[
                Matcher::new("/a/:b(\\d+)")
                    .has(&[Condition::header("x").value("y"), Condition::host("z")]),
                Matcher::new("/c").missing(&[Condition::cookie("d")]),
            ])),
            cors: Some(
                Cors::new()
                    .origins(&["https://a.example"])
                    .methods(&["PUT"])
                    .headers(&["x-a", "x-b"])
                    .expose_headers(&["etag"])
                    .credentials()
                    .max_age(600),
            ),
        },
    };

    #[test]
    fn constants_become_json_at_compile_time() {
        const BYTES: [u8; FULL.length()] = FULL.bytes();
        let json: serde_json::Value = serde_json::from_slice(&BYTES).unwrap();
        let expected = serde_json::json!({
            "version": 1, "contract": "0.1.0", "pattern": r#"/a"b\c/[slug]"#, "methods": ["GET", "POST"],
            "config": {
                "dynamic": "force-static", "dynamicParams": false, "revalidate": 600, "fetchCache": "force-cache",
                "runtime": "edge", "preferredRegion": ["fra1", "iad1"], "maxDuration": 30, "isolation": "shared",
                "cpuMs": 500, "bodyLimit": u64::MAX,
                "matcher": [
                    {
                        "source": "/a/:b(\\d+)", "missing": [],
                        "has": [{"type": "header", "key": "x", "value": "y"}, {"type": "host", "value": "z"}],
                    },
                    {"source": "/c", "has": [], "missing": [{"type": "cookie", "key": "d"}]},
                ],
                "cors": {
                    "origins": ["https://a.example"], "methods": ["PUT"], "headers": ["x-a", "x-b"],
                    "exposeHeaders": ["etag"], "credentials": true, "maxAge": 600,
                },
            },
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn only_what_is_defined_is_written() {
        const PLAIN: Section = Section {
            pattern: "/",
            methods: &["GET"],
            config: Config {
                revalidate: Some(Revalidate::NEVER),
                ..Config::NONE
            },
        };
        const BYTES: [u8; PLAIN.length()] = PLAIN.bytes();
        let expected = r#"{"version":1,"contract":"0.1.0","pattern":"/","methods":["GET"],"config":{"revalidate":false}}"#;
        assert_eq!(std::str::from_utf8(&BYTES).unwrap(), expected);
    }
}
