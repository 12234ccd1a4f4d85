//! Which instances virtual servers follow (`while_master`), and who of them is MASTER.

use crate::check::CheckConfig;
use crate::daemon::plane::Masters;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::watch;

/// The instances that virtual servers follow.
pub(super) struct Followed {
    /// Their names.
    instances: BTreeSet<String>,
    /// All that are MASTER.
    watch: watch::Receiver<Masters>,
}

impl Followed {
    pub(super) fn new(config: &CheckConfig, watch: watch::Receiver<Masters>) -> Self {
        Self {
            instances: instances(config),
            watch,
        }
    }

    pub(super) fn follow_too(&mut self, config: &CheckConfig) {
        self.instances.extend(instances(config));
    }

    pub(super) fn follow_only(&mut self, config: &CheckConfig) {
        self.instances = instances(config);
    }

    /// Those that are MASTER. What was told of all is not kept: the VRRP plane would have to copy it for its next news.
    pub(super) fn masters(&mut self) -> Arc<BTreeSet<String>> {
        let all = self.watch.borrow_and_update();
        let followed = self.instances.iter().filter(|name| all.contains(*name));
        Arc::new(followed.cloned().collect())
    }

    /// Waits until others are MASTER. Who tells of them ends after the check plane.
    pub(super) async fn changed(&mut self) {
        if self.watch.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

fn instances(config: &CheckConfig) -> BTreeSet<String> {
    let services = config.services.iter();
    services
        .filter_map(|service| service.while_master.clone())
        .collect()
}
