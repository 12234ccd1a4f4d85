//! What a configuration that was loaded means for the planes and runners: who is started, who is told.

use super::{Control, command, stop_limit};
use crate::bfd::BfdConfig;
use crate::daemon::bfd_plane::BfdPlane;
use crate::daemon::check_plane::{self, Asker, CheckPlane};
use crate::daemon::exit::Exit;
use crate::daemon::load::Loaded;
use crate::daemon::pace::Planes;
use crate::daemon::plane::{BfdCommand, CheckCommand, VrrpCommand};
use crate::daemon::start::take_umask;
use crate::daemon::vrrp_plane::{PlaneOptions, VrrpPlane};
use crate::plan::Plan;
use crate::track::config::{FileConfig, ProcessConfig};
use crate::track::file::FileReport;
use crate::track::process::ProcessReport;
use crate::vrrp::config::{Tracked, TrackedObjects};
use crate::vrrp::event::Event;
use nix::unistd::getegid;
use std::collections::BTreeSet;
use std::sync::Arc;
use tracing::{error, warn};

impl Control {
    /// Makes the planes and runners follow what was loaded: starts what has work now and tells what runs already.
    pub(super) fn adopt(&mut self, loaded: Loaded) -> Result<(), Exit> {
        self.torn = loaded.torn();
        let Loaded {
            plan,
            scripts,
            interfaces,
            origin,
            ..
        } = loaded;
        // A reload stays where the start went.
        self.origin = origin.or_else(|| self.origin.take());
        // A plane that has not taken the new plan yet asks by the old one, and what is removed is told so by its own
        // script: the old commands stay known until the next reload.
        let known = Arc::new(scripts.with_old(&self.scripts));
        // What the last reload ended is told before its configuration is forgotten.
        while let Some(Ok(notice)) = self.vrrp.as_mut().map(|plane| plane.notices.try_recv()) {
            self.vrrp_notice(&notice);
        }
        self.umask = take_umask(&self.options, plan.global.upkeep.umask);
        self.teller.apply(plan.notify.clone(), &known);
        self.prober.reload(known);
        let first = self.files.apply(&tracked_files(&plan)).into_iter();
        let mut first: Vec<Event> = first
            .map(|FileReport { name, value }| Event::File { name, value })
            .collect();
        let wanted = tracked_processes(&plan);
        let counted = self
            .processes
            .apply(&wanted, plan.process_buffer, self.origin.as_ref());
        first.extend(
            counted
                .into_iter()
                .map(|ProcessReport { name, good }| Event::Process { name, good }),
        );
        match (&self.vrrp, plan.vrrp.routers.is_empty()) {
            (Some(plane), _) => {
                command(&plane.commands, VrrpCommand::Tracked(first), "VRRP");
                command(
                    &plane.commands,
                    VrrpCommand::Reload(Box::new(plan.vrrp.clone())),
                    "VRRP",
                );
            }
            (None, false) => {
                let options = PlaneOptions {
                    address_monitoring: self.options.address_monitoring,
                    stop_within: stop_limit(&plan),
                };
                let plane = VrrpPlane::spawn(plan.vrrp.clone(), first, options);
                self.vrrp = Some(started("VRRP", plane)?);
            }
            (None, true) => {}
        }
        self.ping_range.apply(&plan.check, getegid().as_raw());
        match (&self.check, plan.check.services.is_empty()) {
            (Some(plane), _) => {
                let reload = CheckCommand::Reload(Box::new(plan.check.clone()));
                command(&plane.commands, reload, "healthcheck");
            }
            (None, false) => {
                let plane = CheckPlane::spawn(plan.check.clone(), check_plane::Options::new(self.asker()));
                self.check = Some(started("healthcheck", plane)?);
            }
            (None, true) => {}
        }
        self.adopt_bfd(&plan.bfd)?;
        let planes = Planes {
            vrrp: self.vrrp.as_ref().map(|plane| Arc::clone(&plane.pace)),
            check: self.check.as_ref().map(|plane| Arc::clone(&plane.pace)),
            bfd: self.bfd.as_ref().map(|plane| Arc::clone(&plane.pace)),
        };
        self.paces.apply(&plan.global.processes, planes);
        self.tracker.apply(&plan.track_scripts, &scripts);
        self.scripts = scripts;
        if self.vrrp.is_none() && self.check.is_none() && self.bfd.is_none() {
            warn!("Warning - the configuration holds nothing to run");
        }
        self.plan = plan;
        self.interfaces = interfaces;
        Ok(())
    }

    /// The same for BFD. A VRRP plane that has just been started hears of the sessions.
    fn adopt_bfd(&mut self, config: &BfdConfig) -> Result<(), Exit> {
        match (&self.bfd, config.sessions.is_empty()) {
            (Some(plane), _) => {
                let reload = BfdCommand::Reload(Box::new(config.clone()));
                command(&plane.commands, reload, "BFD");
            }
            (None, false) => self.bfd = Some(started("BFD", BfdPlane::spawn(config.clone()))?),
            (None, true) => return Ok(()),
        }
        if let (Some(bfd), Some(vrrp)) = (&self.bfd, &mut self.vrrp)
            && let Some(reports) = vrrp.bfd_reports.take()
        {
            command(&bfd.commands, BfdCommand::Vrrp(reports), "BFD");
        }
        Ok(())
    }

    /// The check plane's way to its back-ends.
    fn asker(&self) -> Asker {
        let prober = self.prober.clone();
        check_plane::asker(move |order| prober.ask(order))
    }
}

fn started<T>(name: &str, plane: std::io::Result<T>) -> Result<T, Exit> {
    plane.map_err(|error| {
        error!("The {name} plane cannot start: {error}");
        if error.kind() == std::io::ErrorKind::PermissionDenied {
            Exit::Permission
        } else {
            Exit::Fatal
        }
    })
}

/// The files that a virtual router or a group tracks: the others are not even read (fact 1.30).
pub(super) fn tracked_files(plan: &Plan) -> Vec<FileConfig> {
    let used = used(plan, |objects| &objects.files);
    let files = plan.track_files.iter();
    files
        .filter(|file| used.contains(file.name.as_str()))
        .cloned()
        .collect()
}

/// The processes that a virtual router or a group tracks.
fn tracked_processes(plan: &Plan) -> Vec<ProcessConfig> {
    let used = used(plan, |objects| &objects.processes);
    let processes = plan.track_processes.iter();
    processes
        .filter(|process| used.contains(process.name.as_str()))
        .cloned()
        .collect()
}

fn used(plan: &Plan, of: fn(&TrackedObjects) -> &Vec<Tracked>) -> BTreeSet<&str> {
    let routers = plan.vrrp.routers.iter().map(|router| &router.objects);
    let all = routers.chain(plan.vrrp.groups.iter().map(|group| &group.objects));
    all.flat_map(of).map(|tracked| tracked.name.as_str()).collect()
}
