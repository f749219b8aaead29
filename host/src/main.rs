//! The `waystation` program.

/// A request makes some hundred small allocations, mostly on the thread that frees them. It does not ask the kernel for huge pages: with them a
/// stream takes twelve more KiB, and the program twenty MiB before its first request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    waystation_host::cli::main()
}
