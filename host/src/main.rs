//! The `waystation` program.

/// A request makes some hundred small allocations, on the thread that frees them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    waystation_host::cli::main()
}
