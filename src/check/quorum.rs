//! Quorum with hysteresis (facts 6.1, 4.7): when a virtual server has enough live weight.

/// `quorum` and `hysteresis` of a virtual server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// `quorum`
    pub quorum: u32,
    /// `hysteresis`
    pub hysteresis: u32,
}

/// A quorum that turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It was down and is up now.
    Gained,
    /// It was up and is down now.
    Lost,
}

impl Quorum {
    /// Whether `weight`, the sum over the live servers, turns a quorum that is `up`.
    ///
    /// Gained at `quorum` + `hysteresis`; lost below `quorum` − `hysteresis`, and always at weight 0.
    /// A quorum of 0 (fact 2.16) needs some weight too, or it would turn at every look.
    pub fn judge(self, up: bool, weight: u64) -> Option<Turn> {
        let enough = u64::from(self.quorum) + u64::from(self.hysteresis);
        let least = u64::from(self.quorum.saturating_sub(self.hysteresis));
        if up {
            (weight == 0 || weight < least).then_some(Turn::Lost)
        } else {
            (weight > 0 && weight >= enough).then_some(Turn::Gained)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_at_the_limits_and_not_between() {
        let judge = |quorum, hysteresis, up, weight| Quorum { quorum, hysteresis }.judge(up, weight);
        for (quorum, hysteresis, up, weight, turn) in [
            (1, 0, false, 0, None),
            (1, 0, false, 1, Some(Turn::Gained)),
            (1, 0, true, 1, None),
            (1, 0, true, 0, Some(Turn::Lost)),
            (5, 2, false, 6, None),
            (5, 2, false, 7, Some(Turn::Gained)),
            (5, 2, true, 3, None),
            (5, 2, true, 2, Some(Turn::Lost)),
            // No weight at all is never enough, whatever the figures.
            (3, 3, true, 0, Some(Turn::Lost)),
            (0, 0, false, 0, None),
            (0, 0, false, 1, Some(Turn::Gained)),
            (u32::MAX, u32::MAX, false, 7, None),
        ] {
            assert_eq!(
                judge(quorum, hysteresis, up, weight),
                turn,
                "{quorum}±{hysteresis} {up} {weight}"
            );
        }
    }
}
