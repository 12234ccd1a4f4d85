//! SIGHUP: the file is read again, and what runs follows it, or stays.

use super::{Control, service_manager};
use crate::daemon::load;
use crate::daemon::reload_mark::ReloadMark;
use sd_notify::NotifyState;
use tracing::{error, info};

impl Control {
    /// SIGHUP: reads the file again. A file that cannot be run changes nothing.
    pub(super) async fn reload(&mut self) {
        info!("Reloading ...");
        let _mark = self.reload_mark();
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            service_manager(&[NotifyState::Reloading, now]);
        }
        let options = self.options.clone();
        // Reading files and asking the kernel may take a while: what runs on this runtime goes on meanwhile.
        match tokio::task::spawn_blocking(move || load::load(&options)).await {
            Ok(loaded) => {
                loaded.log();
                let objection = loaded.objection(self.torn);
                if let Some(why) = objection.or_else(|| loaded.needs_restart(&self.plan.global)) {
                    error!(
                        "{why} ({}): the running one is kept",
                        self.options.config.display()
                    );
                } else {
                    let had_checks = self.check.is_some();
                    // A plane that cannot start has said so; the others go on.
                    let _ = self.adopt(loaded);
                    self.check_came_late |= !had_checks && self.check.is_some();
                    info!("Reload complete");
                }
            }
            Err(panic) => error!("Reading the configuration failed ({panic}): the running one is kept"),
        }
        service_manager(&[NotifyState::Ready]);
    }

    /// The file that exists while a reload lasts, if there shall be one.
    fn reload_mark(&self) -> Option<ReloadMark> {
        let configured = self.plan.global.upkeep.reload_file.as_ref()?;
        let path = match configured {
            Some(path) => path.into(),
            None => self.pid_file.as_ref()?.with_extension("reload"),
        };
        ReloadMark::set(path)
    }
}
