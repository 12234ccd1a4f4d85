//! BFD control packets to and from bytes, and why a packet is discarded (RFC 5880 sections 4.1 and 6.8.6, fact 24.3).

use std::fmt;

/// The only version there is.
const VERSION: u8 = 1;
/// A packet without authentication.
pub const LEN: usize = 24;

const POLL: u8 = 0x20;
const FINAL: u8 = 0x10;
const AUTHENTICATION: u8 = 0x04;
const DEMAND: u8 = 0x02;
const MULTIPOINT: u8 = 0x01;

/// A control packet. Intervals are in microseconds, as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlPacket {
    /// Why the sender's session was last down.
    pub diagnostic: Diagnostic,
    /// The sender's state.
    pub state: State,
    /// P: answer at once.
    pub poll: bool,
    /// F: the answer.
    pub final_: bool,
    /// C: the sender's BFD does not depend on its control plane.
    pub control_plane_independent: bool,
    /// D: send no packets while the session is up.
    pub demand: bool,
    /// So many packets missing in a row end the session.
    pub detect_mult: u8,
    /// The sender's discriminator.
    pub my_discriminator: u32,
    /// Ours, as the sender knows it; 0 when it does not.
    pub your_discriminator: u32,
    /// The sender would like to send so often.
    pub desired_min_tx: u32,
    /// The sender takes packets so often; 0: none.
    pub required_min_rx: u32,
    /// The same for echoes; 0: none.
    pub required_min_echo_rx: u32,
}

/// The state of a session, or of the other end of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Switched off.
    AdminDown,
    /// Nothing is heard.
    #[default]
    Down,
    /// The other end is heard.
    Init,
    /// Both hear each other.
    Up,
}

impl State {
    const fn code(self) -> u8 {
        match self {
            Self::AdminDown => 0,
            Self::Down => 1,
            Self::Init => 2,
            Self::Up => 3,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AdminDown => "AdminDown",
            Self::Down => "Down",
            Self::Init => "Init",
            Self::Up => "Up",
        })
    }
}

/// Why a session was last down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Diagnostic {
    /// 0
    #[default]
    None,
    /// 1: nothing was heard for the detection time.
    TimeExpired,
    /// 2
    EchoFailed,
    /// 3: the other end said so.
    NeighborDown,
    /// 4
    ForwardingReset,
    /// 5
    PathDown,
    /// 6
    ConcatenatedPathDown,
    /// 7: switched off.
    AdminDown,
    /// 8
    ReverseConcatenatedPathDown,
}

impl Diagnostic {
    const ALL: [Self; 9] = [
        Self::None,
        Self::TimeExpired,
        Self::EchoFailed,
        Self::NeighborDown,
        Self::ForwardingReset,
        Self::PathDown,
        Self::ConcatenatedPathDown,
        Self::AdminDown,
        Self::ReverseConcatenatedPathDown,
    ];

    /// As on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::TimeExpired => 1,
            Self::EchoFailed => 2,
            Self::NeighborDown => 3,
            Self::ForwardingReset => 4,
            Self::PathDown => 5,
            Self::ConcatenatedPathDown => 6,
            Self::AdminDown => 7,
            Self::ReverseConcatenatedPathDown => 8,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "No Diagnostic",
            Self::TimeExpired => "Control Detection Time Expired",
            Self::EchoFailed => "Echo Function Failed",
            Self::NeighborDown => "Neighbor Signaled Session Down",
            Self::ForwardingReset => "Forwarding Plane Reset",
            Self::PathDown => "Path Down",
            Self::ConcatenatedPathDown => "Concatenated Path Down",
            Self::AdminDown => "Administratively Down",
            Self::ReverseConcatenatedPathDown => "Reverse Concatenated Path Down",
        })
    }
}

/// Why a packet was discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Discard {
    /// Shorter than a packet can be.
    TooShort,
    /// Its length is not what it says.
    Length,
    /// Not version 1.
    Version,
    /// A: nobody has a key here.
    Authentication,
    /// A detection multiplier of 0.
    DetectMult,
    /// M is for protocols to come.
    Multipoint,
    /// The sender has no discriminator.
    NoMyDiscriminator,
    /// The sender does not know ours, but claims to have heard us.
    NoYourDiscriminator,
    /// P and F at once.
    PollAndFinal,
    /// A diagnostic that is not defined.
    Diagnostic,
    /// It is for no session of ours.
    UnknownSession,
    /// It came further than `max_hops` allows, or how far is not known.
    Ttl,
    /// Its session is switched off here.
    AdminDown,
}

impl Discard {
    /// All of them, in the order in which packets are looked at.
    pub const ALL: [Self; 13] = [
        Self::TooShort,
        Self::Length,
        Self::Version,
        Self::Authentication,
        Self::DetectMult,
        Self::Multipoint,
        Self::NoMyDiscriminator,
        Self::NoYourDiscriminator,
        Self::PollAndFinal,
        Self::Diagnostic,
        Self::UnknownSession,
        Self::Ttl,
        Self::AdminDown,
    ];
}

impl fmt::Display for Discard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "too short",
            Self::Length => "wrong length",
            Self::Version => "unknown version",
            Self::Authentication => "authenticated",
            Self::DetectMult => "detection multiplier 0",
            Self::Multipoint => "multipoint",
            Self::NoMyDiscriminator => "no discriminator of the sender",
            Self::NoYourDiscriminator => "no discriminator of ours",
            Self::PollAndFinal => "poll and final at once",
            Self::Diagnostic => "unknown diagnostic",
            Self::UnknownSession => "unknown session",
            Self::Ttl => "TTL too low",
            Self::AdminDown => "session switched off",
        })
    }
}

impl ControlPacket {
    /// Reads a datagram.
    ///
    /// # Errors
    /// Why it is to be discarded, whatever session it is for.
    pub fn read(datagram: &[u8]) -> Result<Self, Discard> {
        let header: &[u8; LEN] = datagram.first_chunk().ok_or(Discard::TooShort)?;
        let &[first, flags, detect_mult, length, ..] = header;
        if usize::from(length) != datagram.len() {
            return Err(Discard::Length);
        }
        if first >> 5 != VERSION {
            return Err(Discard::Version);
        }
        if flags & AUTHENTICATION != 0 {
            return Err(Discard::Authentication);
        }
        if detect_mult == 0 {
            return Err(Discard::DetectMult);
        }
        if flags & MULTIPOINT != 0 {
            return Err(Discard::Multipoint);
        }
        let word = |at: usize| {
            let bytes = header.get(at..).and_then(<[u8]>::first_chunk::<4>);
            bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
        };
        let packet = Self {
            diagnostic: Diagnostic::ALL
                .get(usize::from(first & 0x1f))
                .copied()
                .unwrap_or_default(),
            state: match flags >> 6 {
                0 => State::AdminDown,
                1 => State::Down,
                2 => State::Init,
                _ => State::Up,
            },
            poll: flags & POLL != 0,
            final_: flags & FINAL != 0,
            control_plane_independent: flags & 0x08 != 0,
            demand: flags & DEMAND != 0,
            detect_mult,
            my_discriminator: word(4),
            your_discriminator: word(8),
            desired_min_tx: word(12),
            required_min_rx: word(16),
            required_min_echo_rx: word(20),
        };
        if packet.my_discriminator == 0 {
            return Err(Discard::NoMyDiscriminator);
        }
        if packet.your_discriminator == 0 && packet.state > State::Down {
            return Err(Discard::NoYourDiscriminator);
        }
        if packet.poll && packet.final_ {
            return Err(Discard::PollAndFinal);
        }
        if usize::from(first & 0x1f) >= Diagnostic::ALL.len() {
            return Err(Discard::Diagnostic);
        }
        Ok(packet)
    }

    /// As it goes onto the wire.
    pub fn bytes(&self) -> [u8; LEN] {
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        let flags = self.state.code() << 6
            | flag(self.poll, POLL)
            | flag(self.final_, FINAL)
            | flag(self.control_plane_independent, 0x08)
            | flag(self.demand, DEMAND);
        let mut out = [0; LEN];
        let head = [VERSION << 5 | self.diagnostic.code(), flags, self.detect_mult, 24];
        let words = [
            self.my_discriminator,
            self.your_discriminator,
            self.desired_min_tx,
            self.required_min_rx,
            self.required_min_echo_rx,
        ];
        let octets = head
            .into_iter()
            .chain(words.into_iter().flat_map(u32::to_be_bytes));
        out.iter_mut()
            .zip(octets)
            .for_each(|(place, octet)| *place = octet);
        out
    }
}

#[cfg(test)]
mod tests;
