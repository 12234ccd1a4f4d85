//! What is tracked besides interfaces and scripts: files, processes, BFD sessions. Their definitions, and the lines of
//! instances and groups that name them (facts 1.25, 14).

use super::{Builder, PathFault, Plan};
use crate::conf::config::{Config, GroupSettings, RouterSettings, Spanned, TrackLine};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::track::config::{FileConfig, ProcessConfig};
use crate::vrrp::config::{Tracked, TrackedObjects};
use std::collections::HashMap;
use std::path::PathBuf;

/// The weight of a file that has none.
const FILE_WEIGHT: i16 = 1;

/// What can be named, with its own weight.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    files: HashMap<String, (i16, bool)>,
    processes: HashMap<String, (i16, bool)>,
    sessions: HashMap<String, (i16, bool)>,
}

/// The files of `track_file` blocks: what is to be examined for [`super::Host::track_files`].
pub fn track_files(config: &Config) -> Vec<PathBuf> {
    let files = config.track_files.iter();
    files
        .filter_map(|file| file.file.as_ref().map(|file| file.value.clone()))
        .collect()
}

/// The definitions that are of use.
pub(super) fn definitions(builder: &mut Builder<'_>) -> (Objects, Vec<FileConfig>, Vec<ProcessConfig>) {
    let sessions = builder.config.bfd.iter();
    let mut objects = Objects {
        sessions: sessions
            .map(|session| (session.name.value.clone(), (session.weight, session.reverse)))
            .collect(),
        ..Objects::default()
    };
    let mut files = Vec::new();
    for written in &builder.config.track_files {
        let name = &written.name.value;
        let Some(file) = &written.file else {
            let message = format!("No file set for track_file {name} - ignoring");
            empty(builder, &written.name, message);
            continue;
        };
        if let Some(fault) = builder.host.track_files.get(&file.value) {
            let path = file.value.display();
            let message = match fault {
                PathFault::Missing(why) => {
                    format!("track_file {name}: realpath() error for {path}: {why} - ignoring")
                }
            };
            let diagnostic = Diagnostic::new(Class::General, Some(file.place.clone()), message)
                .about(Topic::TrackObjectEmpty)
                .with_help("the directory of the file must exist when the configuration is read");
            builder.diagnostics.push(diagnostic);
            continue;
        }
        objects
            .files
            .insert(name.clone(), (written.weight, written.reverse));
        files.push(FileConfig {
            name: name.clone(),
            path: file.value.clone(),
            weight: written.weight,
            reverse: written.reverse,
            init: written.init_file,
        });
    }
    let mut processes = Vec::new();
    for written in &builder.config.track_processes {
        let name = &written.name.value;
        let process = written.process.as_ref().map(|process| process.value.as_slice());
        let Some([program, parameters @ ..]) = process else {
            let message = format!("track process '{name}' process name not specified");
            empty(builder, &written.name, message);
            continue;
        };
        let own = (written.weight.unwrap_or(0), written.reverse);
        objects.processes.insert(name.clone(), own);
        processes.push(ProcessConfig {
            name: name.clone(),
            program: program.clone(),
            parameters: parameters.to_vec(),
            param_match: written.param_match,
            full_command: written.full_command,
            weight: own.0,
            reverse: own.1,
            quorum: written.quorum.unwrap_or(1),
            quorum_max: written.quorum_max,
            terminate_delay: written.terminate_delay.unwrap_or_default(),
            fork_delay: written.fork_delay.unwrap_or_default(),
        });
    }
    (objects, files, processes)
}

fn empty(builder: &mut Builder<'_>, name: &Spanned<String>, message: String) {
    let diagnostic = Diagnostic::new(Class::General, Some(name.place.clone()), message);
    builder
        .diagnostics
        .push(diagnostic.about(Topic::TrackObjectEmpty));
}

/// The lines of an instance.
pub(super) fn of_instance(
    builder: &mut Builder<'_>,
    objects: &Objects,
    name: &Spanned<String>,
    settings: &mut RouterSettings,
) {
    let lists = [
        &mut settings.track_files,
        &mut settings.track_processes,
        &mut settings.track_bfds,
    ];
    resolve_all(builder, objects, &name.value, lists);
}

/// The lines of a group; with an address owner among its members it has no weights (fact 1.26).
pub(super) fn of_group(
    builder: &mut Builder<'_>,
    objects: &Objects,
    name: &Spanned<String>,
    owner: bool,
    settings: &mut GroupSettings,
) {
    let lists = [
        &mut settings.track_files,
        &mut settings.track_processes,
        &mut settings.track_bfds,
    ];
    resolve_all(builder, objects, &name.value, lists);
    if !owner {
        return;
    }
    for (kind, lines) in [
        ("file", &mut settings.track_files),
        ("process", &mut settings.track_processes),
        ("bfd", &mut settings.track_bfds),
    ] {
        for line in lines.iter_mut().filter(|line| line.weight.unwrap_or(0) != 0) {
            let message = format!(
                "({}) Cannot have weighted track {kind} '{}' with member having priority 255 - clearing weight",
                name.value, line.name.value
            );
            let diagnostic = Diagnostic::new(Class::General, Some(line.name.place.clone()), message);
            builder.late.push(diagnostic.about(Topic::TrackWeightIgnored));
            line.weight = Some(0);
        }
    }
}

/// The lines of a group, resolved.
pub(super) fn tracked_by_group(lines: GroupSettings) -> TrackedObjects {
    let GroupSettings {
        track_files,
        track_processes,
        track_bfds,
    } = lines;
    TrackedObjects {
        files: tracked(track_files),
        processes: tracked(track_processes),
        sessions: tracked(track_bfds),
    }
}

/// The resolved lines of instances become those of their routers.
pub(super) fn hand_over(plan: &mut Plan) {
    for router in &mut plan.vrrp.routers {
        if let Some(settings) = plan.shown.get_mut(&router.name) {
            router.objects = TrackedObjects {
                files: tracked(std::mem::take(&mut settings.track_files)),
                processes: tracked(std::mem::take(&mut settings.track_processes)),
                sessions: tracked(std::mem::take(&mut settings.track_bfds)),
            };
        }
    }
}

fn tracked(lines: Vec<TrackLine>) -> Vec<Tracked> {
    let tracked = |line: TrackLine| Tracked {
        name: line.name.value,
        weight: line.weight.unwrap_or(0),
        reverse: line.reverse.unwrap_or(false),
    };
    lines.into_iter().map(tracked).collect()
}

/// Every line with its weight; those that name nothing are left out.
fn resolve_all(builder: &mut Builder<'_>, objects: &Objects, owner: &str, lists: [&mut Vec<TrackLine>; 3]) {
    let [files, processes, bfds] = lists;
    resolve(builder, owner, "file", files, |line| {
        objects.files.get(&line.name.value).copied()
    });
    resolve(builder, owner, "process", processes, |line| {
        objects.processes.get(&line.name.value).copied()
    });
    // One that was disabled has been said.
    bfds.retain(|line| !line.known || objects.sessions.contains_key(&line.name.value));
    resolve(builder, owner, "bfd", bfds, |line| {
        objects.sessions.get(&line.name.value).copied()
    });
}

fn resolve(
    builder: &mut Builder<'_>,
    owner: &str,
    kind: &str,
    lines: &mut Vec<TrackLine>,
    own: impl Fn(&TrackLine) -> Option<(i16, bool)>,
) {
    lines.retain_mut(|line| {
        let Some((weight, reverse)) = own(line).filter(|_| line.known) else {
            missing(builder, owner, kind, line);
            return false;
        };
        line.weight = Some(line.weight.unwrap_or(weight));
        line.reverse = Some(line.reverse.unwrap_or(reverse));
        true
    });
}

/// What a line names is not there, or only further down.
pub(super) fn missing(builder: &mut Builder<'_>, owner: &str, kind: &str, line: &TrackLine) {
    let name = &line.name.value;
    let message = format!("({owner}) track {kind} {name} not found, ignoring...");
    let mut diagnostic = Diagnostic::new(Class::General, Some(line.name.place.clone()), message)
        .about(Topic::TrackObjectMissing);
    let config = builder.config;
    let named = |defined: &Spanned<String>| (defined.value == *name).then(|| defined.place.clone());
    let defined = match kind {
        "file" => config.track_files.iter().find_map(|file| named(&file.name)),
        "process" => config
            .track_processes
            .iter()
            .find_map(|process| named(&process.name)),
        "bfd" => config.bfd.iter().find_map(|session| named(&session.name)),
        "script" => config.scripts.iter().find_map(|script| named(&script.name)),
        _ => None,
    };
    if let Some(place) = defined {
        diagnostic = if line.known {
            diagnostic.with_related(place, "removed here")
        } else {
            diagnostic
                .with_related(place, "defined only here")
                .with_help("what is tracked must be defined above what tracks it")
        };
    }
    builder.diagnostics.push(diagnostic);
}

/// Weights that nothing may come of (fact 1.25): of an address owner, or of a member of a group (`why`).
pub(super) fn drop_weights(
    builder: &mut Builder<'_>,
    name: &Spanned<String>,
    why: &str,
    settings: &mut RouterSettings,
) {
    let owner = &name.value;
    let mut report = |class, line: &TrackLine, message: String| {
        let diagnostic = Diagnostic::new(class, Some(line.name.place.clone()), message);
        builder.late.push(diagnostic.about(Topic::TrackWeightIgnored));
    };
    for (kind, lines) in [
        ("file", &mut settings.track_files),
        ("process", &mut settings.track_processes),
        ("bfd", &mut settings.track_bfds),
    ] {
        lines.retain_mut(|line| {
            let object = &line.name.value;
            match line.weight.unwrap_or(0) {
                0 => true,
                FILE_WEIGHT if kind == "file" => {
                    let message = format!(
                        "({owner}) ignoring weight from tracked file {object} due to {why}. specify weight 0"
                    );
                    // Nobody asked for this weight, so it does not count.
                    report(Class::Note, line, message);
                    line.weight = Some(0);
                    true
                }
                weight => {
                    let message = format!(
                        "({owner}) ignoring tracked {kind} {object} with weight {weight} due to {why}"
                    );
                    report(Class::General, line, message);
                    false
                }
            }
        });
    }
}
