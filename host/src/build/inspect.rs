//! Reads from a component's bytes what it is, without compiling or running it.
//!
//! In: the bytes. Out: [`Inspected`], or an [`InspectError`] that says what the file is instead and what to do.

use crate::project::manifest::Interface;
use wasmparser::{Encoding, Parser, Payload};
use waystation_rules::method::{Method, Methods};
use waystation_rules::segment::{CONTRACT, Section, SectionError};

/// The custom section in which the SDK writes what a module's constants say.
const SECTION: &str = "waystation-route";

/// What a component is.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspected {
    /// How the host talks to it.
    pub interface: Interface,
    /// The methods it answers; for a component that is no route module, all of them, and for a proxy, none.
    pub methods: Methods,
    /// What its module's constants say.
    pub section: Option<Section>,
    /// The names of what it asks of the host, sorted: `wasi:clocks/wall-clock@0.2.6`.
    pub imports: Vec<String>,
    /// The names of what it offers: `waystation:route/get@0.1.0`.
    pub exports: Vec<String>,
}

impl Inspected {
    /// Whether it has `generate_static_params`.
    #[must_use]
    pub fn lists_params(&self) -> bool {
        let interface = format!("waystation:route/static-params@{CONTRACT}");
        self.exports.contains(&interface)
    }
}

/// Why a file is no component that can be served.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum InspectError {
    /// No bytes.
    #[error("the file is empty")]
    Empty,

    /// WebAssembly text.
    #[error("this is WebAssembly text")]
    Text,

    /// A component that wasmtime has compiled for one machine.
    #[error("this was compiled ahead of time; a host takes no machine code from outside")]
    Precompiled,

    /// Something else.
    #[error("this is not WebAssembly: it does not start with `\\0asm`")]
    NotWasm,

    /// A module, not a component.
    #[error("this is a core module, and a route is a component")]
    Module,

    /// Bytes that make no sense, such as a file that was cut short.
    #[error("the component is damaged: {message}")]
    Damaged {
        /// What the parser said.
        message: String,
    },

    /// Nothing that a host can call.
    #[error("this component answers no requests: it exports {}", listed(exports))]
    NoHandler {
        /// What it exports.
        exports: Vec<String>,
    },

    /// A version of an interface that this host does not speak.
    #[error("this component exports `{export}`, and this host speaks {known}")]
    OtherVersion {
        /// What it exports.
        export: String,
        /// What the host speaks.
        known: String,
        /// What to do.
        hint: String,
    },

    /// A custom section that this host cannot read.
    #[error(transparent)]
    Section(#[from] SectionError),
}

impl InspectError {
    /// What to do, where it is not plain from what is wrong.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            InspectError::Text => Some("turn it into a component with `wasm-tools parse`"),
            InspectError::Precompiled => Some("use the `.wasm` it was made from"),
            InspectError::Module => {
                Some("compile for wasm32-wasip2, or use `wasm-tools component new`")
            }
            InspectError::NoHandler { .. } => {
                Some("export `wasi:http/handler@0.3` or `wasi:http/incoming-handler@0.2`")
            }
            InspectError::OtherVersion { hint, .. } => Some(hint),
            InspectError::Empty
            | InspectError::NotWasm
            | InspectError::Damaged { .. }
            | InspectError::Section(_) => None,
        }
    }
}

/// Reads a component.
///
/// # Errors
///
/// [`InspectError`]: what the file is instead.
pub fn inspect(bytes: &[u8]) -> Result<Inspected, InspectError> {
    recognise(bytes)?;
    let Read {
        mut imports,
        exports,
        section,
    } = read(bytes)?;
    let (interface, methods) = interface(&exports)?;
    let section = section.map(|json| Section::parse(&json)).transpose()?;
    imports.sort();
    Ok(Inspected {
        interface,
        methods,
        section,
        imports,
        exports,
    })
}

/// Tells by the first bytes what else the file may be.
fn recognise(bytes: &[u8]) -> Result<(), InspectError> {
    const PRECOMPILED: &[u8] = b"\x7fELF";
    match bytes {
        [] => Err(InspectError::Empty),
        _ if bytes.starts_with(b"\0asm") => match Parser::is_core_wasm(bytes) {
            true => Err(InspectError::Module),
            false => Ok(()),
        },
        _ if bytes.starts_with(PRECOMPILED) => Err(InspectError::Precompiled),
        _ if bytes.trim_ascii_start().starts_with(b"(")
            || bytes.trim_ascii_start().starts_with(b";;") =>
        {
            Err(InspectError::Text)
        }
        _ => Err(InspectError::NotWasm),
    }
}

#[derive(Default)]
struct Read {
    imports: Vec<String>,
    exports: Vec<String>,
    section: Option<Vec<u8>>,
}

fn read(bytes: &[u8]) -> Result<Read, InspectError> {
    let mut read = Read::default();
    let mut depth = 0; // 1 in the component itself, more in what it contains
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => return Err(InspectError::Module),
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    read.imports
                        .push(import.map_err(damaged)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    read.exports
                        .push(export.map_err(damaged)?.name.name.to_owned());
                }
            }
            Payload::CustomSection(custom) if custom.name() == SECTION => {
                read.section = Some(custom.data().to_vec())
            }
            _ => {}
        }
    }
    Ok(read)
}

fn damaged(error: wasmparser::BinaryReaderError) -> InspectError {
    InspectError::Damaged {
        message: error.to_string(),
    }
}

/// Chooses the way to talk to a component: as a route module before anything else.
fn interface(exports: &[String]) -> Result<(Interface, Methods), InspectError> {
    let methods = methods(exports)?;
    if !methods.is_empty() {
        return Ok((Interface::Route, methods));
    }
    let proxy = format!("waystation:route/proxy@{CONTRACT}");
    if exports.contains(&proxy) {
        return Ok((Interface::Proxy, methods));
    }
    let (mut http3, mut http2, mut other) = (false, false, None);
    for export in exports {
        match export.split_once('@').unwrap_or((export, "")) {
            ("wasi:http/handler", version) if is(version, "0.3") => http3 = true,
            ("wasi:http/incoming-handler", version) if is(version, "0.2") => http2 = true,
            ("wasi:http/handler" | "wasi:http/incoming-handler", _) => other = Some(export),
            _ => {}
        }
    }
    match (http3, http2, other) {
        (true, _, _) => Ok((Interface::Http3, Methods::ALL)),
        (_, true, _) => Ok((Interface::Http2, Methods::ALL)),
        (_, _, Some(export)) => Err(InspectError::OtherVersion {
            export: export.clone(),
            known: "`wasi:http/handler@0.3` and `wasi:http/incoming-handler@0.2`".to_owned(),
            hint: "build it for one of these".to_owned(),
        }),
        (_, _, None) => Err(InspectError::NoHandler {
            exports: exports.to_vec(),
        }),
    }
}

fn methods(exports: &[String]) -> Result<Methods, InspectError> {
    let mut methods = Methods::NONE;
    for export in exports {
        let Some(rest) = export.strip_prefix("waystation:route/") else {
            continue;
        };
        let (name, version) = rest.split_once('@').unwrap_or((rest, ""));
        if version != CONTRACT {
            return Err(InspectError::OtherVersion {
                export: export.clone(),
                known: format!("`waystation:route` {CONTRACT}"),
                hint: "rebuild it with the `waystation` crate of this host's version".to_owned(),
            });
        }
        if let Some(method) = Method::ALL
            .into_iter()
            .find(|method| method.interface() == name)
        {
            methods.insert(method);
        }
    }
    Ok(methods)
}

/// Whether a version is a release of a series: `0.1.4` of `0.1`. A release candidate is a series of its own.
fn is(version: &str, series: &str) -> bool {
    let patch = version
        .strip_prefix(series)
        .and_then(|rest| rest.strip_prefix('.'));
    patch.is_some_and(|patch| patch.bytes().all(|byte| byte.is_ascii_digit()) && !patch.is_empty())
}

fn listed(exports: &[String]) -> String {
    match exports {
        [] => "nothing".to_owned(),
        _ => exports
            .iter()
            .map(|export| format!("`{export}`"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

#[cfg(test)]
mod tests;
