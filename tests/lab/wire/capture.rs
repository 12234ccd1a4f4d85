//! Capture on the switch: one packet socket that sees the frames of every port before the bridge does.
//!
//! So a frame is seen even if the switch then drops it for a fault that was asked for.

use std::collections::HashMap;
use std::io::IoSliceMut;
use std::net::IpAddr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, sleep};
use std::time::Duration;

use nix::net::if_::if_indextoname;
use nix::poll::PollTimeout;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg,
    setsockopt, socket, sockopt,
};
use nix::sys::time::TimeSpec;
use socket2::{SockFilter, SockRef};

use super::frame::{Advert, Content, Mac, decode};
use super::readable;
use crate::timeline::{Stamp, note_at, wait_for};

/// `sll_pkttype` of frames that leave through a port.
const OUTGOING: u32 = 4;

/// What the kernel gives to a capture, as instructions of BPF: nothing that leaves through a port, and no TCP of IPv4, of which
/// there may be so much that nothing else had its turn.
const INTERESTING: [(u16, u8, u8, u32); 8] = [
    // The type of the packet.
    (0x20, 0, 0, 0xffff_f004),
    (0x15, 5, 0, OUTGOING),
    // The type of the frame, at octet 12: whatever is not IPv4 is of interest.
    (0x28, 0, 0, 12),
    (0x15, 0, 2, 0x0800),
    // The protocol of IPv4.
    (0x30, 0, 0, 23),
    (0x15, 1, 0, 6),
    (0x06, 0, 0, u32::MAX),
    (0x06, 0, 0, 0),
];

/// A frame as it entered the switch.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Stamp,
    /// The port, which is named after the node.
    pub port: String,
    pub bytes: Vec<u8>,
    pub content: Content,
}

#[derive(Clone)]
pub struct Capture {
    socket: Arc<OwnedFd>,
    taken: Arc<Mutex<Taken>>,
}

/// What was taken from the kernel.
#[derive(Default)]
struct Taken {
    seen: Vec<Seen>,
    /// When the last frame came, of interest or not.
    latest: Option<Stamp>,
}

impl Capture {
    /// Captures in the network of the calling thread, from now on.
    pub fn start() -> Self {
        Self::begin(true)
    }

    /// The same, but nothing of it is told in the timeline.
    pub fn quietly() -> Self {
        Self::begin(false)
    }

    fn begin(told: bool) -> Self {
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::EthAll,
        );
        let socket = socket.expect("a packet socket");
        SockRef::from(&socket)
            .attach_filter(&INTERESTING.map(|(code, yes, no, value)| SockFilter::new(code, yes, no, value)))
            .expect("a filter");
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).expect("timestamps");
        setsockopt(&socket, sockopt::RcvBufForce, &(8 << 20)).expect("a large buffer");
        let capture = Self {
            socket: Arc::new(socket),
            taken: Arc::default(),
        };
        let keeper = capture.clone();
        thread::spawn(move || keeper.listen(told));
        capture
    }

    fn listen(&self, told: bool) {
        let mut latest = HashMap::new();
        loop {
            readable(&self.socket, PollTimeout::NONE);
            // Who asks finds a frame in the kernel or among those taken.
            let mut taken = self.taken.lock().expect("frames");
            let Some((at, seen)) = receive(&self.socket) else {
                continue;
            };
            taken.latest = Some(at);
            taken.seen.extend(seen.clone());
            drop(taken);
            if let Some(seen) = seen.filter(|_| told) {
                tell(&mut latest, &seen);
            }
        }
    }

    /// What was captured, with all that had come when it was asked for.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        let asked = Stamp::now();
        loop {
            let taken = self.taken.lock().expect("frames");
            if taken.latest > Some(asked) || !readable(&self.socket, PollTimeout::ZERO) {
                return taken;
            }
            drop(taken);
            sleep(Duration::from_millis(1));
        }
    }

    /// What came in through `port`, in order.
    pub fn from(&self, port: &str) -> Vec<Seen> {
        self.taken()
            .seen
            .iter()
            .filter(|seen| seen.port == port)
            .cloned()
            .collect()
    }

    /// Forgets what was captured so far: of a long run nobody wants to go through all of it again and again.
    pub fn forget(&self) {
        self.taken().seen.clear();
    }

    /// The adverts that came in through `port`, in order.
    pub fn adverts(&self, port: &str) -> Vec<(Stamp, Advert)> {
        let advert = |seen: Seen| match seen.content {
            Content::Advert(advert) => Some((seen.at, advert)),
            Content::Announcement { .. } | Content::Control(_) => None,
        };
        self.from(port).into_iter().filter_map(advert).collect()
    }

    /// The longest silence between two adverts through `port`, in milliseconds: from the last advert before `began` to `ended`.
    pub fn longest_gap(&self, port: &str, began: Stamp, ended: Stamp) -> f64 {
        let adverts: Vec<Stamp> = self.adverts(port).into_iter().map(|(at, _)| at).collect();
        let before = adverts.iter().rfind(|at| **at <= began);
        let during = adverts.iter().filter(|at| **at > began && **at < ended);
        let times: Vec<f64> = before
            .into_iter()
            .chain(during)
            .chain([&ended])
            .map(|at| at.0.as_secs_f64())
            .collect();
        let gaps = times.windows(2).map(|pair| 1000.0 * (pair[1] - pair[0]));
        gaps.fold(0.0, f64::max)
    }

    pub fn adverts_after(&self, port: &str, after: Stamp) -> Vec<(Stamp, Advert)> {
        self.adverts(port)
            .into_iter()
            .filter(|(at, _)| *at > after)
            .collect()
    }

    #[track_caller]
    pub fn last_advert(&self, port: &str) -> (Stamp, Advert) {
        self.adverts(port)
            .pop()
            .unwrap_or_else(|| panic!("{port} has never sent an advert"))
    }

    /// The first advert from `port` after `after`, waiting for it if need be.
    #[track_caller]
    pub fn next_advert(&self, port: &str, after: Stamp, limit: Duration) -> (Stamp, Advert) {
        wait_for(format!("an advert from {port}"), limit, || {
            self.adverts_after(port, after).into_iter().next()
        })
    }

    /// When `port` announced `address` after `after`, and at which station.
    pub fn announcements(&self, port: &str, address: IpAddr, after: Stamp) -> Vec<(Stamp, Mac)> {
        let announcement = |seen: &Seen| match &seen.content {
            Content::Announcement {
                address: announced,
                mac,
            } if *announced == address => Some((seen.at, *mac)),
            Content::Announcement { .. } | Content::Advert(_) | Content::Control(_) => None,
        };
        self.from(port)
            .iter()
            .filter(|seen| seen.at > after)
            .filter_map(announcement)
            .collect()
    }

    /// The first announcement of `address` from `port` after `after`, waiting for it if need be.
    #[track_caller]
    pub fn next_announcement(
        &self,
        port: &str,
        address: IpAddr,
        after: Stamp,
        limit: Duration,
    ) -> (Stamp, Mac) {
        wait_for(format!("{port} announcing {address}"), limit, || {
            self.announcements(port, address, after).into_iter().next()
        })
    }
}

/// When the next frame came, and the frame if it is of interest.
fn receive(socket: &OwnedFd) -> Option<(Stamp, Option<Seen>)> {
    let mut bytes = [0; 2048];
    let mut control = nix::cmsg_space!(TimeSpec);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let message = recvmsg::<LinkAddr>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut control),
        MsgFlags::MSG_DONTWAIT,
    )
    .ok()?;
    let source = message.address?;
    let stamp = message.cmsgs().ok()?.find_map(|control| match control {
        ControlMessageOwned::ScmTimestampns(time) => Some(Stamp(Duration::from(time))),
        _ => None,
    })?;
    let length = message.bytes;
    Some((stamp, frame(stamp, source.ifindex(), &bytes[..length])))
}

fn frame(at: Stamp, interface: usize, bytes: &[u8]) -> Option<Seen> {
    let content = decode(bytes)?;
    // The bridge itself shows what its ports received once more.
    let port = if_indextoname(interface as u32).ok()?.into_string().ok()?;
    (!port.starts_with("br")).then(|| Seen {
        at,
        port,
        bytes: bytes.to_vec(),
        content,
    })
}

/// Puts into the timeline what is new: not the hundredth advert like the one before.
fn tell(latest: &mut HashMap<(String, String), Stamp>, seen: &Seen) {
    let (what, again) = match &seen.content {
        Content::Advert(advert) => (advert.to_string(), advert.interval * 3),
        Content::Announcement { address, mac } => {
            (format!("announces {address} at {mac}"), Duration::from_secs(3))
        }
        // The daemons' logs tell of sessions.
        Content::Control(_) => return,
    };
    // An advert unlike the last one makes the next of the former kind news again.
    let previous = latest.insert((seen.port.clone(), what.clone()), seen.at);
    if previous.is_none_or(|previous| seen.at - previous > again) {
        note_at(seen.at, &seen.port, what);
    }
}
