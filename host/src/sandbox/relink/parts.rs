//! A component in parts, as its binary has them.

use wasm_encoder::ComponentSectionId;
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentType, ComponentTypeRef, ExternalKind, FromReader, Instance,
    Parser, Payload, SectionLimited,
};

use super::{OtherForm, Result};

/// More parts than a component has that somebody means.
const MOST_PARTS: usize = 100_000;

/// A part of a component, in the order of its binary.
pub(super) enum Part<'a> {
    Module(&'a [u8]),
    Instance(Instance<'a>),
    Alias(ComponentAlias<'a>),
    Canonical(CanonicalFunction),
    /// What is written as it was: the section's number and bytes.
    Other(u8, &'a [u8]),
}

/// Takes a component apart.
pub(super) fn parts(wasm: &[u8]) -> Result<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut nested_until = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        check(&payload)?;
        if payload
            .as_section()
            .is_some_and(|(_, range)| range.start < nested_until)
        {
            continue;
        }
        match payload {
            Payload::ModuleSection {
                unchecked_range: range,
                ..
            } => {
                nested_until = range.end;
                parts.push(Part::Module(wasm.get(range).ok_or(OtherForm)?));
            }
            Payload::ComponentSection {
                unchecked_range: range,
                ..
            } => {
                nested_until = range.end;
                let component = wasm.get(range).ok_or(OtherForm)?;
                parts.push(Part::Other(ComponentSectionId::Component.into(), component));
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    parts.push(Part::Instance(instance?));
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    parts.push(Part::Alias(alias?));
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    parts.push(Part::Canonical(function?));
                }
            }
            Payload::CustomSection(_) => {} // names of indices that are others then
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    let section = wasm.get(range).ok_or(OtherForm)?;
                    parts.push(Part::Other(id, section));
                }
            }
        }
        if MOST_PARTS < parts.len() {
            return Err(OtherForm);
        }
    }
    Ok(parts)
}

/// Refuses what names a core module or a core function where no index is written anew, in a component within too.
fn check(payload: &Payload<'_>) -> Result<()> {
    let is_named = match payload {
        Payload::ComponentTypeSection(section) => any(section.clone(), |ty| {
            matches!(ty, ComponentType::Resource { dtor: Some(_), .. })
        })?,
        Payload::ComponentImportSection(section) => any(section.clone(), |import| {
            matches!(import.ty, ComponentTypeRef::Module(_))
        })?,
        Payload::ComponentExportSection(section) => any(section.clone(), |export| {
            export.kind == ComponentExternalKind::Module
        })?,
        Payload::ComponentInstanceSection(section) => {
            any(section.clone(), |instance| match instance {
                ComponentInstance::Instantiate { args, .. } => args
                    .iter()
                    .any(|argument| argument.kind == ComponentExternalKind::Module),
                ComponentInstance::FromExports(exports) => exports
                    .iter()
                    .any(|export| export.kind == ComponentExternalKind::Module),
            })?
        }
        Payload::ComponentAliasSection(section) => any(section.clone(), |alias| {
            matches!(
                alias,
                ComponentAlias::InstanceExport {
                    kind: ComponentExternalKind::Module,
                    ..
                } | ComponentAlias::Outer {
                    kind: ComponentOuterAliasKind::CoreModule,
                    ..
                }
            )
        })?,
        _ => false,
    };
    match is_named {
        true => Err(OtherForm),
        false => Ok(()),
    }
}

fn any<'a, T: FromReader<'a>>(
    section: SectionLimited<'a, T>,
    is: impl Fn(T) -> bool,
) -> Result<bool> {
    for item in section {
        if is(item?) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Part<'_> {
    pub(super) fn is_function(&self) -> bool {
        match self {
            Part::Alias(ComponentAlias::CoreInstanceExport { kind, .. }) => {
                *kind == ExternalKind::Func
            }
            Part::Canonical(function) => !matches!(function, CanonicalFunction::Lift { .. }),
            _ => false,
        }
    }

    /// What an alias is of, if it is of a core instance: its index, and what of it.
    pub(super) fn of_instance(&self) -> Option<(u32, ExternalKind, &str)> {
        match self {
            Part::Alias(ComponentAlias::CoreInstanceExport {
                kind,
                instance_index,
                name,
            }) => Some((*instance_index, *kind, name)),
            _ => None,
        }
    }
}
