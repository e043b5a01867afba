//! The program that judges a run; see the package `checker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    checker::main()
}
