//! The difference for people: a line for each object, below it one for each setting, and the sum at the end.

use super::rest::MAIL;
use super::{Fate, Kind, ObjectDiff, PlanDiff};
use crate::change::{Changed, Changes, Effect, What};
use std::fmt;

/// The word behind what peers must have alike.
const FOLLOW: &str = "the peer must follow, or two masters may stand";
/// The word behind what waits.
const RESTART: &str = "has no effect before a restart";
/// As many things that are in the way are named in one line.
const NAMED: usize = 5;

impl PlanDiff {
    /// All of it.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        let mut kind: Option<Kind> = None;
        for object in &self.objects {
            if kind.replace(object.kind) != Some(object.kind) {
                lines.push(object.kind.word().to_owned());
            }
            lines.extend(object.lines().into_iter().map(|line| format!("  {line}")));
        }
        self.ended(lines)
    }

    /// What flaps, what peers must follow, what needs a restart, and the sum.
    pub fn brief(&self) -> String {
        self.ended(self.warnings().collect())
    }

    /// A line for each thing that flaps, that peers must follow or that needs a restart.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.worth(Effect::PeerMustFollow)
    }

    /// Why it is not hitless, in one line: the first few things that flap or need a restart, and how many more there are.
    pub fn obstacles(&self) -> String {
        let refused = self.refused.into_iter().map(str::to_owned);
        let mut all = refused.chain(self.worth(Effect::Flaps));
        let mut named: Vec<String> = all.by_ref().take(NAMED).collect();
        match all.count() {
            0 => {}
            more => named.push(format!("and {more} more")),
        }
        named.join("; ")
    }

    /// A line for each thing of which at least this comes.
    fn worth(&self, least: Effect) -> impl Iterator<Item = String> {
        self.objects.iter().flat_map(move |object| object.worth(least))
    }

    fn ended(&self, mut lines: Vec<String>) -> String {
        if let Some(why) = self.refused {
            lines.push(format!("The reload is refused: {why}"));
        }
        lines.push(self.to_string());
        lines.join("\n") + "\n"
    }

    /// How many objects of each fate there are.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for object in &self.objects {
            match object.fate {
                Fate::Comes(_) => counts.come += 1,
                Fate::Goes(_) => counts.go += 1,
                Fate::Changes(_) => counts.change += 1,
                Fate::BeginsAnew { .. } => counts.begin_anew += 1,
            }
            counts.flap += usize::from(object.flaps());
            counts.follow += usize::from(object.peer_must_follow());
            counts.restart += usize::from(object.any(Effect::Restart));
        }
        counts
    }
}

/// Of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) come: usize,
    pub(super) go: usize,
    pub(super) change: usize,
    pub(super) begin_anew: usize,
    /// Of all of those.
    pub(super) flap: usize,
    pub(super) follow: usize,
    pub(super) restart: usize,
}

/// The sum, in one line.
impl fmt::Display for PlanDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        if self.is_empty() {
            return write!(f, "Nothing changes; {} untouched", objects(self.untouched));
        }
        let mut parts = Vec::new();
        for (count, one, more) in [
            (counts.come, "comes", "come"),
            (counts.go, "goes", "go"),
            (counts.change, "changes", "change"),
            (counts.begin_anew, "begins anew", "begin anew"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {}", if count == 1 { one } else { more }));
            }
        }
        write!(
            f,
            "{} ({}), {} untouched; ",
            objects(self.objects.len()),
            parts.join(", "),
            self.untouched
        )?;
        match counts.flap {
            0 => f.write_str("nothing flaps")?,
            flap => write!(f, "{flap} {}", if flap == 1 { "flaps" } else { "flap" })?,
        }
        if counts.follow > 0 {
            write!(f, "; peers must follow in {}", counts.follow)?;
        }
        if counts.restart > 0 {
            write!(f, "; a restart is needed for {}", counts.restart)?;
        }
        Ok(())
    }
}

fn objects(count: usize) -> String {
    format!("{count} {}", if count == 1 { "object" } else { "objects" })
}

impl ObjectDiff {
    /// The object, and its settings below it.
    fn lines(&self) -> Vec<String> {
        let name = &self.name;
        let (sign, changes) = match &self.fate {
            Fate::Comes(changes) => ('+', changes),
            Fate::Goes(changes) => ('-', changes),
            Fate::Changes(changes) if self.flaps() => ('!', changes),
            Fate::Changes(changes) => ('~', changes),
            Fate::BeginsAnew { why, effect } => {
                let sign = if *effect == Effect::Flaps { '!' } else { '~' };
                return vec![format!("{sign} {name}: begins anew ({why})")];
            }
        };
        let mut lines = vec![format!("{sign} {name}")];
        lines.extend(changes.iter().map(|changed| format!("    {}", line(changed))));
        lines
    }

    /// Its kind and its name, where the name alone does not say both.
    fn title(&self) -> String {
        let (kind, name) = (self.kind.word(), &self.name);
        let speaks = kind.eq_ignore_ascii_case(name) || (self.kind == Kind::Notify && name == MAIL);
        if speaks {
            name.clone()
        } else {
            format!("{kind} {name}")
        }
    }

    fn worth(&self, least: Effect) -> Vec<String> {
        let about = self.title();
        let of = |changes: &Changes| -> Vec<String> {
            let worth = changes.iter().filter(|changed| changed.effect >= least);
            worth
                .map(|changed| format!("{about}: {}", words(changed)))
                .collect()
        };
        match &self.fate {
            Fate::Comes(changes) | Fate::Goes(changes) | Fate::Changes(changes) => of(changes),
            Fate::BeginsAnew { why, effect } if *effect >= least => {
                vec![format!("{about}: begins anew ({why})")]
            }
            Fate::BeginsAnew { .. } => Vec::new(),
        }
    }
}

/// A setting with its sign.
fn line(changed: &Changed) -> String {
    let sign = match (&changed.what, changed.effect) {
        (_, Effect::Flaps) => '!',
        (What::Added(_), _) => '+',
        (What::Removed(_), _) => '-',
        (What::Value { .. } | What::Hidden | What::Reordered, _) => '~',
    };
    format!("{sign} {}", words(changed))
}

/// A setting, and what its change means beyond itself.
pub(super) fn words(changed: &Changed) -> String {
    let keyword = changed.keyword;
    let text = match &changed.what {
        What::Value { from, to } => format!("{keyword}: {from} -> {to}"),
        What::Hidden => format!("{keyword}: another value"),
        What::Added(entry) | What::Removed(entry) => format!("{keyword}: {entry}"),
        What::Reordered => format!("{keyword}: another order"),
    };
    let mut more: Vec<&str> = changed.why.iter().map(AsRef::as_ref).collect();
    match changed.effect {
        Effect::Live | Effect::Flaps => {}
        Effect::PeerMustFollow => more.push(FOLLOW),
        Effect::Restart => more.push(RESTART),
    }
    if more.is_empty() {
        text
    } else {
        format!("{text} ({})", more.join("; "))
    }
}
