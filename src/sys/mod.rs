//! The system calls that no crate wraps safely, the clock, and PCRE2. The only room where `unsafe` may stand.

pub mod caps;
pub mod child;
pub mod clock;
pub mod memory;
pub mod netns;
pub mod packet;
pub mod pcre2;
pub mod sched;
pub mod sockopt;
#[cfg(test)]
pub(crate) mod testing;
pub mod timer;
pub mod wall;
pub mod watch;
