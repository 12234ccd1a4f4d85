//! Names of routing tables, realms, scopes, protocols, TOS values and interface groups (grammar 6.7). Pure.
//!
//! Owns [`Names`], and how a line of an iproute2 table is read. `source::names` reads the files.

use std::collections::HashMap;

/// What is named: one table of iproute2 each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Routing tables.
    Table,
    /// Realms.
    Realm,
    /// Scopes of routes and addresses.
    Scope,
    /// Who made a route or rule.
    Proto,
    /// Differentiated services, TOS.
    Dsfield,
    /// Groups of interfaces.
    Group,
    /// Who made an address.
    AddrProto,
}

impl Kind {
    pub(super) const ALL: [Self; 7] = [
        Self::Table,
        Self::Realm,
        Self::Scope,
        Self::Proto,
        Self::Dsfield,
        Self::Group,
        Self::AddrProto,
    ];

    /// The name of its file.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Table => "rt_tables",
            Self::Realm => "rt_realms",
            Self::Scope => "rt_scopes",
            Self::Proto => "rt_protos",
            Self::Dsfield => "rt_dsfield",
            Self::Group => "group",
            Self::AddrProto => "rt_addrprotos",
        }
    }

    /// The greatest number of the kind.
    const fn most(self) -> u32 {
        match self {
            Self::Table | Self::Group => u32::MAX,
            Self::Realm | Self::Scope | Self::Proto | Self::Dsfield | Self::AddrProto => 255,
        }
    }

    /// Names that hold without any file, unless a file gives their number another name.
    const fn built_in(self) -> &'static [(u32, &'static str)] {
        match self {
            Self::Table => &[(253, "default"), (254, "main"), (255, "local")],
            Self::Scope => &[
                (0, "global"),
                (200, "site"),
                (253, "link"),
                (254, "host"),
                (255, "nowhere"),
            ],
            Self::Proto => &[
                (0, "none"),
                (1, "redirect"),
                (2, "kernel"),
                (3, "boot"),
                (4, "static"),
                (8, "gated"),
                (9, "ra"),
                (10, "mrt"),
                (11, "zebra"),
                (12, "bird"),
                (13, "dnrouted"),
                (14, "xorp"),
                (15, "ntk"),
                (16, "dhcp"),
                (42, "babel"),
            ],
            Self::Realm | Self::Dsfield | Self::Group | Self::AddrProto => &[],
        }
    }
}

/// The names that hold while a configuration is read. A word that is a number in any base of C is its own value.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// What the files say, in the order in which they were read.
    named: HashMap<Kind, Vec<(u32, String)>>,
}

impl Names {
    /// Takes in the `text` of a file of `kind`; of two lines with the same name the later one counts.
    pub(super) fn add(&mut self, kind: Kind, text: &str) {
        let lines = text.lines().filter_map(|line| entry(kind, line));
        self.named.entry(kind).or_default().extend(lines);
    }

    /// The number of `word`; `None` when it is neither a name nor a number of the kind.
    pub fn number(&self, kind: Kind, word: &str) -> Option<u32> {
        if let Some(value) = c_number(word) {
            return u32::try_from(value).ok().filter(|value| *value <= kind.most());
        }
        let named = self.named.get(&kind).map_or([].as_slice(), Vec::as_slice);
        if let Some((value, _)) = named.iter().rev().find(|(_, name)| name == word) {
            return Some(*value);
        }
        let (value, _) = kind.built_in().iter().find(|(_, name)| *name == word)?;
        (!named.iter().any(|(other, _)| other == value)).then_some(*value)
    }

    /// A routing table.
    pub fn table(&self, word: &str) -> Option<u32> {
        self.number(Kind::Table, word)
    }

    /// A realm, at most 255.
    pub fn realm(&self, word: &str) -> Option<u32> {
        self.number(Kind::Realm, word)
    }

    /// A scope.
    pub fn scope(&self, word: &str) -> Option<u8> {
        self.octet(Kind::Scope, word)
    }

    /// The protocol of a route or rule.
    pub fn proto(&self, word: &str) -> Option<u8> {
        self.octet(Kind::Proto, word)
    }

    /// A TOS value.
    pub fn dsfield(&self, word: &str) -> Option<u8> {
        self.octet(Kind::Dsfield, word)
    }

    /// A group of interfaces.
    pub fn group(&self, word: &str) -> Option<u32> {
        self.number(Kind::Group, word)
    }

    /// The protocol of an address.
    pub fn addr_proto(&self, word: &str) -> Option<u8> {
        self.octet(Kind::AddrProto, word)
    }

    fn octet(&self, kind: Kind, word: &str) -> Option<u8> {
        self.number(kind, word).and_then(|value| u8::try_from(value).ok())
    }
}

/// `number name` and nothing else but a comment.
fn entry(kind: Kind, line: &str) -> Option<(u32, String)> {
    let text = line.split_once('#').map_or(line, |(text, _)| text);
    let mut words = text.split_whitespace();
    let (Some(number), Some(name), None) = (words.next(), words.next(), words.next()) else {
        return None;
    };
    let number = u32::try_from(c_number(number)?).ok()?;
    (number <= kind.most()).then(|| (number, name.to_owned()))
}

/// A number without sign as C reads it: decimal, hexadecimal after `0x`, octal after `0`.
pub(super) fn c_number(word: &str) -> Option<u64> {
    let (digits, base) = if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        (hex, 16)
    } else if word.len() > 1 && word.starts_with('0') {
        (word, 8)
    } else {
        (word, 10)
    };
    // `from_str_radix` takes a sign.
    (!digits.starts_with(['+', '-']))
        .then(|| u64::from_str_radix(digits, base).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_file() {
        let names = Names::default();
        for (kind, word, wanted) in [
            (Kind::Table, "main", Some(254)),
            (Kind::Table, "local", Some(255)),
            (Kind::Table, "4294967295", Some(u32::MAX)),
            (Kind::Table, "4294967296", None),
            (Kind::Table, "0x10", Some(16)),
            (Kind::Table, "010", Some(8)),
            (Kind::Table, "0", Some(0)),
            (Kind::Table, "08", None),
            (Kind::Table, "+1", None),
            (Kind::Table, "0x+1", None),
            (Kind::Table, "-1", None),
            (Kind::Table, "12x", None),
            (Kind::Table, "", None),
            (Kind::Table, "0x", None),
            (Kind::Scope, "nowhere", Some(255)),
            (Kind::Proto, "bird", Some(12)),
            (Kind::Proto, "babel", Some(42)),
            (Kind::Proto, "256", None),
            (Kind::Dsfield, "EF", None),
            (Kind::Group, "default", None),
        ] {
            assert_eq!(names.number(kind, word), wanted, "{kind:?} {word}");
        }
    }

    #[test]
    fn files_add_names_and_take_numbers() {
        let mut names = Names::default();
        names.add(
            Kind::Table,
            "# reserved\n254 primary\n 100\tblue # ours\n101 two words\nx y\n102\n0x67 hex\n100 azure\n",
        );
        names.add(Kind::Table, "200 blue\n");
        for (word, wanted) in [
            ("primary", Some(254)),
            ("main", None),
            ("local", Some(255)),
            ("blue", Some(200)),
            ("azure", Some(100)),
            ("two", None),
            ("hex", Some(103)),
        ] {
            assert_eq!(names.table(word), wanted, "{word}");
        }
        names.add(Kind::Dsfield, "0xB8\tEF\n0x100 large\n");
        assert_eq!((names.dsfield("EF"), names.dsfield("large")), (Some(0xb8), None));
    }
}
