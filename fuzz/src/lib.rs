//! What the fuzz targets check. `tests/conf.rs` compiles [`checks`] too, and runs them on what was found.

pub mod checks;
pub mod plane;
