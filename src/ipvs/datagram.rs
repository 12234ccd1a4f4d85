//! The messages of a datagram that came from generic netlink.

use netlink_packet_core::{
    DecodeError, NetlinkDeserializable, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_generic::GenlMessage;
use std::fmt;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<F> {
    /// Of the family that was asked.
    Message(F),
    /// The end of a dump.
    Done,
    /// A request is done, or refused with this error, which is positive.
    Verdict(Option<i32>),
    /// Nothing that a question is answered with.
    Other,
}

/// Shows the messages in their order until `show` has seen enough. Whether it has not.
pub fn each<F, E>(
    datagram: &[u8],
    mut show: impl FnMut(&NetlinkHeader, Part<F>) -> Result<bool, E>,
) -> Result<bool, E>
where
    GenlMessage<F>: NetlinkDeserializable,
    F: fmt::Debug,
    E: From<DecodeError>,
{
    let mut rest = datagram;
    while !rest.is_empty() {
        let message = NetlinkMessage::<GenlMessage<F>>::deserialize(rest)?;
        let length = usize::try_from(message.header.length)
            .unwrap_or(usize::MAX)
            .next_multiple_of(4);
        let part = match message.payload {
            NetlinkPayload::InnerMessage(message) => Part::Message(message.payload),
            NetlinkPayload::Done(_) => Part::Done,
            NetlinkPayload::Error(error) => Part::Verdict(error.code.map(|code| code.get().saturating_neg())),
            NetlinkPayload::Noop | NetlinkPayload::Overrun(_) => Part::Other,
            _ => Part::Other,
        };
        if !show(&message.header, part)? {
            return Ok(false);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(true)
}
