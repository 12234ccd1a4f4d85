//! What a configuration that was loaded means for the planes and runners: who is started, who is told.

use super::{Control, command};
use crate::check::config::ProbeConfig;
use crate::check::verdict::Verdicts;
use crate::daemon::bfd_plane::BfdPlane;
use crate::daemon::check_plane::{self, Asker, CheckPlane};
use crate::daemon::exit::Exit;
use crate::daemon::load::Loaded;
use crate::daemon::pace::Planes;
use crate::daemon::plane::{BfdCommand, CheckCommand, VrrpCommand};
use crate::daemon::start::take_umask;
use crate::daemon::state::Writer;
use crate::daemon::vrrp_plane::{PlaneOptions, VrrpPlane};
use crate::ipvs::keeper::Opener;
use crate::ipvs::steward::Steward;
use crate::masters::Masters;
use crate::plan::Plan;
use crate::track::config::{FileConfig, ProcessConfig};
use crate::track::file::{FileReport, FileWatcher};
use crate::track::process::ProcessReport;
use crate::vrrp::config::{Tracked, TrackedObjects};
use crate::vrrp::event::Event;
use nix::unistd::getegid;
use std::collections::BTreeSet;
use std::sync::Arc;
use tracing::{error, warn};

/// Planes that a configuration has work for and that did not run before it: they run, and are not control's yet. Who
/// drops one ends it, and it leaves nothing behind.
#[derive(Default)]
struct Fresh {
    vrrp: Option<VrrpPlane>,
    check: Option<CheckPlane>,
    bfd: Option<BfdPlane>,
    steward: Option<Steward>,
}

impl Control {
    /// Makes the planes and runners follow what was loaded: starts what has work now and tells what runs already.
    /// `ipvs` is for a check plane that is to be started.
    ///
    /// # Errors
    ///
    /// The exit status when a plane cannot start, which has been said. Then nothing has changed: those that can start do
    /// not, and nobody was told of the new configuration.
    pub(super) fn adopt(&mut self, loaded: Loaded, ipvs: Opener) -> Result<(), Exit> {
        let torn = loaded.torn();
        let Loaded {
            mut plan,
            scripts,
            kit,
            interfaces,
            origin,
            ..
        } = loaded;
        // A reload stays where the start went.
        self.origin = origin.or_else(|| self.origin.take());
        // A plane that has not taken the new plan yet asks by the old one, and what is removed is told so by its own
        // script: the old commands stay known until the next reload.
        let known = Arc::new(scripts.with_old(&self.scripts));
        // What is known more than the running plan has is asked for by nobody.
        self.prober.reload(Arc::clone(&known));
        self.number = self.number.wrapping_add(1);
        let fresh = self.start_missing(&plan, ipvs)?;

        // From here on nothing can fail.
        // What the last reload ended is told before its configuration is forgotten.
        while let Some(Ok(notice)) = self.vrrp.as_mut().map(|plane| plane.notices.try_recv()) {
            self.vrrp_notice(&notice);
        }
        if let Ok(kit) = kit {
            self.prober.equip(kit);
        }
        self.torn = torn;
        self.umask = take_umask(&self.options, plan.global.upkeep.umask);
        self.teller.apply(plan.notify.clone(), &known);
        // The new plane knows what is tracked.
        if fresh.vrrp.is_none() {
            let first = self.track(&plan);
            if let Some(plane) = &self.vrrp {
                command(&plane.commands, VrrpCommand::Tracked(first), "VRRP");
            }
        }
        self.clock.apply(&plan.global.reload);
        self.ping_range.apply(&plan.check, getegid().as_raw());
        self.tell_running(&plan);
        self.take_over(fresh);
        if self.vrrp.is_none() {
            // Nobody else says that no instance is MASTER.
            let none = Masters::new(self.number, BTreeSet::new());
            self.masters.send_if_modified(|masters| masters.renew(none));
        }
        self.watch_planes();
        if let Some(steward) = &self.steward {
            steward.follow(self.number, plan.ipvs.clone());
        }
        let planes = Planes {
            vrrp: self.vrrp.as_ref().map(|plane| Arc::clone(&plane.pace)),
            check: self.check.as_ref().map(|plane| Arc::clone(&plane.pace)),
            bfd: self.bfd.as_ref().map(|plane| Arc::clone(&plane.pace)),
            steward: self.steward.as_ref().map(Steward::thread_id),
        };
        self.paces.apply(&plan.global.processes, planes);
        self.tracker.apply(&plan.track_scripts, &scripts);
        self.scripts = scripts;
        if self.vrrp.is_none() && self.check.is_none() && self.bfd.is_none() {
            warn!("Warning - the configuration holds nothing to run");
        }
        // The check plane has them, and shows them: thousands are not kept twice.
        plan.check.services = Vec::new();
        self.plan = plan;
        self.tidy.after_this();
        self.interfaces = interfaces;
        Ok(())
    }

    /// Starts the planes that `plan` has work for and that do not run: all of them, or none.
    fn start_missing(&mut self, plan: &Plan, ipvs: Opener) -> Result<Fresh, Exit> {
        let mut fresh = Fresh::default();
        if self.vrrp.is_none() && !plan.vrrp.routers.is_empty() {
            let options = PlaneOptions {
                address_monitoring: self.options.address_monitoring,
                number: self.number,
                masters: self.masters.clone(),
                register: Arc::clone(&self.register),
                claims: std::mem::take(&mut self.left.claims),
            };
            let first = self.track(plan);
            let plane = started("VRRP", VrrpPlane::spawn(plan.vrrp.clone(), first, options));
            // Without a VRRP plane nothing was tracked before.
            fresh.vrrp = Some(plane.inspect_err(|_| self.track_nothing())?);
        }
        let rest = self.start_others(plan, ipvs, &mut fresh);
        if rest.is_err() && fresh.vrrp.is_some() {
            self.track_nothing();
        }
        rest.map(|()| fresh)
    }

    fn start_others(&mut self, plan: &Plan, ipvs: Opener, fresh: &mut Fresh) -> Result<(), Exit> {
        if self.bfd.is_none() && !plan.bfd.sessions.is_empty() {
            fresh.bfd = Some(started("BFD", BfdPlane::spawn(plan.bfd.clone()))?);
        }
        if self.check.is_none() && !plan.check.services.is_empty() {
            let options = check_plane::Options {
                kernel: ipvs,
                marker: (plan.ipvs.marks.as_ref())
                    .map(|marks| check_plane::marker(marks, self.ipvs_home.clone())),
                ipvs_home: self.ipvs_home.clone(),
                flush: plan.ipvs.flush,
                files: FileWatcher::look_at(&tracked_files(plan)),
                number: self.number,
                masters: self.masters.subscribe(),
                verdicts: Verdicts::new(std::mem::take(&mut self.left.verdicts)),
                slot: self.state.as_ref().map(Writer::slot),
                ..check_plane::Options::new(self.asker())
            };
            let plane = CheckPlane::spawn(plan.check.clone(), options);
            fresh.check = Some(started("healthcheck", plane)?);
        }
        if self.steward.is_none() && !plan.ipvs.is_idle() {
            fresh.steward = Some(started(
                "IPVS",
                Steward::spawn(
                    (self.host.whole)(self.ipvs_home.clone()),
                    self.masters.subscribe(),
                ),
            )?);
        }
        Ok(())
    }

    /// Gives the planes that run what the plan has for them.
    fn tell_running(&self, plan: &Plan) {
        let number = self.number;
        if let Some(plane) = &self.vrrp {
            let config = Box::new(plan.vrrp.clone());
            let reload = VrrpCommand::Reload { number, config };
            command(&plane.commands, reload, "VRRP");
        }
        if let Some(plane) = &self.check {
            let files = CheckCommand::Files(self.files.values());
            command(&plane.commands, files, "healthcheck");
            let config = Box::new(plan.check.clone());
            let reload = CheckCommand::Reload { number, config };
            command(&plane.commands, reload, "healthcheck");
        }
        if let Some(plane) = &self.bfd {
            let reload = BfdCommand::Reload(Box::new(plan.bfd.clone()));
            command(&plane.commands, reload, "BFD");
        }
    }

    /// Makes planes that were just started control's own. New planes hear of the BFD sessions.
    fn take_over(&mut self, fresh: Fresh) {
        self.vrrp = fresh.vrrp.or_else(|| self.vrrp.take());
        if let Some(plane) = &fresh.check {
            // Since it was started its files may have changed.
            let files = CheckCommand::Files(self.files.values());
            command(&plane.commands, files, "healthcheck");
        }
        self.check = fresh.check.or_else(|| self.check.take());
        self.bfd = fresh.bfd.or_else(|| self.bfd.take());
        self.steward = fresh.steward.or_else(|| self.steward.take());
        if let (Some(bfd), Some(vrrp)) = (&self.bfd, &mut self.vrrp)
            && let Some(reports) = vrrp.bfd_reports.take()
        {
            command(&bfd.commands, BfdCommand::Vrrp(reports), "BFD");
        }
        if let (Some(bfd), Some(check)) = (&self.bfd, &mut self.check)
            && let Some(reports) = check.bfd_reports.take()
        {
            command(&bfd.commands, BfdCommand::Check(reports), "BFD");
        }
    }

    /// Follows the files and processes that `plan` tracks from now on. How they are.
    fn track(&mut self, plan: &Plan) -> Vec<Event> {
        let files = self.files.apply(&tracked_files(plan)).into_iter();
        let files = files.map(|FileReport { name, value }| Event::File { name, value });
        let counted = self.processes.apply(
            &tracked_processes(plan),
            plan.process_buffer,
            self.origin.as_ref(),
        );
        let processes = counted.into_iter();
        files
            .chain(processes.map(|ProcessReport { name, good }| Event::Process { name, good }))
            .collect()
    }

    fn track_nothing(&mut self) {
        self.track(&Plan::default());
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

/// The files that a virtual router, a group or a checker tracks: the others are not even read (fact 1.30).
pub(super) fn tracked_files(plan: &Plan) -> Vec<FileConfig> {
    let mut used = used(plan, |objects| &objects.files);
    let servers = plan
        .check
        .services
        .iter()
        .flat_map(|service| &service.real_servers);
    for checker in servers.flat_map(|server| &server.checkers) {
        if let ProbeConfig::File(file) = &*checker.probe {
            used.insert(file.track_file.as_str());
        }
    }
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
