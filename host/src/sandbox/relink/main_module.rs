//! Takes the memory out of the main module.

use std::convert::Infallible;
use std::ops::Range;

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{
    ConstExpr, ElementSection, Elements, EntityType, ImportSection, MemoryType, Module, RawSection,
    SectionId,
};
use wasmparser::{
    BinaryReader, CodeSectionReader, DataKind, DataSectionReader, ExternalKind, FunctionBody,
    ImportSectionReader, MemorySectionReader, Operator, Parser, Payload, TypeRef,
};

use super::{OtherForm, Result, ground};

/// The main module without its memory, and the ground that has it. `realloc` is the export that the ground is to call.
pub(super) fn parted(module: &[u8], realloc: Option<&str>) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut main = Module::new();
    let memory = memory(module)?;
    let mut data = None;
    let (mut has_imports, mut allocator) = (false, None);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                has_imports = true;
                main.section(&imports(section, memory)?);
            }
            Payload::MemorySection(_) | Payload::CodeSectionEntry(_) => {}
            Payload::ExportSection(section) => {
                let range = section.range();
                for export in section {
                    let export = export?;
                    match export.kind {
                        ExternalKind::Table => return Err(OtherForm),
                        ExternalKind::Func if Some(export.name) == realloc => {
                            allocator = Some(export.index);
                        }
                        _ => {}
                    }
                }
                copy(&mut main, SectionId::Export.into(), &module[range]);
            }
            Payload::ElementSection(section) => {
                let mut elements = ElementSection::new();
                Shifted.parse_element_section(&mut elements, section)?;
                if let Some(allocator) = allocator.take() {
                    let allocator = Elements::Functions(vec![allocator].into());
                    elements.active(Some(0), &ConstExpr::i32_const(0), allocator);
                }
                main.section(&elements);
            }
            Payload::DataSection(section) => {
                data = Some(&module[section.range()]);
                check_data(section)?;
            }
            Payload::CodeSectionStart { range, .. } => {
                copy(
                    &mut main,
                    SectionId::Code.into(),
                    &shifted_code(module, range)?,
                );
            }
            Payload::DataCountSection { .. }
            | Payload::TagSection(_)
            | Payload::StartSection { .. } => return Err(OtherForm), // it would run before the fixup
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    copy(&mut main, id, &module[range]);
                }
            }
        }
    }
    // Without elements of its own there was no section to put the allocator into.
    match has_imports && allocator.is_none() {
        true => Ok((main.finish(), ground::module(memory, data))),
        false => Err(OtherForm),
    }
}

fn copy(module: &mut Module, id: u8, data: &[u8]) {
    module.section(&RawSection { id, data });
}

/// The only memory of a module.
fn memory(module: &[u8]) -> Result<MemoryType> {
    let mut sections = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::MemorySection(section) = payload? {
            sections.push(section);
        }
    }
    let memories = sections
        .into_iter()
        .flat_map(MemorySectionReader::into_iter);
    match memories.collect::<std::result::Result<Vec<_>, _>>()?[..] {
        [memory] => Ok(memory.into()),
        _ => Err(OtherForm),
    }
}

/// The functions that were imported, in their places, and what the ground has.
fn imports(section: ImportSectionReader<'_>, memory: MemoryType) -> Result<ImportSection> {
    let mut imports = ImportSection::new();
    for import in section.into_imports() {
        let import = import?;
        let TypeRef::Func(ty) = import.ty else {
            return Err(OtherForm);
        };
        imports.import(import.module, import.name, EntityType::Function(ty));
    }
    imports.import(ground::NAME, ground::MEMORY, memory);
    imports.import(ground::NAME, ground::TABLE, ground::table());
    Ok(imports)
}

/// What is in the memory at first goes with it, which is only possible if it says where without asking the main module.
fn check_data(section: DataSectionReader<'_>) -> Result<()> {
    for data in section {
        let DataKind::Active { offset_expr, .. } = data?.kind else {
            return Err(OtherForm);
        };
        let mut operators = offset_expr.get_operators_reader();
        let (Operator::I32Const { .. }, Operator::End) = (operators.read()?, operators.read()?)
        else {
            return Err(OtherForm);
        };
    }
    Ok(())
}

/// The module's own table is the second: the imported one is counted first.
struct Shifted;

impl Reencode for Shifted {
    type Error = Infallible;

    fn table_index(&mut self, table: u32) -> std::result::Result<u32, reencode::Error<Infallible>> {
        Ok(table.wrapping_add(1))
    }
}

impl From<reencode::Error<Infallible>> for OtherForm {
    fn from(_: reencode::Error<Infallible>) -> Self {
        Self
    }
}

/// The code with each call by table counted as [`Shifted`] does, byte by byte in its place, so that what debug information says stays true.
fn shifted_code(module: &[u8], range: Range<usize>) -> Result<Vec<u8>> {
    let section = module.get(range.clone()).ok_or(OtherForm)?;
    let mut code = section.to_vec();
    for body in CodeSectionReader::new(BinaryReader::new(section, range.start))? {
        let body: FunctionBody<'_> = body?;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let (operator, at) = operators.read_with_offset()?;
            match operator {
                Operator::CallIndirect { table_index: 0, .. } => {
                    let after_opcode = at + 1;
                    let immediates = &module[after_opcode..range.end];
                    let mut immediates = BinaryReader::new(immediates, after_opcode);
                    immediates.read_var_u32()?; // the type
                    code[immediates.original_position() - range.start] |= 1; // of 0 in LEB128, however long
                }
                Operator::CallIndirect { .. }
                | Operator::ReturnCallIndirect { .. }
                | Operator::TableGet { .. }
                | Operator::TableSet { .. }
                | Operator::TableSize { .. }
                | Operator::TableGrow { .. }
                | Operator::TableFill { .. }
                | Operator::TableCopy { .. }
                | Operator::TableInit { .. }
                | Operator::ElemDrop { .. } => return Err(OtherForm),
                _ => {}
            }
        }
    }
    Ok(code)
}
