//! What a reload changes of one object: which settings, and what each change means for what runs.
//!
//! The configuration types of the rooms have `absorb(&old, &new)`, which takes both sides apart completely and notes what
//! differs here: a new field does not compile until somebody has said what its change means.

use std::fmt;

/// What the change of a setting means for what runs; the worse, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It is taken over while it runs, and nobody notices.
    Live,
    /// It is taken over while it runs; until the peers have the same, they do not understand each other, and two masters
    /// may stand.
    PeerMustFollow,
    /// What was there goes, and begins anew: traffic may notice.
    Flaps,
    /// It has no effect before the daemon is restarted.
    Restart,
}

impl Effect {
    /// The word in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "in place",
            Self::PeerMustFollow => "live, peer must follow",
            Self::Flaps => "flaps",
            Self::Restart => "needs a restart",
        }
    }
}

/// A setting that is not the same any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// keepalived's keyword.
    pub keyword: &'static str,
    /// What it was and what it becomes, in words; nothing of a secret.
    pub values: Option<(String, String)>,
    /// What that means.
    pub effect: Effect,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword)?;
        if let Some((from, to)) = &self.values {
            write!(f, ": {from} -> {to}")?;
        }
        Ok(())
    }
}

/// All settings of one object that are not the same any more, in the order in which they were compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(Vec<Changed>);

impl Changes {
    /// Notes a setting that differs; its values are shown by `show`.
    pub fn note<T: PartialEq>(
        &mut self,
        keyword: &'static str,
        old: &T,
        new: &T,
        effect: Effect,
        show: impl Fn(&T) -> String,
    ) {
        if old != new {
            self.0.push(Changed {
                keyword,
                values: Some((show(old), show(new))),
                effect,
            });
        }
    }

    /// Notes a setting that differs and whose values are secret, or too long to be shown.
    pub fn note_hidden<T: PartialEq>(&mut self, keyword: &'static str, old: &T, new: &T, effect: Effect) {
        if old != new {
            self.0.push(Changed {
                keyword,
                values: None,
                effect,
            });
        }
    }

    /// All of `others` too.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Nothing has changed.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Changed> {
        self.0.iter()
    }

    /// The worst that comes of them; nothing if nothing has changed.
    pub fn effect(&self) -> Option<Effect> {
        self.0.iter().map(|changed| changed.effect).max()
    }
}
