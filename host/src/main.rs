//! The `waystation` program.

fn main() -> std::process::ExitCode {
    waystation_host::cli::main()
}
