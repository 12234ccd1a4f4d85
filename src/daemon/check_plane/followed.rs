//! Which instances virtual servers follow (`while_master`), and who of them is MASTER.

use crate::check::CheckConfig;
use crate::masters::Masters;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::watch;

/// The instances that virtual servers follow.
pub(super) struct Followed {
    /// Their names.
    instances: BTreeSet<String>,
    /// The number of the configuration that they are named in.
    number: u64,
    /// All that are MASTER.
    watch: watch::Receiver<Masters>,
}

impl Followed {
    pub(super) fn new(number: u64, config: &CheckConfig, watch: watch::Receiver<Masters>) -> Self {
        Self {
            instances: instances(config),
            number,
            watch,
        }
    }

    /// Those of another configuration are followed from now on.
    pub(super) fn follow(&mut self, number: u64, config: &CheckConfig) {
        self.instances = instances(config);
        self.number = number;
    }

    /// Those that are MASTER, once the VRRP plane runs the same configuration. The news itself is not kept: who has the
    /// next one would wait.
    pub(super) fn masters(&mut self) -> Option<Arc<BTreeSet<String>>> {
        let news = self.watch.borrow_and_update();
        let all = news.of(self.number)?;
        let followed = self.instances.iter().filter(|name| all.contains(*name));
        Some(Arc::new(followed.cloned().collect()))
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
