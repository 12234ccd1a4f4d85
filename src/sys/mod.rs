//! The system calls that no crate wraps safely, and the clock. The only room where `unsafe` may stand.

pub mod caps;
pub mod child;
pub mod clock;
pub mod memory;
pub mod netns;
pub mod packet;
pub mod sched;
pub mod sockopt;
#[cfg(test)]
pub(crate) mod testing;
pub mod timer;
pub mod wall;
pub mod watch;
