//! The language of the control socket: a line of JSON asks, a line of JSON answers.
//!
//! What is asked is hostile until it was understood as a whole; members that nobody knows are refused, so that no
//! option is ever ignored in silence. An answer has the version of its form, an exit status for the command that asked, and
//! whatever else there is to say.

use crate::daemon::exit::FAILED;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// The version of the answers' form. It grows when a member changes its meaning or goes.
const SCHEMA: u32 = 1;

/// The most octets of a request.
pub(in crate::daemon) const MOST: usize = 64 << 10;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) enum Request {
    /// Say what a reload would do.
    Plan {
        /// Of this file instead of the daemon's own.
        file: Option<PathBuf>,
        /// In short.
        brief: bool,
    },
    /// Reload.
    Reload {
        /// Not if something would flap or needs a restart.
        require_hitless: bool,
        /// The answer comes when it has been carried out.
        wait: bool,
    },
}

impl Request {
    /// Understands a line.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        let value: Value =
            serde_json::from_slice(line).map_err(|error| format!("The request is no JSON: {error}"))?;
        let Value::Object(mut members) = value else {
            return Err("The request is no JSON object".to_owned());
        };
        let command = match members.remove("command") {
            Some(Value::String(command)) => command,
            Some(_) => return Err("\"command\" is no text".to_owned()),
            None => return Err("\"command\" is missing".to_owned()),
        };
        let request = match command.as_str() {
            "plan" => Self::Plan {
                file: file(&mut members)?,
                brief: flag(&mut members, "brief")?,
            },
            "reload" => Self::Reload {
                require_hitless: flag(&mut members, "require_hitless")?,
                wait: flag(&mut members, "wait")?,
            },
            _ => return Err(format!("Unknown command {}", quoted(&command))),
        };
        match members.keys().next() {
            Some(other) => Err(format!("{command} takes no {}", quoted(other))),
            None => Ok(request),
        }
    }

    /// The line that asks for this.
    ///
    /// # Errors
    /// When a file's name cannot be said.
    pub(super) fn line(&self) -> Result<String, String> {
        let value = match self {
            Self::Plan { file, brief } => {
                let file = file.as_ref().map(|path| {
                    let name = path.to_str();
                    name.ok_or_else(|| {
                        format!("{}: a name that is no UTF-8 cannot be asked for", path.display())
                    })
                });
                let mut value = json!({ "command": "plan", "brief": brief });
                if let (Some(name), Some(members)) = (file.transpose()?, value.as_object_mut()) {
                    members.insert("file".to_owned(), name.into());
                }
                value
            }
            Self::Reload {
                require_hitless,
                wait,
            } => json!({ "command": "reload", "require_hitless": require_hitless, "wait": wait }),
        };
        Ok(format!("{value}\n"))
    }
}

fn flag(members: &mut Map<String, Value>, name: &str) -> Result<bool, String> {
    match members.remove(name) {
        None => Ok(false),
        Some(Value::Bool(given)) => Ok(given),
        Some(_) => Err(format!("\"{name}\" is neither true nor false")),
    }
}

fn file(members: &mut Map<String, Value>) -> Result<Option<PathBuf>, String> {
    match members.remove("file") {
        None => Ok(None),
        Some(Value::String(name)) if name.starts_with('/') && !name.contains('\0') => Ok(Some(name.into())),
        Some(_) => Err("\"file\" is no absolute path".to_owned()),
    }
}

/// A word of theirs as it may be shown: not too long, and no control characters.
fn quoted(word: &str) -> String {
    Value::from(word.chars().take(40).collect::<String>()).to_string()
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::daemon) struct Answer(Map<String, Value>);

impl Answer {
    /// With the exit status of the command that asked.
    pub(in crate::daemon) fn new(status: u8) -> Self {
        let mut members = Map::new();
        members.insert("schema".to_owned(), SCHEMA.into());
        members.insert("status".to_owned(), status.into());
        Self(members)
    }

    /// It was not done, and why.
    pub(in crate::daemon) fn refusal(status: u8, why: impl Into<String>) -> Self {
        Self::new(status).with("error", why.into())
    }

    /// With one more member.
    #[must_use]
    pub(in crate::daemon) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Understands a line of a daemon.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        let Ok(Value::Object(members)) = serde_json::from_slice(line) else {
            return Err("the answer is none".to_owned());
        };
        if members.get("schema") != Some(&SCHEMA.into()) {
            return Err("the daemon is of another version and answers in another form".to_owned());
        }
        Ok(Self(members))
    }

    /// The exit status; that of a failure where there is none that fits.
    pub(in crate::daemon) fn status(&self) -> u8 {
        let status = self.0.get("status").and_then(Value::as_u64);
        status
            .and_then(|status| u8::try_from(status).ok())
            .unwrap_or(FAILED)
    }

    /// A member that is text.
    pub(in crate::daemon) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A member.
    pub(in crate::daemon) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The whole, as it goes over the socket.
    pub(super) fn line(&self) -> String {
        format!("{}\n", Value::Object(self.0.clone()))
    }

    /// For programs that read what a command prints: without what was made for people.
    pub(in crate::daemon) fn document(&self) -> String {
        let mut members = self.0.clone();
        for texts in ["text", "messages"] {
            members.shift_remove(texts);
        }
        format!("{:#}\n", Value::Object(members))
    }
}
