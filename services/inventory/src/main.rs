//! The process of the inventory service.

fn main() -> std::process::ExitCode {
    chassis::main(&inventory::SERVICE)
}
