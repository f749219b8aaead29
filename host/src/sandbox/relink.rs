//! Links the core modules of a component anew, so that an instance of it costs less to make.
//!
//! In: a component as `wit-component` links it. Out: one that does the same with two modules in place of three, to be compiled and not to be
//! kept; nothing if it is of another form, and then it is compiled as it is.
//!
//! A canonical import needs the memory of the module that it is imported by. So there are three modules: a shim whose functions call through
//! a table, the main module that imports them, and a fixup that fills the table. Here the memory gets a module of its own, the [`ground`],
//! which is instantiated first, and the main module imports what it calls.
//!
//! That both do the same rests on what is looked at here: that shim and fixup do nothing else, that nothing of the main module runs before
//! the fixup has, and that nothing names a module or a function by an index that is not written anew.

mod ground;
mod main_module;
mod parts;
mod plan;
mod shim;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use wasm_encoder::reencode::{self, Reencode, ReencodeComponent};
use wasm_encoder::{
    Alias, CanonicalFunctionSection, Component, ComponentAliasSection, ComponentSectionId,
    ExportKind, InstanceSection, ModuleArg, RawSection,
};
use wasmparser::Instance;

use parts::{Part, parts};
use plan::Plan;

/// The component is not of the form that is linked anew.
#[derive(Debug)]
struct OtherForm;

type Result<T> = std::result::Result<T, OtherForm>;

/// The same component with its core modules linked directly; nothing if it is not one that can be.
///
/// Whoever compiles it has it validated: nothing is trusted of what is made here.
pub fn relinked(wasm: &[u8]) -> Option<Vec<u8>> {
    let parts = parts(wasm).ok()?;
    let plan = Plan::of(&parts).ok()?;
    Writer::default().written(&parts, &plan).ok()
}

/// Writes the parts in another order, with the indices that they have in it.
#[derive(Default)]
struct Writer {
    component: Component,
    /// What became of the core functions that there are already.
    functions: HashMap<u32, u32>,
    functions_written: u32,
    /// What became of the core instances.
    instances: HashMap<u32, u32>,
    instances_written: u32,
}

impl Writer {
    fn written(mut self, parts: &[Part<'_>], plan: &Plan<'_>) -> Result<Vec<u8>> {
        let kept = || (0..parts.len()).filter(|&at| !plan.is_dropped(at, &parts[at]));
        let (waiting, at_once): (Vec<_>, Vec<_>) = kept()
            .filter(|&at| at < plan.fixup.part)
            .partition(|&at| plan.waits(at, &parts[at]));
        for at in at_once {
            self.write(at, &parts[at], plan)?;
        }
        self.fill(parts, plan)?;
        for at in waiting {
            self.write(at, &parts[at], plan)?;
        }
        for at in kept().filter(|&at| plan.fixup.part < at) {
            self.write(at, &parts[at], plan)?;
        }
        Ok(self.component.finish())
    }

    fn write(&mut self, at: usize, part: &Part<'_>, plan: &Plan<'_>) -> Result<()> {
        match part {
            Part::Module(_) => {
                for data in [&plan.main_module, &plan.ground_module] {
                    let id = ComponentSectionId::CoreModule.into();
                    self.component.section(&RawSection { id, data });
                }
            }
            Part::Instance(_) if at == plan.shim.part => self.write_ground(plan),
            Part::Instance(instance) => self.write_instance(at, instance, plan)?,
            Part::Alias(alias) => {
                let mut section = ComponentAliasSection::new();
                section.alias(self.component_alias(alias.clone())?);
                self.component.section(&section);
            }
            Part::Canonical(function) => {
                let mut section = CanonicalFunctionSection::new();
                self.parse_component_canonical(&mut section, function.clone())?;
                self.component.section(&section);
            }
            Part::Other(id, data) => {
                self.component.section(&RawSection { id: *id, data });
            }
        }
        if part.is_function() {
            let index = index_of(&plan.functions, at)?;
            self.functions.insert(index, self.functions_written);
            self.functions_written += 1;
        }
        Ok(())
    }

    /// The ground takes the shim's place; its memory is the only one.
    fn write_ground(&mut self, plan: &Plan<'_>) {
        let instance = self.instances_written;
        let mut instances = InstanceSection::new();
        instances.instantiate::<[(&str, ModuleArg); 0], _>(1, []);
        self.component.section(&instances);
        self.instances.insert(plan.shim.instance, instance);
        self.instances_written += 1;
        let mut aliases = ComponentAliasSection::new();
        aliases.alias(Alias::CoreInstanceExport {
            instance,
            kind: ExportKind::Memory,
            name: ground::MEMORY,
        });
        if let Some(realloc) = plan.realloc {
            aliases.alias(Alias::CoreInstanceExport {
                instance,
                kind: ExportKind::Func,
                name: ground::REALLOC,
            });
            self.functions.insert(realloc, self.functions_written);
            self.functions_written += 1;
        }
        self.component.section(&aliases);
    }

    fn write_instance(
        &mut self,
        at: usize,
        instance: &Instance<'_>,
        plan: &Plan<'_>,
    ) -> Result<()> {
        let mut section = InstanceSection::new();
        match instance {
            Instance::Instantiate { args, .. } => {
                let arguments = args.iter().map(|argument| (argument.name, argument.index));
                let arguments = arguments.chain([(ground::NAME, plan.shim.instance)]);
                let arguments: Vec<_> = arguments
                    .map(|(name, index)| (name, ModuleArg::Instance(self.instance_index(index))))
                    .collect();
                section.instantiate(0, arguments);
            }
            exports @ Instance::FromExports(_) => {
                self.parse_instance(&mut section, exports.clone())?;
            }
        }
        self.component.section(&section);
        let index = index_of(&plan.instances, at)?;
        self.instances.insert(index, self.instances_written);
        self.instances_written += 1;
        Ok(())
    }

    /// Lets the functions of the shim stand for those that the fixup would have put behind them.
    fn fill(&mut self, parts: &[Part<'_>], plan: &Plan<'_>) -> Result<()> {
        for (index, &part) in (0..).zip(&plan.functions) {
            if let Some((of, _, name)) = parts[part].of_instance()
                && of == plan.shim.instance
            {
                let filled = plan.filled.get(name).ok_or(OtherForm)?;
                let written = self.function_index(*filled)?;
                self.functions.insert(index, written);
            }
        }
        Ok(())
    }
}

fn index_of(parts: &[usize], at: usize) -> Result<u32> {
    let index = parts.binary_search(&at).map_err(|_| OtherForm)?;
    u32::try_from(index).map_err(|_| OtherForm)
}

impl Reencode for Writer {
    type Error = OtherForm;

    fn function_index(
        &mut self,
        function: u32,
    ) -> std::result::Result<u32, reencode::Error<OtherForm>> {
        let written = self.functions.get(&function).copied();
        written.ok_or(reencode::Error::UserError(OtherForm))
    }

    /// The main module's, as the others have none.
    fn memory_index(
        &mut self,
        _memory: u32,
    ) -> std::result::Result<u32, reencode::Error<OtherForm>> {
        Ok(0)
    }

    /// The shim's table is gone, and the main module's is not exported.
    fn table_index(&mut self, _table: u32) -> std::result::Result<u32, reencode::Error<OtherForm>> {
        Err(reencode::Error::UserError(OtherForm))
    }
}

impl ReencodeComponent for Writer {
    /// One that is not there is no valid index, and the component is found to be invalid.
    fn instance_index(&mut self, instance: u32) -> u32 {
        self.instances.get(&instance).copied().unwrap_or(u32::MAX)
    }
}

impl From<wasmparser::BinaryReaderError> for OtherForm {
    fn from(_: wasmparser::BinaryReaderError) -> Self {
        Self
    }
}

impl From<reencode::Error<OtherForm>> for OtherForm {
    fn from(_: reencode::Error<OtherForm>) -> Self {
        Self
    }
}
