//! The end: as told, or because a plane has died.

use super::{Control, command, next_notice, service_manager, stop_limit, tell_health};
use crate::daemon::exit::Exit;
use crate::daemon::life;
use crate::daemon::plane::{BfdCommand, CheckCommand, CheckNotice, VrrpCommand, VrrpNotice};
use crate::daemon::state::Leave;
use crate::daemon::vrrp_plane::PlaneEnd;
use crate::ipvs::steward::Steward;
use sd_notify::NotifyState;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{error, info};

/// How long STOP scripts may take (fact 12.9).
const STOP_SCRIPTS_LIMIT: Duration = Duration::from_secs(1);
/// How long a relay may take for the mails of a stop, while the scripts of all routers have the machine busy.
const STOP_MAILS_LIMIT: Duration = Duration::from_secs(3);

impl Control {
    /// Hands over, removes what was added, runs the STOP scripts.
    pub(super) async fn stop(mut self) -> Exit {
        info!("Stopping");
        service_manager(&[NotifyState::Stopping]);
        // Whoever asks from now on asks nobody.
        drop(self.socket.take());
        drop(self.tracker);
        // Who ends does not turn for ever.
        drop(self.watch);
        let limit = stop_limit(&self.plan);
        // A plane that has died has left nothing to be taken over.
        let leave = Leave {
            routers: self.options.leaves_vrrp() && self.vrrp.is_some(),
            checks: self.options.leaves_ipvs() && self.check.is_some(),
        };
        // First, lest it follows routers that go.
        let steward = self.steward.take().inspect(Steward::finish);
        if let Some(plane) = &self.vrrp {
            let release = !self.options.leaves_vrrp();
            let stop = VrrpCommand::Stop {
                release,
                within: limit,
            };
            command(&plane.commands, stop, "VRRP");
        }
        if let Some(plane) = &self.check {
            let release = !self.options.leaves_ipvs();
            command(
                &plane.commands,
                CheckCommand::Stop {
                    release,
                    flush: self.plan.ipvs.flush_on_stop,
                },
                "healthcheck",
            );
        }
        if let Some(plane) = &self.bfd {
            command(&plane.commands, BfdCommand::Stop, "BFD");
        }
        let (vrrp, check, bfd) = (&mut self.vrrp, &mut self.check, &mut self.bfd);
        let teller = &mut self.teller;
        let stopped = timeout(limit, async {
            while vrrp.is_some() || check.is_some() || bfd.is_some() {
                tokio::select! {
                    notice = next_notice(vrrp.as_mut().map(|plane| &mut plane.notices)) => match notice {
                        Some(VrrpNotice::Notify(notification)) => teller.notify(&notification),
                        Some(VrrpNotice::Stopped) | None => *vrrp = None,
                    },
                    notice = next_notice(check.as_mut().map(|plane| &mut plane.notices)) => match notice {
                        Some(CheckNotice::Notify(notification)) => tell_health(teller, &notification),
                        Some(CheckNotice::Eased) => {}
                        Some(CheckNotice::Stopped | CheckNotice::Failed) | None => *check = None,
                    },
                    _ended = next_notice(bfd.as_mut().map(|plane| &mut plane.notices)) => *bfd = None,
                }
            }
            if let Some(steward) = steward {
                // A crash of it was told when it happened.
                let _ = spawn_blocking(|| steward.join()).await;
            }
        })
        .await;
        if let (Err(_), Some(plane)) = (&stopped, self.vrrp.take()) {
            error!(
                "The VRRP plane did not stop within {} s: withdrawing what it holds",
                limit.as_secs()
            );
            plane.last_will.carry_out();
        }
        if let Some(state) = self.state.take() {
            state.finish(Leave {
                routers: leave.routers && stopped.is_ok(),
                ..leave
            });
        }
        self.teller.close(STOP_SCRIPTS_LIMIT, STOP_MAILS_LIMIT).await;
        life::shutdown(&self.plan.global.life, &self.scripts).await;
        if stopped.is_ok() {
            Exit::Normal
        } else {
            Exit::Internal
        }
    }

    /// The VRRP plane ended without being told to. Its last will has been carried out, or is now.
    pub(super) async fn vrrp_died(mut self) -> Exit {
        if let Some(plane) = self.vrrp.take() {
            match plane.join() {
                PlaneEnd::Died(why) => error!("The VRRP plane died ({why}): it handed over and withdrew"),
                PlaneEnd::Stopped => error!("The VRRP plane stopped without being told to"),
            }
        }
        self.stop().await;
        Exit::Internal
    }

    /// Without it nobody would learn that a neighbor is gone.
    pub(super) async fn bfd_died(mut self) -> Exit {
        error!("The BFD plane died");
        self.bfd = None;
        self.stop().await;
        Exit::Internal
    }

    pub(super) async fn check_died(mut self) -> Exit {
        error!("The healthcheck plane died");
        self.check = None;
        self.stop().await;
        Exit::Internal
    }
}
