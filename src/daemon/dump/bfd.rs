//! The sections of `keepalived_bfd.data` (fact VRRP 24.11). keepalived 2.2.7 has the names of the instances alone; the
//! rest is ours.

use super::{Sheet, yes_no};
use crate::bfd::status::{BfdStatus, SessionStatus};
use crate::sys::wall::Wall;

/// Everything below the global section. `wall` is the wall clock at [`BfdStatus::now`].
pub(super) fn sections(status: &BfdStatus, wall: Wall) -> String {
    let mut sheet = Sheet::default();
    sheet.heading("BFD Data");
    for (why, count) in &status.discarded {
        sheet.item(&format!("Discarded, {why}"), count);
    }
    sheet.heading("BFD Topology");
    for session in &status.sessions {
        item(&mut sheet, status, session, wall);
    }
    sheet.0
}

fn item(sheet: &mut Sheet, status: &BfdStatus, session: &SessionStatus, wall: Wall) {
    let SessionStatus {
        config,
        state,
        remote_state,
        diagnostic,
        remote_diagnostic,
        discriminator,
        remote_discriminator,
        desired_min_tx,
        tx_interval,
        detection_time,
        remote_min_rx,
        remote_min_tx,
        remote_detect_mult,
        remote_demand,
        polling,
        since,
        last_heard,
        sent,
        received,
    } = session;
    sheet.item("BFD Instance", &config.name);
    sheet.field("Neighbor IP", config.neighbor);
    if let Some(source) = config.source {
        sheet.field("Source IP", source);
    }
    sheet.field("Multihop", yes_no(config.multihop));
    sheet.field("Passive", yes_no(config.passive));
    sheet.field("TTL", config.ttl);
    sheet.field("Least TTL received", config.least_ttl());
    sheet.field("State", state);
    sheet.field("Since", wall.at(status.now, *since));
    sheet.field("Local diagnostic", diagnostic);
    sheet.field("Local discriminator", format_args!("0x{discriminator:08x}"));
    sheet.field("Desired min tx", micros(*desired_min_tx));
    sheet.field("Required min rx", micros(config.min_rx));
    sheet.field("Multiplier", config.multiplier);
    sheet.field("Remote state", remote_state);
    sheet.field("Remote diagnostic", remote_diagnostic);
    sheet.field(
        "Remote discriminator",
        format_args!("0x{remote_discriminator:08x}"),
    );
    sheet.field("Remote min tx", micros(*remote_min_tx));
    sheet.field("Remote min rx", micros(*remote_min_rx));
    sheet.field("Remote multiplier", remote_detect_mult);
    sheet.field("Remote demand", yes_no(*remote_demand));
    sheet.field("Transmit interval", micros(*tx_interval));
    if let Some(time) = detection_time {
        sheet.field("Detection time", micros(*time));
    }
    sheet.field("Polling", yes_no(*polling));
    if let Some(heard) = last_heard {
        sheet.field("Last heard", wall.at(status.now, *heard));
    }
    sheet.field("Sent", sent);
    sheet.field("Received", received);
}

fn micros(time: std::time::Duration) -> String {
    format!("{} usecs", time.as_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bfd::config::testing::session;
    use crate::bfd::event::Datagram;
    use crate::bfd::{BfdConfig, Engine, Event, SessionConfig};
    use crate::clock::Instant;
    use crate::sys::wall;

    /// Facts: 24.11
    #[test]
    fn what_is_dumped_of_a_session() {
        let now = Instant::from_micros(5_000_000);
        let config = SessionConfig {
            source: Some([192, 0, 2, 1].into()),
            ..session("one", [192, 0, 2, 2].into())
        };
        let port = config.port();
        let mut engine = Engine::new(
            now,
            BfdConfig {
                sessions: vec![config],
            },
            1,
        );
        let datagram = Datagram {
            port,
            source: [192, 0, 2, 2].into(),
            destination: None,
            ttl: Some(255),
            payload: vec![0; 3],
        };
        engine.handle(now, Event::Datagram(datagram));
        let text = sections(&engine.status(now), wall::now());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines.get(..6),
            Some(
                [
                    "------< BFD Data >------",
                    " Discarded, too short = 1",
                    "------< BFD Topology >------",
                    " BFD Instance = one",
                    "   Neighbor IP = 192.0.2.2",
                    "   Source IP = 192.0.2.1",
                ]
                .as_slice()
            )
        );
        for line in [
            "   State = Down",
            "   Desired min tx = 1000000 usecs",
            "   Required min rx = 10000 usecs",
            "   Remote discriminator = 0x00000000",
            "   Least TTL received = 255",
        ] {
            assert!(lines.contains(&line), "{line} is not in {text}");
        }
        assert!(!text.contains("Detection time"), "nothing was heard yet");
    }
}
