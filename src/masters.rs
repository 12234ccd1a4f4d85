//! Which VRRP instances are MASTER, for those who follow one by its name: names are those of one configuration.
//!
//! A reload may rename an instance, and reaches who is MASTER and who follows at different moments. So the news says whose
//! names these are, and who runs another configuration leaves what follows them as it is.

use std::collections::BTreeSet;

/// The news of who is MASTER.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masters {
    /// The number of the configuration whose names these are: each that is tried has the next one. 0: none ran yet.
    number: u64,
    names: BTreeSet<String>,
}

impl Masters {
    /// These, by the names in the configuration `number`.
    pub const fn new(number: u64, names: BTreeSet<String>) -> Self {
        Self { number, names }
    }

    /// The names of those that are MASTER, for one who runs the configuration `number`; nothing, if its instances are not
    /// known yet, or others are already.
    pub fn of(&self, number: u64) -> Option<&BTreeSet<String>> {
        (self.number == number).then_some(&self.names)
    }

    /// Takes over newer news. Whether it is any: who has been replaced by a newer configuration is not heard any more.
    pub fn renew(&mut self, new: Self) -> bool {
        let news = new.number >= self.number && new != *self;
        if news {
            *self = new;
        }
        news
    }

    /// An instance has become MASTER, or is none any more, says one who runs the configuration `number`. Whether that is
    /// heard.
    pub fn turn(&mut self, number: u64, name: String, master: bool) -> bool {
        number == self.number
            && if master {
                self.names.insert(name)
            } else {
                self.names.remove(&name)
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_mean_something_to_those_only_who_run_the_same_configuration() {
        let mut news = Masters::new(2, names(&["A"]));
        assert_eq!(news.of(1), None);
        assert_eq!(news.of(2), Some(&names(&["A"])));
        assert_eq!(news.of(3), None);
        assert!(news.renew(Masters::new(3, names(&["B"]))));
        assert_eq!(news.of(2), None);
        assert_eq!(news.of(3), Some(&names(&["B"])));
        assert!(!news.renew(Masters::new(3, names(&["B"]))), "known");
        assert!(!news.renew(Masters::new(2, names(&["A"]))), "old");
        assert!(news.renew(Masters::new(3, names(&[]))));
        assert_eq!(news.of(3), Some(&names(&[])));
    }

    #[test]
    fn turns_count_in_the_names_of_the_same_configuration_only() {
        let mut news = Masters::new(2, names(&["A"]));
        assert!(!news.turn(1, "A".into(), false));
        assert!(!news.turn(3, "B".into(), true));
        assert!(news.turn(2, "B".into(), true));
        assert!(!news.turn(2, "B".into(), true));
        assert!(news.turn(2, "A".into(), false));
        assert_eq!(news, Masters::new(2, names(&["B"])));
    }
}
