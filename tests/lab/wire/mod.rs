//! The wire: everything that enters the switch, by port and with the kernel's timestamps.

mod capture;
mod frame;

pub use capture::{Capture, Seen};
pub use frame::{Advert, Content, Control, Mac};
