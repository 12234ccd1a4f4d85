//! Start-up: arguments, configuration, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    steadfast::daemon::main(std::env::args_os())
}
