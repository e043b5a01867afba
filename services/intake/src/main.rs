//! The intake service as a process.

fn main() -> std::process::ExitCode {
    chassis::main(&intake::SERVICE)
}
