//! The wire: everything that enters the switch, by port and with the kernel's timestamps.

mod capture;
mod frame;

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

pub use capture::{Capture, Seen};
pub use frame::{Advert, Content, Control, Mac};

/// Whether there is something to read, or the end, waiting for it so long.
pub fn readable(source: impl AsFd, limit: PollTimeout) -> bool {
    let mut asked = [PollFd::new(source.as_fd(), PollFlags::POLLIN)];
    poll(&mut asked, limit).is_ok_and(|count| count > 0)
}
