//! What a `User-Agent` header says of who is asking (row Q18).
//!
//! In: the header. Out: a [`UserAgent`] with the names that Next's `userAgent` gives. `tables` holds the families that are known; this file
//! only looks them up. Whatever is not known is left out, never guessed.

use serde::Serialize;

use tables::{BOTS, BROWSERS, CPUS, DEVICES, MODELS, SYSTEMS, WINDOWS};

mod tables;

/// Who is asking, as far as the header says (row Q18). Anybody can send any header: good for statistics, never for permissions.
///
/// As JSON it has the shape that Next's `userAgent` returns, such as `{"ua":"curl/8.5.0","isBot":false,"browser":{}, ...}`.
///
/// ```
/// use waystation::UserAgent;
///
/// let agent = UserAgent::parse(
///     "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
/// );
/// assert_eq!(agent.browser.name.as_deref(), Some("Firefox"));
/// assert_eq!(agent.browser.major.as_deref(), Some("121"));
/// assert_eq!(agent.os.name.as_deref(), Some("Linux"));
/// assert!(!agent.is_bot);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserAgent {
    /// The header itself; empty for none.
    pub ua: String,
    /// Whether it is a crawler or a preview of links, and says so.
    pub is_bot: bool,
    /// The browser.
    pub browser: Browser,
    /// The device.
    pub device: Device,
    /// The engine that renders pages, such as `Blink`.
    pub engine: Product,
    /// The operating system, such as `Mac OS`.
    pub os: Product,
    /// The processor.
    pub cpu: Cpu,
}

/// A browser, such as `Chrome`.
///
/// ```
/// use waystation::UserAgent;
///
/// let browser = UserAgent::parse("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.43 Safari/537.36").browser;
/// assert_eq!(browser.name.as_deref(), Some("Chrome"));
/// assert_eq!(browser.version.as_deref(), Some("120.0.6099.43"));
/// assert_eq!(browser.major.as_deref(), Some("120"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Browser {
    /// The name, such as `Mobile Safari`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// All of the version, such as `120.0.6099.43`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The first number of the version, such as `120`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub major: Option<String>,
}

/// A device. A computer has no type.
///
/// ```
/// use waystation::UserAgent;
///
/// let agent = UserAgent::parse(
///     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
/// );
/// assert_eq!(agent.device.kind.as_deref(), Some("mobile"));
/// assert_eq!(agent.device.model.as_deref(), Some("iPhone"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Device {
    /// The model, such as `iPhone` or `SM-S918B`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `mobile`, `tablet`, `smarttv` or `console`; `type` in JSON.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Who made it, such as `Apple`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
}

/// An engine or an operating system.
///
/// ```
/// use waystation::UserAgent;
///
/// let agent = UserAgent::parse("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0");
/// assert_eq!(agent.engine.name.as_deref(), Some("Gecko"));
/// assert_eq!(agent.os.name.as_deref(), Some("Windows"));
/// assert_eq!(agent.os.version.as_deref(), Some("10"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Product {
    /// The name, such as `WebKit` or `Android`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The version, such as `605.1.15`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A processor.
///
/// ```
/// use waystation::UserAgent;
///
/// let cpu = UserAgent::parse("Mozilla/5.0 (X11; Linux aarch64; rv:121.0) Gecko/20100101 Firefox/121.0").cpu;
/// assert_eq!(cpu.architecture.as_deref(), Some("arm64"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cpu {
    /// `amd64`, `arm64`, `ia32` or `arm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
}

impl UserAgent {
    /// Reads a header. Any text has an answer; the empty one is that of no header.
    ///
    /// ```
    /// # use waystation::UserAgent;
    /// let agent = UserAgent::parse("Mozilla/5.0 (compatible; bingbot/2.0)");
    /// assert!(agent.is_bot && agent.browser.name.is_none());
    /// ```
    pub fn parse(ua: &str) -> Self {
        Self {
            ua: ua.to_owned(),
            is_bot: is_bot(ua),
            browser: browser(ua),
            device: device(ua),
            engine: engine(ua),
            os: os(ua),
            cpu: cpu(ua),
        }
    }
}

fn is_bot(ua: &str) -> bool {
    let ua = ua.to_ascii_lowercase();
    BOTS.iter().any(|word| ua.contains(word))
}

fn browser(ua: &str) -> Browser {
    let known = BROWSERS.iter().find(|(token, _)| ua.contains(token));
    let (name, version) = match known {
        Some((token, "Chrome")) if ua.contains("; wv)") => ("Chrome WebView", after(ua, token)),
        Some((token, name)) => (*name, after(ua, token)),
        // These three share their tokens.
        None if !ua.contains("Safari/") => return Browser::default(),
        None if ua.contains("Android") => ("Android Browser", after(ua, "Version/")),
        None if ua.contains("Mobile/") => ("Mobile Safari", after(ua, "Version/")),
        None => ("Safari", after(ua, "Version/")),
    };
    let major = version
        .as_deref()
        .and_then(|version| version.split('.').next());
    Browser {
        name: Some(name.to_owned()),
        major: major.map(str::to_owned),
        version,
    }
}

fn engine(ua: &str) -> Product {
    let known = [
        ("Edge/", "EdgeHTML"),
        ("Trident/", "Trident"),
        ("Presto/", "Presto"),
        ("Chrome/", "Blink"),
        ("AppleWebKit/", "WebKit"),
    ];
    match known.iter().find(|(token, _)| ua.contains(token)) {
        Some((token, name)) => product(name, after(ua, token)),
        None if ua.contains("Gecko/") => product("Gecko", after(ua, "rv:")),
        None => Product::default(),
    }
}

fn os(ua: &str) -> Product {
    let Some((token, name)) = SYSTEMS.iter().find(|(token, _)| ua.contains(token)) else {
        return Product::default();
    };
    let version = after(ua, token).map(|version| match *name {
        "Windows" => {
            let known = WINDOWS.iter().find(|(number, _)| *number == version);
            known.map_or(version, |(_, called)| (*called).to_owned())
        }
        _ => version,
    });
    product(name, version)
}

fn cpu(ua: &str) -> Cpu {
    let known = CPUS.iter().find(|(token, _)| ua.contains(token));
    Cpu {
        architecture: known.map(|(_, name)| (*name).to_owned()),
    }
}

fn device(ua: &str) -> Device {
    let of = |model: Option<&str>, kind: Option<&str>, vendor: Option<&str>| Device {
        model: model.map(str::to_owned),
        kind: kind.map(str::to_owned),
        vendor: vendor.map(str::to_owned),
    };
    if let Some((_, model, kind, vendor)) = DEVICES.iter().find(|known| ua.contains(known.0)) {
        return of(*model, *kind, Some(vendor));
    }
    let Some(model) = android_model(ua) else {
        return Device::default();
    };
    // Android's own rule: a browser on a phone says "Mobile", one on a tablet does not.
    let kind = if ua.contains("Mobile") {
        "mobile"
    } else {
        "tablet"
    };
    let vendor = MODELS.iter().find(|(start, _)| model.starts_with(start));
    let model = (!model.is_empty()).then_some(model);
    of(model, Some(kind), vendor.map(|(_, vendor)| *vendor))
}

/// The model in `(Linux; Android 14; SM-S918B Build/UP1A)`; empty where the browser keeps it to itself, `None` if it is no Android.
fn android_model(ua: &str) -> Option<&str> {
    let (_, rest) = ua.split_once("Android")?;
    let comment = rest.split(')').next().unwrap_or_default();
    let mut parts = comment.split(';').map(str::trim);
    let _version = parts.next();
    let model = parts.find(|part| !is_no_model(part)).unwrap_or_default();
    let model = model.split(" Build/").next().unwrap_or_default();
    Some(model.strip_prefix("SAMSUNG ").unwrap_or(model))
}

/// `K` is what Chrome says for every model; `en-us` is a language, as old browsers tell it.
fn is_no_model(part: &str) -> bool {
    let is_language = || matches!(part.as_bytes(), [_, _] | [_, _, b'-' | b'_', _, _]);
    ["K", "U", "wv", "Mobile", "Tablet"].contains(&part)
        || part.starts_with("rv:")
        || part.contains('/') && !part.contains(" Build/")
        || is_language()
}

fn product(name: &str, version: Option<String>) -> Product {
    Product {
        name: Some(name.to_owned()),
        version,
    }
}

/// The version after a token: `17_2` is written `17.2`.
fn after(ua: &str, token: &str) -> Option<String> {
    let (_, rest) = ua.split_once(token)?;
    let rest = rest.trim_start();
    let is_part = |c: char| c.is_ascii_digit() || c == '.' || c == '_';
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let version = rest[..end].trim_end_matches('.').replace('_', ".");
    (!version.is_empty()).then_some(version)
}

#[cfg(test)]
mod tests;
