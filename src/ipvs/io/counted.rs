//! Reading what the kernel's IPVS counts.

use super::{Client, TalkError};
use crate::ipvs::model::ServiceKey;
use crate::ipvs::stats::{ServiceStats, Statistics};
use crate::ipvs::wire::Message;
use std::collections::BTreeSet;

impl Client {
    /// Reads what is counted of those of `services` that are there, as long as somebody `waits` for it.
    pub fn statistics(
        &mut self,
        services: &BTreeSet<ServiceKey>,
        waits: impl Fn() -> bool,
    ) -> Result<Statistics, TalkError> {
        let mut all = Statistics::new();
        let read = |message: &Message| Some((message.service()?.0, message.service_traffic()));
        for (key, traffic) in self.dump(Message::services(), read)? {
            if !waits() {
                break;
            }
            if !services.contains(&key) {
                continue;
            }
            let destinations = self.dump(Message::destinations(&key), |message| {
                let (address, _) = message.destination(key.family())?;
                Some((address, message.destination_load()))
            });
            let destinations = match destinations {
                // It was deleted in between.
                Err(TalkError::Refused(_)) => continue,
                other => other?.into_iter().collect(),
            };
            all.insert(
                key,
                ServiceStats {
                    traffic,
                    destinations,
                },
            );
        }
        Ok(all)
    }
}
