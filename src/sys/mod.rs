//! The system calls that no crate wraps safely, and the clock. The only room where `unsafe` may stand.

pub mod child;
pub mod clock;
pub mod wall;
