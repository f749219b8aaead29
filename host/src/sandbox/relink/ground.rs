//! The module that has the main module's memory, and what is in it at first.

use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, MemorySection, MemoryType,
    Module, RawSection, RefType, SectionId, TableSection, TableType, TypeSection, ValType,
};

/// As what the main module imports it.
pub(super) const NAME: &str = "waystation:ground";
pub(super) const MEMORY: &str = "memory";
/// Where the main module puts its allocator.
pub(super) const TABLE: &str = "table";
/// Calls the allocator, which imports use that are there before it.
pub(super) const REALLOC: &str = "realloc";

pub(super) fn table() -> TableType {
    TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: 1,
        maximum: Some(1),
        shared: false,
    }
}

/// The module, of its memory and the bytes of a data section.
pub(super) fn module(memory: MemoryType, data: Option<&[u8]>) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; 4], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut tables = TableSection::new();
    tables.table(table());
    let mut memories = MemorySection::new();
    memories.memory(memory);
    let mut exports = ExportSection::new();
    exports.export(MEMORY, ExportKind::Memory, 0);
    exports.export(TABLE, ExportKind::Table, 0);
    exports.export(REALLOC, ExportKind::Func, 0);
    let mut realloc = Function::new([]);
    let mut body = realloc.instructions();
    (0..4).for_each(|parameter| {
        body.local_get(parameter);
    });
    body.i32_const(0).call_indirect(0, 0).end();
    let mut code = CodeSection::new();
    code.function(&realloc);

    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&tables)
        .section(&memories)
        .section(&exports)
        .section(&code);
    if let Some(data) = data {
        let id = SectionId::Data.into();
        module.section(&RawSection { id, data });
    }
    module.finish()
}
