//! Start-up: arguments, configuration, run, exit code.
fn main() {}
