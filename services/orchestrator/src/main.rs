//! The orchestrator as a process.

fn main() -> std::process::ExitCode {
    chassis::main(&orchestrator::SERVICE)
}
