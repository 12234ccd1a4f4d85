//! What a reload changes of one object: which settings, and what each change means for what runs.
//!
//! The configuration types of the rooms have `absorb`, which takes both sides apart completely and notes what
//! differs here: a new field does not compile until somebody has said what its change means.

mod show;
#[cfg(test)]
mod tests;

pub use show::Show;
pub(crate) use show::shown_as_displayed;

use std::borrow::Cow;
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

    /// The word for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::PeerMustFollow => "peer_must_follow",
            Self::Flaps => "flaps",
            Self::Restart => "restart",
        }
    }
}

/// A setting that is not the same any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// keepalived's keyword.
    pub keyword: &'static str,
    /// What has become of it.
    pub what: What,
    /// What that means.
    pub effect: Effect,
    /// Why it means that, where it is no matter of course.
    pub why: Option<Cow<'static, str>>,
}

/// What becomes of a setting; nothing of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It has another value.
    Value {
        /// The old one.
        from: String,
        /// The new one.
        to: String,
    },
    /// It has another value, which is secret or cannot be shown.
    Hidden,
    /// It is a list, and this comes.
    Added(String),
    /// It is a list, and this goes.
    Removed(String),
    /// It is a list with the same entries in another order.
    Reordered,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword)?;
        match &self.what {
            What::Value { from, to } => write!(f, ": {from} -> {to}"),
            What::Hidden => f.write_str(": another value"),
            What::Added(entry) => write!(f, ": + {entry}"),
            What::Removed(entry) => write!(f, ": - {entry}"),
            What::Reordered => f.write_str(": another order"),
        }
    }
}

/// All settings of one object that are not the same any more, in the order in which they were compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(Vec<Changed>);

impl Changes {
    /// Notes a setting if it differs.
    pub fn note<T: PartialEq + Show>(&mut self, keyword: &'static str, old: &T, new: &T, effect: Effect) {
        if old != new {
            self.push(keyword, differs(old, new), effect);
        }
    }

    /// Notes a setting that is taken over while it runs, if it differs.
    pub fn live<T: PartialEq + Show>(&mut self, keyword: &'static str, old: &T, new: &T) {
        self.note(keyword, old, new, Effect::Live);
    }

    /// Notes a setting that peers must have alike, if it differs.
    pub fn peers<T: PartialEq + Show>(&mut self, keyword: &'static str, old: &T, new: &T) {
        self.note(keyword, old, new, Effect::PeerMustFollow);
    }

    /// Notes a setting that interrupts something, if it differs, and why it does.
    pub fn flaps<T: PartialEq + Show>(
        &mut self,
        keyword: &'static str,
        old: &T,
        new: &T,
        why: impl Into<Cow<'static, str>>,
    ) {
        if old != new {
            self.add(Changed {
                keyword,
                what: differs(old, new),
                effect: Effect::Flaps,
                why: Some(why.into()),
            });
        }
    }

    /// Notes a setting whose values are secret or cannot be shown, if it differs.
    pub fn hidden<T: PartialEq>(&mut self, keyword: &'static str, old: &T, new: &T, effect: Effect) {
        if old != new {
            self.push(keyword, What::Hidden, effect);
        }
    }

    /// Notes the entries of a list that come and go, each that changes anything while it runs.
    pub fn list<T: PartialEq + Show>(&mut self, keyword: &'static str, old: &[T], new: &[T]) {
        let Parted {
            gone,
            come,
            reordered,
        } = part(old, new, |a, b| a == b);
        for entry in gone {
            self.push(keyword, What::Removed(entry.show()), Effect::Live);
        }
        for entry in come {
            self.push(keyword, What::Added(entry.show()), Effect::Live);
        }
        if reordered {
            self.push(keyword, What::Reordered, Effect::Live);
        }
    }

    /// Notes what has become of a setting.
    pub fn push(&mut self, keyword: &'static str, what: What, effect: Effect) {
        self.add(Changed {
            keyword,
            what,
            effect,
            why: None,
        });
    }

    /// Notes a change.
    pub fn add(&mut self, changed: Changed) {
        self.0.push(changed);
    }

    /// Who knows more of this setting says it instead.
    pub fn forget(&mut self, keyword: &str) {
        self.0.retain(|changed| changed.keyword != keyword);
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

    /// Each of them, to be judged once more by who knows more.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Changed> {
        self.0.iter_mut()
    }

    /// The worst that comes of them; nothing if nothing has changed.
    pub fn effect(&self) -> Option<Effect> {
        self.0.iter().map(|changed| changed.effect).max()
    }
}

impl<'a> IntoIterator for &'a Changes {
    type Item = &'a Changed;
    type IntoIter = std::slice::Iter<'a, Changed>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Two values that differ, as far as that can be seen.
fn differs<T: Show>(old: &T, new: &T) -> What {
    let (from, to) = (old.show(), new.show());
    if from == to {
        What::Hidden
    } else {
        What::Value { from, to }
    }
}

/// How two lists differ.
pub struct Parted<'a, T> {
    /// The first has these alone.
    pub gone: Vec<&'a T>,
    /// The second has these alone.
    pub come: Vec<&'a T>,
    /// What both have stands in another order.
    pub reordered: bool,
}

/// What of `old` has nothing that is the `same` in `new`, and the other way round. Quick where lists are nearly alike.
pub fn part<'a, T>(old: &'a [T], new: &'a [T], same: impl Fn(&T, &T) -> bool) -> Parted<'a, T> {
    let alike = old.iter().zip(new).take_while(|(a, b)| same(a, b)).count();
    let (old, new) = (old.get(alike..).unwrap_or(&[]), new.get(alike..).unwrap_or(&[]));
    let ends = old.iter().rev().zip(new.iter().rev());
    let alike = ends.take_while(|(a, b)| same(a, b)).count();
    let most = |all: &'a [T]| all.get(..all.len().saturating_sub(alike)).unwrap_or(&[]);
    let (old, new) = (most(old), most(new));
    // Each entry of `new` is the counterpart of one of `old` at most.
    let mut free: Vec<bool> = vec![true; new.len()];
    let (mut gone, mut last, mut reordered) = (Vec::new(), 0, false);
    for entry in old {
        let mut places = new.iter().zip(&mut free).enumerate();
        match places.find(|(_, (other, free))| **free && same(entry, other)) {
            Some((at, (_, free))) => {
                *free = false;
                reordered |= at < last;
                last = at;
            }
            None => gone.push(entry),
        }
    }
    let come = new
        .iter()
        .zip(free)
        .filter_map(|(entry, free)| free.then_some(entry));
    Parted {
        gone,
        come: come.collect(),
        reordered,
    }
}
