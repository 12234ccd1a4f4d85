//! What the fuzz targets check. `tests/found.rs` compiles [`checks`] and [`readers`] too: it runs them on what
//! was found and on a few more.

pub mod checks;
pub mod plane;
pub mod readers;
