//! `bfd_instance`.

use super::{Printer, word};
use crate::bfd::{BfdConfig, SessionConfig};
use std::time::Duration;

impl Printer {
    /// The sessions; they must stand before what tracks them.
    pub(super) fn bfd(&mut self, bfd: &BfdConfig) {
        for session in &bfd.sessions {
            self.session(session);
        }
    }

    fn session(&mut self, session: &SessionConfig) {
        let SessionConfig {
            name,
            neighbor,
            source,
            min_rx,
            min_tx,
            idle_tx,
            multiplier,
            passive,
            ttl,
            max_hops,
            multihop,
            weight,
            reverse,
            vrrp,
            checker,
        } = session;
        self.block(&format!("bfd_instance {}", word(name)), |out| {
            out.set("neighbor_ip", neighbor);
            if let Some(source) = source {
                out.set("source_ip", source);
            }
            out.set("min_rx", millis(*min_rx));
            out.set("min_tx", millis(*min_tx));
            out.set("idle_tx", millis(*idle_tx));
            out.set("multiplier", multiplier);
            out.flag("passive", *passive);
            out.set("ttl", ttl);
            out.set("max_hops", max_hops.map_or(-1, i16::from));
            out.boolean("multihop", *multihop);
            let reverse = if *reverse { " reverse" } else { "" };
            out.set("weight", format!("{weight}{reverse}"));
            out.flag("vrrp", *vrrp);
            out.flag("checker", *checker);
        });
    }
}

/// Milliseconds, with as many decimals as there are.
fn millis(time: Duration) -> String {
    let micros = time.as_micros();
    match micros % 1_000 {
        0 => (micros / 1_000).to_string(),
        rest => format!("{}.{rest:03}", micros / 1_000)
            .trim_end_matches('0')
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds_with_decimals() {
        for (micros, wanted) in [
            (10_000, "10"),
            (1_500, "1.5"),
            (1_001, "1.001"),
            (4_294_967_000, "4294967"),
        ] {
            assert_eq!(millis(Duration::from_micros(micros)), wanted);
        }
    }
}
