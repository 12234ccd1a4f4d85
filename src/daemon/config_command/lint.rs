//! `config lint`: reads the files of one site, looks at this host as far as they are for it, and shows the findings.
//!
//! Starts nothing and changes nothing. What is found, and when it is said, is [`crate::lint`]'s.

use crate::cli::{Format, Options};
use crate::conf::config::Config;
use crate::conf::diag::{self, Class, Diagnostic};
use crate::conf::{Reading, Sources};
use crate::daemon::load::read;
use crate::lint::{self, Finding, Node, Surroundings, Writable};
use crate::netlink;
use crate::plan;
use crate::script::host::{FileStatus, Host, System};
use crate::script::safety::{self, Refusal, Remark};
use crate::sys::child::Credentials;
use crate::sys::netns;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Nothing was found.
const CLEAN: u8 = 0;
/// There are findings.
const FINDINGS: u8 = 1;
/// A file cannot be judged, or the findings cannot be shown.
const UNFIT: u8 = 2;

/// Which file is read as whose: every file once, or one file once for each identity.
pub(super) fn directors(files: &[PathBuf], ids: &[String]) -> Result<Vec<(PathBuf, Option<String>)>, String> {
    match (files, ids) {
        (_, []) => Ok(files.iter().map(|file| (file.clone(), None)).collect()),
        (_, [id]) => Ok(files
            .iter()
            .map(|file| (file.clone(), Some(id.clone())))
            .collect()),
        ([file], _) => Ok(ids.iter().map(|id| (file.clone(), Some(id.clone()))).collect()),
        _ if files.len() == ids.len() => {
            Ok(files.iter().cloned().zip(ids.iter().cloned().map(Some)).collect())
        }
        _ => Err(format!(
            "There are {} identities for {} files: give one for all, or one for each",
            ids.len(),
            files.len()
        )),
    }
}

/// Looks at the files of `wanted`, each as its options say, and gives the exit status.
pub(super) fn run(wanted: &[Options], format: Format) -> u8 {
    if let Some(namespace) = wanted.iter().find_map(|options| options.namespace.as_ref())
        && let Err(error) = netns::enter(namespace)
    {
        return refuse(&format!("Unable to enter network namespace {namespace}: {error}"));
    }
    let mut nodes = Vec::new();
    let mut sources = Sources::default();
    let mut wrong = Vec::new();
    for options in wanted {
        let reading = read(options);
        let name = name(options, wanted);
        if !reading.found {
            let message = format!("{name} cannot be read");
            wrong.push(Diagnostic::new(Class::Fatal, None, message));
        }
        let torn = reading
            .diagnostics
            .iter()
            .filter(|found| forbids(found.class))
            .cloned();
        wrong.extend(torn);
        sources.files.extend(reading.sources.files.iter().cloned());
        let surroundings = surroundings(&reading, options);
        let node = Node::new(name, reading.config, surroundings);
        wrong.extend(node.unfit().iter().cloned());
        nodes.push(node);
    }
    if !wrong.is_empty() {
        diag::sort(&mut wrong, &sources);
        let told = diag::render_terminal(&wrong, &sources, &mut io::stderr());
        return match told {
            Ok(()) => refuse(
                "Too little is left of the configuration to be judged: `-t` says all that is wrong with it",
            ),
            Err(_) => UNFIT,
        };
    }
    let nodes: Vec<&Node> = nodes.iter().collect();
    show(&lint::all(&nodes), &sources, format)
}

/// The file, with the identity that it is read for where it is read for several.
fn name(options: &Options, all: &[Options]) -> String {
    let file = options.config.display();
    let again = all.iter().filter(|other| other.config == options.config).count() > 1;
    match &options.config_id {
        Some(id) if again => format!("{file} as {id}"),
        _ => file.to_string(),
    }
}

/// Mistakes after which the rest of a file may mean anything.
const fn forbids(class: Class) -> bool {
    matches!(
        class,
        Class::Fatal
            | Class::MissingParameter
            | Class::UnexpectedOpen
            | Class::MissingOpen
            | Class::UnexpectedClose
            | Class::MissingClose
            | Class::UnmatchedQuote
            | Class::IncludeFailed
    )
}

pub(super) fn refuse(why: &str) -> u8 {
    // Nobody is left to be told when standard error is closed too.
    let _ = writeln!(io::stderr(), "{why}");
    UNFIT
}

fn show(found: &[Finding], sources: &Sources, format: Format) -> u8 {
    let status = if found.is_empty() { CLEAN } else { FINDINGS };
    let mut out = BufWriter::new(io::stdout());
    let written = match format {
        Format::Text => lint::text(found, sources, &mut out),
        Format::Json => out.write_all(lint::json(found, status).as_bytes()),
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => status,
        Err(error) => refuse(&format!("The findings cannot be written: {error}")),
    }
}

/// This host, as far as a file may be for it: one that is for another network namespace says nothing of what is here.
fn surroundings(reading: &Reading, options: &Options) -> Surroundings {
    let elsewhere = options.namespace.is_none() && reading.config.global.net_namespace.is_some();
    Surroundings {
        interfaces: if elsewhere {
            Vec::new()
        } else {
            netlink::interfaces().unwrap_or_default()
        },
        writable: writable(&reading.config),
    }
}

/// The findings of one configuration for this host, for `-t --strict`: without those that `-t` has in other words.
pub(in crate::daemon) fn remarks(
    config: &Config,
    interfaces: &[crate::net::InterfaceStatus],
) -> Vec<Diagnostic> {
    let surroundings = Surroundings {
        interfaces: interfaces.to_vec(),
        writable: HashMap::new(),
    };
    let node = Node::new("", config.clone(), surroundings);
    lint::one(&node)
        .into_iter()
        .filter(|finding| !finding.code.is_tested_too())
        .map(Diagnostic::from)
        .collect()
}

/// The scripts of a configuration that exist here, that the daemon would run as root, and that others can change.
fn writable(config: &Config) -> HashMap<String, Writable> {
    let policy = plan::policy(config);
    let mut out = HashMap::new();
    for command in plan::commands(config) {
        let (path, offences) = match safety::examine_on(&AsDaemon, &command, &policy) {
            Err(Refusal::Unsafe(path, offences)) => (path, offences),
            Ok(examined) => {
                let unsafe_one = examined.remarks.into_iter().find_map(|remark| match remark {
                    Remark::Unsafe(path, offences) => Some((path, offences)),
                    _ => None,
                });
                match unsafe_one {
                    Some(found) => found,
                    None => continue,
                }
            }
            Err(_) => continue,
        };
        let offences: Vec<String> = offences.iter().map(ToString::to_string).collect();
        let writable = Writable {
            path: path.display().to_string(),
            offences: offences.join("; "),
        };
        out.insert(command.program().to_owned(), writable);
    }
    out
}

/// This machine as the daemon sees it, which is root whoever runs the lint.
struct AsDaemon;

impl Host for AsDaemon {
    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        System.status(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        System.read_link(path)
    }

    fn user(&self, name: &str) -> Option<Credentials> {
        System.user(name)
    }

    fn group(&self, name: &str) -> Option<u32> {
        System.group(name)
    }

    fn user_name(&self, uid: u32) -> Option<String> {
        System.user_name(uid)
    }

    fn own(&self) -> Credentials {
        Credentials { uid: 0, gid: 0 }
    }

    fn search_path(&self) -> Vec<PathBuf> {
        System.search_path()
    }

    fn working_directory(&self) -> PathBuf {
        System.working_directory()
    }

    fn may_execute(&self, path: &Path, who: Credentials) -> Option<bool> {
        System.may_execute(path, who)
    }
}
