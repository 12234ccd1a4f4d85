//! A reload that cannot be done leaves everything as it was. What needs no privilege runs here for real; the kernel's
//! IPVS is imitated.

use super::{Begin, Control, stop_limit};
use crate::cli;
use crate::daemon::exit::Exit;
use crate::daemon::load;
use crate::ipvs::diff::Op;
use crate::ipvs::io::{OpenError, Refusal, TalkError};
use crate::ipvs::keeper::Kernel;
use crate::ipvs::model::{ServiceKey, Table};
use crate::sys::testing::TempDir;
use std::collections::BTreeSet;
use std::time::Duration;

/// One check service, of which nothing is asked for a long time, and a router identity.
const SERVICE: &str =
    "global_defs {\nrouter_id new\n}\nvirtual_server 192.0.2.1 80 {\nreal_server 192.0.2.2 80 {\n}\n}\n";

struct Imitation;

impl Kernel for Imitation {
    fn read(&mut self, _owned: &BTreeSet<ServiceKey>) -> Result<Table, TalkError> {
        Ok(Table::default())
    }

    fn carry_out(&mut self, _ops: &[Op]) -> Result<Vec<Refusal>, TalkError> {
        Ok(Vec::new())
    }

    fn flush(&mut self) -> Result<(), TalkError> {
        Ok(())
    }
}

/// A control plane that runs an almost empty file in `dir`.
fn control(dir: &TempDir) -> Control {
    let path = dir.path("site.conf");
    std::fs::write(&path, "global_defs {\nrouter_id old\n}\n").unwrap();
    let words = [
        "steadfast".into(),
        "-u".into(),
        "022".into(),
        "-f".into(),
        path.into(),
    ];
    let options = cli::parse(words).unwrap().options;
    let loaded = load::load(&options);
    let begin = Begin {
        options,
        loaded,
        pid_file: None,
    };
    let mut control = Control::start(begin).unwrap();
    control.host.privileged = |_| Ok(());
    control
}

fn router_id(control: &Control) -> Option<&str> {
    control.plan.global.router_id.as_deref()
}

#[tokio::test]
async fn a_reload_that_wants_ipvs_where_there_is_none_changes_nothing() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Err(OpenError::NoIpvs("none here".into())));
    std::fs::write(dir.path("site.conf"), SERVICE).unwrap();
    control.reload().await;
    assert_eq!(router_id(&control), Some("old"));
    assert!(control.check.is_none());
    // The module is there now.
    control.host.ipvs = |_| Box::new(|| Ok(Box::new(Imitation)));
    control.reload().await;
    assert_eq!(router_id(&control), Some("new"));
    assert!(control.check.is_some());
    control.stop().await;
}

#[tokio::test]
async fn a_reload_with_a_broken_ssl_block_changes_nothing() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::new(Imitation)));
    let file = dir.path("own.key");
    let block = format!("SSL {{\nkey {}\n}}\n", file.display());
    let service = SERVICE.replace(
        "real_server 192.0.2.2 80 {\n",
        "real_server 192.0.2.2 80 {\nSSL_GET {\nurl {\npath /\n}\n}\n",
    );
    std::fs::write(dir.path("site.conf"), format!("{block}{service}")).unwrap();
    control.reload().await;
    assert_eq!(router_id(&control), Some("old"));
    assert!(control.check.is_none());
    let key = openssl::rsa::Rsa::generate(2048).unwrap();
    std::fs::write(&file, key.private_key_to_pem().unwrap()).unwrap();
    control.reload().await;
    assert_eq!(router_id(&control), Some("new"));
    control.stop().await;
}

#[tokio::test]
async fn a_reload_that_wants_more_than_the_process_may_changes_nothing() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::new(Imitation)));
    control.host.privileged = |_| Err("CAP_NET_ADMIN is missing".into());
    std::fs::write(dir.path("site.conf"), SERVICE).unwrap();
    control.reload().await;
    assert_eq!(router_id(&control), Some("old"));
    assert!(control.check.is_none());
}

#[tokio::test]
async fn a_plane_without_room_for_all_its_commands_keeps_everything_as_it_is() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::new(Imitation)));
    std::fs::write(dir.path("site.conf"), SERVICE).unwrap();
    control.reload().await;
    let (tight, _orders) = tokio::sync::mpsc::channel(1);
    let commands = std::mem::replace(&mut control.check.as_mut().unwrap().commands, tight);
    std::fs::write(dir.path("site.conf"), SERVICE.replace("new", "newer")).unwrap();
    control.reload().await;
    assert_eq!(router_id(&control), Some("new"));
    control.check.as_mut().unwrap().commands = commands;
    control.reload().await;
    assert_eq!(router_id(&control), Some("newer"));
    control.stop().await;
}

/// Facts: 18.12
#[tokio::test]
async fn a_stop_may_take_as_long_as_the_running_configuration_says() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    for (setting, seconds) in [("", 5), ("child_wait_time 30\n", 30), ("child_wait_time 0\n", 5)] {
        let text = format!("{setting}global_defs {{\nrouter_id x\n}}\n");
        std::fs::write(dir.path("site.conf"), text).unwrap();
        control.reload().await;
        assert_eq!(
            stop_limit(&control.plan),
            Duration::from_secs(seconds),
            "{setting}"
        );
    }
    let exit = control.stop().await;
    assert_eq!(exit, Exit::Normal);
}
