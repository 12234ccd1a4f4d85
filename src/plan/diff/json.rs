//! The difference for programs.

use super::{Fate, ObjectDiff, PlanDiff};
use crate::change::{Changed, Changes, What};
use serde_json::{Value, json};

/// The version of the document's form. It grows when a member changes its meaning or goes.
const SCHEMA: u32 = 1;

impl PlanDiff {
    /// One document.
    pub fn json(&self) -> Value {
        let counts = self.counts();
        json!({
            "schema": SCHEMA,
            "effect": self.effect().map(|effect| effect.name()),
            "hitless": self.is_hitless(),
            "refused": self.refused,
            "summary": {
                "come": counts.come,
                "go": counts.go,
                "change": counts.change,
                "begin_anew": counts.begin_anew,
                "flap": counts.flap,
                "peer_must_follow": counts.follow,
                "restart": counts.restart,
                "untouched": self.untouched,
            },
            "objects": self.objects.iter().map(ObjectDiff::json).collect::<Vec<_>>(),
        })
    }
}

impl ObjectDiff {
    fn json(&self) -> Value {
        let nothing = Changes::default();
        let (fate, why, changes) = match &self.fate {
            Fate::Comes(changes) => ("comes", None, changes),
            Fate::Goes(changes) => ("goes", None, changes),
            Fate::Changes(changes) => ("changes", None, changes),
            Fate::BeginsAnew { why, effect: _ } => ("begins_anew", Some(why), &nothing),
        };
        json!({
            "kind": self.kind.word(),
            "name": self.name,
            "fate": fate,
            "effect": self.effect().name(),
            "why": why,
            "changes": changes.iter().map(setting).collect::<Vec<_>>(),
        })
    }
}

/// A setting: what of `from` and `to`, `added`, `removed` or `reordered` it has depends on what has become of it; a secret
/// has none.
fn setting(changed: &Changed) -> Value {
    let mut object = json!({
        "keyword": changed.keyword,
        "effect": changed.effect.name(),
        "why": changed.why,
    });
    if let Some(members) = object.as_object_mut() {
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        match &changed.what {
            What::Value { from, to } => {
                put("from", from.as_str().into());
                put("to", to.as_str().into());
            }
            What::Hidden => {}
            What::Added(entry) => {
                put("added", entry.as_str().into());
            }
            What::Removed(entry) => {
                put("removed", entry.as_str().into());
            }
            What::Reordered => {
                put("reordered", true.into());
            }
        }
    }
    object
}
