//! The program that the tests run: the same as `waystation`, built with them.

fn main() -> std::process::ExitCode {
    waystation_host::cli::main()
}
