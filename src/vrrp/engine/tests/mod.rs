//! The engine through its public door: whole queues of actions, times to the microsecond.

mod announcing;
mod delays;
mod election;
mod faults;
mod groups;
mod life;
mod masters;
mod memory;
mod notices;
mod properties;
mod reloads;
mod repairs;
mod resume;
mod rules;
mod vectors;
