//! Looks whether two modules are a shim and a fixup: whether each function of the first does nothing but call the one that the second puts
//! behind it.

use wasmparser::{
    ElementItems, ElementKind, ExternalKind, FuncType, Operator, Parser, Payload, TypeRef,
};

use super::{OtherForm, Result};

/// Checks both, for so many functions.
pub(super) fn check(shim: &[u8], fixup: &[u8], functions: usize) -> Result<()> {
    match is_shim(shim, functions)? && is_fixup(fixup, functions)? {
        true => Ok(()),
        false => Err(OtherForm),
    }
}

/// Whether function `n` is exported as `n`, and calls what stands at `n` of the only table with what it is called with.
fn is_shim(module: &[u8], functions: usize) -> Result<bool> {
    let (mut types, mut kinds, mut bodies, mut exported) = (Vec::new(), Vec::new(), 0, 0);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    types.push(ty?);
                }
            }
            Payload::FunctionSection(section) => {
                for kind in section {
                    kinds.push(kind?);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        exported += 1;
                        if export.name != export.index.to_string() {
                            return Ok(false);
                        }
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                let kind = *kinds.get(bodies).ok_or(OtherForm)?;
                let ty: &FuncType = types.get(kind as usize).ok_or(OtherForm)?;
                let mut operators = body.get_operators_reader()?;
                for parameter in 0..ty.params().len() {
                    match operators.read()? {
                        Operator::LocalGet { local_index } if local_index as usize == parameter => {
                        }
                        _ => return Ok(false),
                    }
                }
                let calls = [operators.read()?, operators.read()?, operators.read()?];
                let [
                    Operator::I32Const { value },
                    Operator::CallIndirect {
                        type_index,
                        table_index: 0,
                    },
                    Operator::End,
                ] = calls
                else {
                    return Ok(false);
                };
                if usize::try_from(value) != Ok(bodies) || type_index != kind {
                    return Ok(false);
                }
                bodies += 1;
            }
            Payload::ImportSection(_)
            | Payload::StartSection { .. }
            | Payload::ElementSection(_) => {
                return Ok(false);
            }
            _ => {}
        }
    }
    Ok(bodies == functions && exported == functions)
}

/// Whether it puts the functions that it imports as `0`, `1` and so on where they belong in a table, and does nothing else.
fn is_fixup(module: &[u8], functions: usize) -> Result<bool> {
    let (mut imported, mut has_filled) = (0, false);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    match import.ty {
                        TypeRef::Func(_) if import.name == imported.to_string() => imported += 1,
                        TypeRef::Table(_) => {}
                        _ => return Ok(false),
                    }
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    let element = element?;
                    let (
                        ElementKind::Active {
                            table_index: None | Some(0),
                            offset_expr,
                        },
                        ElementItems::Functions(items),
                        false,
                    ) = (element.kind, element.items, has_filled)
                    else {
                        return Ok(false);
                    };
                    let mut offset = offset_expr.get_operators_reader();
                    let (Operator::I32Const { value: 0 }, Operator::End) =
                        (offset.read()?, offset.read()?)
                    else {
                        return Ok(false);
                    };
                    let mut expected = 0;
                    for function in items {
                        if function? as usize != expected {
                            return Ok(false);
                        }
                        expected += 1;
                    }
                    has_filled = expected == functions;
                }
            }
            Payload::StartSection { .. }
            | Payload::DataSection(_)
            | Payload::CodeSectionStart { .. } => return Ok(false),
            _ => {}
        }
    }
    Ok(imported == functions && (has_filled || functions == 0))
}
