//! `reload_check_config`: a new configuration is tested by a process of its own before it is read here (fact LVS 16.13).
//!
//! A file that ends its reader, or keeps it for ever, does so there. What is wrong with it goes where `-t=FILE` puts it.

use crate::cli::Options;
use crate::sys::child::{Credentials, isolate};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// How long a test may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Who tests, and how long it may take.
#[derive(Clone, Debug)]
pub(super) struct Tester {
    pub program: PathBuf,
    pub limit: Duration,
}

impl Default for Tester {
    /// The program that runs here, also when its file has been replaced or removed since.
    fn default() -> Self {
        Self {
            program: "/proc/self/exe".into(),
            limit: LIMIT,
        }
    }
}

impl Tester {
    /// Tests the file that `options` name; what is wrong with it is appended to `log_file`. How the test has ended: 0
    /// when nothing is wrong. Dropping it ends the process.
    ///
    /// # Errors
    /// Why there is no result.
    pub(super) async fn test(
        &self,
        options: &Options,
        log_file: Option<&Path>,
    ) -> Result<ExitStatus, String> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments(options, log_file))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        isolate(command.as_std_mut(), Credentials::own());
        let mut child = command
            .spawn()
            .map_err(|error| format!("The new configuration cannot be tested: {error}"))?;
        match timeout(self.limit, child.wait()).await {
            Ok(Ok(status)) => Ok(status),
            Ok(Err(error)) => Err(format!("The test of the new configuration was lost: {error}")),
            Err(_) => {
                // It is reaped as well; the only error is that it has ended meanwhile.
                let _ = child.kill().await;
                let seconds = self.limit.as_secs();
                Err(format!(
                    "The test of the new configuration takes longer than {seconds} s"
                ))
            }
        }
    }
}

/// `-t` of what this daemon was started with.
fn arguments(options: &Options, log_file: Option<&Path>) -> Vec<OsString> {
    let mut test = OsString::from("--config-test");
    if let Some(path) = log_file {
        test.push("=");
        test.push(path);
    }
    let mut words = vec![test, "-f".into(), options.config.clone().into()];
    for (option, value) in [("-i", &options.config_id), ("-s", &options.namespace)] {
        if let Some(value) = value {
            words.extend([option.into(), value.into()]);
        }
    }
    for (option, given) in [
        ("-C", !options.vrrp),
        ("-P", !options.check),
        ("-B", !options.bfd),
        ("-e", options.all_config),
    ] {
        if given {
            words.push(option.into());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;
    use crate::sys::testing::TempDir;
    use std::os::unix::fs::PermissionsExt;

    fn options(line: &str) -> Options {
        let words = line.split_whitespace().map(Into::into);
        cli::parse(words).unwrap().options
    }

    #[test]
    fn what_is_tested_is_what_the_daemon_reads() {
        for line in [
            "steadfast -f /etc/site.conf",
            "steadfast -f /etc/site.conf -i one -s blue -e -B",
            "steadfast -f /etc/site.conf -P",
            "steadfast -f /etc/site.conf -C",
        ] {
            let daemon = options(line);
            let log = Path::new("/var/log/test");
            let mut words = vec![OsString::from("steadfast")];
            words.extend(arguments(&daemon, Some(log)));
            let test = cli::parse(words).unwrap().options;
            let wanted = Options {
                config_test: Some(Some(log.into())),
                dont_fork: test.dont_fork,
                no_syslog: test.no_syslog,
                log_console: test.log_console,
                ..daemon
            };
            assert_eq!(test, wanted, "{line}");
        }
        assert_eq!(
            arguments(&options("steadfast -f /f"), None),
            ["--config-test", "-f", "/f"]
        );
    }

    fn tester(dir: &TempDir, text: &str, limit: Duration) -> Tester {
        let program = dir.file("tester", &format!("#!/bin/sh\n{text}\n"));
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
        Tester { program, limit }
    }

    /// LVS facts: 16.13
    #[tokio::test]
    async fn a_test_that_does_not_end_is_ended() {
        let dir = TempDir::new();
        let pid = dir.path("pid");
        let text = format!("echo $$ >{}; exec sleep 1000", pid.display());
        let tester = tester(&dir, &text, Duration::from_secs(1));
        let why = tester.test(&options("steadfast"), None).await.unwrap_err();
        assert_eq!(why, "The test of the new configuration takes longer than 1 s");
        let pid = std::fs::read_to_string(pid).unwrap();
        assert!(!Path::new("/proc").join(pid.trim()).exists(), "nothing is left");
    }

    #[tokio::test]
    async fn a_test_that_dies_has_not_succeeded() {
        let dir = TempDir::new();
        let patient = Duration::from_secs(60);
        let options = options("steadfast");
        for (text, good) in [("exit 0", true), ("exit 5", false), ("kill -9 $$", false)] {
            let status = tester(&dir, text, patient).test(&options, None).await.unwrap();
            assert_eq!(status.success(), good, "{text}");
        }
        let none = Tester {
            program: dir.path("none"),
            limit: patient,
        };
        assert!(none.test(&options, None).await.is_err());
    }
}
