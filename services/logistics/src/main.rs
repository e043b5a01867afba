//! The process of the logistics service.

fn main() -> std::process::ExitCode {
    chassis::main(&logistics::SERVICE)
}
