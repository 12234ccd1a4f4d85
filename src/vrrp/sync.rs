//! Sync groups: a coordinator above plain routers (facts 15).
//!
//! Each member says what it wishes, the group answers with orders, and the engine carries all of them out inside one
//! `handle`: nobody ever sees a group half-switched. A router without a group is a group of one.

use super::priority::Standing;
use super::status::StateName;

/// A member as the coordinator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) state: StateName,
    pub(super) standing: Standing,
    pub(super) wish: Wish,
}

/// Where a member wants to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nowhere.
    Stay,
    /// BACKUP whose timer ran out, or what was MASTER before the start.
    Master,
    /// MASTER that heard a better one or lost an address.
    Backup,
}

/// Where a member has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Nowhere.
    Stay,
    /// To BACKUP.
    Backup,
    /// To MASTER.
    Master,
    /// To FAULT.
    Fault,
}

impl Member {
    /// Whether it would go there without its group.
    pub(super) fn goes_by_itself(&self, order: Order) -> bool {
        match order {
            Order::Stay => false,
            Order::Backup => self.wish == Wish::Backup,
            Order::Master => self.wish == Wish::Master,
            Order::Fault => self.standing == Standing::Faulty,
        }
    }
}

/// The orders for `members`, one for each, such that afterwards all are in one state (or in INIT, undecided).
pub(super) fn settle(members: &[Member]) -> Vec<Order> {
    let standing = members.iter().map(|m| m.standing).max().unwrap_or(Standing::Fit);
    let order = |m: &Member| match standing {
        Standing::Faulty if m.state == StateName::Fault => Order::Stay,
        Standing::Faulty => Order::Fault,
        Standing::Undecided => match m.state {
            // The undecided one was added by a reload to a group at work; it is not waited for.
            StateName::Master if m.wish == Wish::Backup => Order::Backup,
            StateName::Init | StateName::Fault | StateName::Backup | StateName::Master => Order::Stay,
        },
        Standing::Fit => among_fit(members, m),
    };
    members.iter().map(order).collect()
}

/// Nobody is at fault: what `m` has to do.
fn among_fit(members: &[Member], m: &Member) -> Order {
    let masters = members.iter().any(|m| m.state == StateName::Master);
    let ready = |m: &Member| match m.state {
        StateName::Master => m.wish != Wish::Backup,
        StateName::Backup => m.wish == Wish::Master,
        // A newcomer to a group that rules joins it at once.
        StateName::Init => masters || m.wish == Wish::Master,
        StateName::Fault => false,
    };
    let all_ready = members.iter().all(ready);
    match m.state {
        StateName::Master if all_ready => Order::Stay,
        StateName::Master => Order::Backup,
        StateName::Backup | StateName::Init if all_ready => Order::Master,
        StateName::Init | StateName::Fault => Order::Backup,
        StateName::Backup => Order::Stay,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StateName::{Backup as B, Fault as F, Init as I, Master as M};

    /// A letter each: state (small: it wishes to leave it), then `-` fit, `?` undecided, `!` faulty.
    fn member(text: &str) -> Member {
        let mut chars = text.chars();
        let state = chars.next().unwrap();
        Member {
            state: match state.to_ascii_uppercase() {
                'I' => I,
                'B' => B,
                'M' => M,
                'F' => F,
                other => panic!("{other}"),
            },
            wish: match state {
                'b' => Wish::Master,
                'm' => Wish::Backup,
                _ => Wish::Stay,
            },
            standing: match chars.next().unwrap() {
                '-' => Standing::Fit,
                '?' => Standing::Undecided,
                '!' => Standing::Faulty,
                other => panic!("{other}"),
            },
        }
    }

    /// Facts: 15.2, 15.3
    #[test]
    fn every_mix_has_its_orders() {
        // members → orders (. stay, B, M, F)
        let table = [
            // Groups of one.
            ("I-", "B"),
            ("I?", "."),
            ("I!", "F"),
            ("B-", "."),
            ("b-", "M"),
            ("B!", "F"),
            ("b!", "F"),
            ("M-", "."),
            ("m-", "B"),
            ("M!", "F"),
            ("m!", "F"),
            ("F-", "B"),
            ("F?", "."),
            ("F!", "."),
            // Start.
            ("I- I-", "B B"),
            ("I- I?", ". ."),
            ("I- I!", "F F"),
            ("I? I!", "F F"),
            // MASTER only when all want it.
            ("b- B-", ". ."),
            ("b- b-", "M M"),
            ("b- b- B-", ". . ."),
            // BACKUP as soon as one wants it.
            ("m- M-", "B B"),
            ("M- m- M-", "B B B"),
            // FAULT as soon as one is at fault, until none is.
            ("M- M!", "F F"),
            ("B- B!", "F F"),
            ("F- F!", ". ."),
            ("F- F?", ". ."),
            ("F- F-", "B B"),
            // Mixed by a reload.
            ("M- B-", "B ."),
            ("M- b-", ". M"),
            ("M- I-", ". M"),
            ("m- I-", "B B"),
            ("B- I-", ". B"),
            ("b- I-", ". B"),
            ("F- I-", "B B"),
            ("M- F-", "B B"),
            ("M- I!", "F F"),
            ("M- I?", ". ."),
            ("m- I?", "B ."),
        ];
        for (members, orders) in table {
            let members_: Vec<_> = members.split(' ').map(member).collect();
            let expected: Vec<_> = orders
                .split(' ')
                .map(|o| match o {
                    "." => Order::Stay,
                    "B" => Order::Backup,
                    "M" => Order::Master,
                    "F" => Order::Fault,
                    other => panic!("{other}"),
                })
                .collect();
            assert_eq!(settle(&members_), expected, "{members}");
        }
    }

    /// Facts: 15.3
    #[test]
    fn one_settling_is_enough_whatever_the_mix() {
        let kinds = [
            "I-", "I?", "I!", "B-", "b-", "B!", "M-", "m-", "M!", "F-", "F?", "F!",
        ];
        for a in kinds {
            for b in kinds {
                for c in kinds {
                    let mut members = [member(a), member(b), member(c)];
                    let orders = settle(&members);
                    for (m, order) in members.iter_mut().zip(orders) {
                        m.state = match order {
                            Order::Stay => continue,
                            Order::Backup => B,
                            Order::Master => M,
                            Order::Fault => F,
                        };
                        m.wish = Wish::Stay;
                    }
                    assert!(
                        settle(&members).iter().all(|o| *o == Order::Stay),
                        "{a} {b} {c}: {members:?}"
                    );
                    let masters = members.iter().filter(|m| m.state == M).count();
                    let undecided = members.iter().any(|m| m.standing == Standing::Undecided);
                    assert!(
                        undecided || masters == 0 || masters == 3,
                        "{a} {b} {c}: split: {members:?}"
                    );
                }
            }
        }
    }
}
