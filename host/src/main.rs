//! The `waystation` program.

/// A request makes some hundred small allocations, mostly on the thread that frees them. In huge pages a stream would take twenty more KiB.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    waystation_host::cli::main()
}
