//! Looks whether two modules are a shim and a fixup: whether each function of the first does nothing but call the one that the second puts
//! behind it.

use wasmparser::{
    ElementItems, ElementKind, ExternalKind, FuncType, FunctionBody, Operator, Parser, Payload,
    TypeRef,
};

use super::{OtherForm, Result};

/// Checks both, for so many functions.
pub(super) fn check(shim: &[u8], fixup: &[u8], functions: usize) -> Result<()> {
    let is = 0 < functions && is_shim(shim, functions)? && is_fixup(fixup, functions)?;
    is.then_some(()).ok_or(OtherForm)
}

/// Whether function `n` is exported as `n`, and calls what stands at `n` of the only table with what it is called with.
fn is_shim(module: &[u8], functions: usize) -> Result<bool> {
    let (mut types, mut kinds, mut bodies, mut exported, mut tables) =
        (Vec::new(), Vec::new(), 0, 0, 0);
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
            Payload::TableSection(section) => {
                for table in section {
                    tables += 1;
                    if table?.ty.initial != functions as u64 {
                        return Ok(false);
                    }
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    match export.kind {
                        ExternalKind::Func if export.name == export.index.to_string() => {
                            exported += 1;
                        }
                        ExternalKind::Table => {}
                        _ => return Ok(false),
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                let kind = *kinds.get(bodies).ok_or(OtherForm)?;
                let ty = types.get(kind as usize).ok_or(OtherForm)?;
                if !calls_through_the_table(&body, bodies, kind, ty)? {
                    return Ok(false);
                }
                bodies += 1;
            }
            Payload::Version { .. }
            | Payload::CodeSectionStart { .. }
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            _ => return Ok(false),
        }
    }
    Ok((bodies, exported, tables) == (functions, functions, 1))
}

fn calls_through_the_table(
    body: &FunctionBody<'_>,
    place: usize,
    kind: u32,
    ty: &FuncType,
) -> Result<bool> {
    let mut operators = body.get_operators_reader()?;
    for parameter in 0..ty.params().len() {
        match operators.read()? {
            Operator::LocalGet { local_index } if local_index as usize == parameter => {}
            _ => return Ok(false),
        }
    }
    let (Operator::I32Const { value }, call, Operator::End, true) = (
        operators.read()?,
        operators.read()?,
        operators.read()?,
        operators.eof(),
    ) else {
        return Ok(false);
    };
    let expected = Operator::CallIndirect {
        type_index: kind,
        table_index: 0,
    };
    Ok(usize::try_from(value) == Ok(place) && call == expected)
}

/// Whether it puts the functions that it imports as `0`, `1` and so on where they belong in the table that it imports, and does nothing else.
fn is_fixup(module: &[u8], functions: usize) -> Result<bool> {
    let (mut imported, mut tables, mut filled) = (0, 0, 0);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    match import.ty {
                        TypeRef::Func(_) if import.name == imported.to_string() => imported += 1,
                        TypeRef::Table(_) => tables += 1,
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
                    ) = (element.kind, element.items)
                    else {
                        return Ok(false);
                    };
                    let mut offset = offset_expr.get_operators_reader();
                    let (Operator::I32Const { value: 0 }, Operator::End, 0) =
                        (offset.read()?, offset.read()?, filled)
                    else {
                        return Ok(false);
                    };
                    for function in items {
                        if function? as usize != filled {
                            return Ok(false);
                        }
                        filled += 1;
                    }
                }
            }
            Payload::Version { .. }
            | Payload::TypeSection(_)
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            _ => return Ok(false),
        }
    }
    Ok((imported, tables, filled) == (functions, 1, functions))
}
