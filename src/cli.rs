//! The command line: keepalived's options.

use std::path::PathBuf;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `-f`: the configuration file.
    pub config: PathBuf,
    /// `-P`, or neither `-P` nor `-C`: run the VRRP half.
    pub vrrp: bool,
    /// `-C`, or neither: run the check half.
    pub check: bool,
    /// `-n`: stay in the foreground.
    pub dont_fork: bool,
    /// `-l`: log to standard error too.
    pub log_console: bool,
    /// `-D`: how many times.
    pub log_detail: u8,
    /// `-S`: syslog facility, 0 to 23 as syslog numbers them. Default daemon (3).
    pub log_facility: u8,
    /// `-G`: no syslog.
    pub no_syslog: bool,
    /// `-R`
    pub dont_respawn: bool,
    /// `-d`: dump the configuration to the log.
    pub dump_conf: bool,
    /// `-p`
    pub pid_file: Option<PathBuf>,
    /// `-r`
    pub vrrp_pid_file: Option<PathBuf>,
    /// `-c`
    pub checkers_pid_file: Option<PathBuf>,
    /// `-b`
    pub bfd_pid_file: Option<PathBuf>,
    /// `-t`: test the configuration; with a file, messages are appended to it.
    pub config_test: Option<Option<PathBuf>>,
    /// `-V`: leave addresses on stop.
    pub dont_release_vrrp: bool,
    /// `-I`: leave IPVS on stop.
    pub dont_release_ipvs: bool,
    /// `-X`
    pub release_vips: bool,
    /// `-i`: identity for `@ID` lines.
    pub config_id: Option<String>,
    /// `-s`: network namespace.
    pub namespace: Option<String>,
    /// `-e`: a missing file is an error.
    pub all_config: bool,
    /// `-u`: file creation mask.
    pub umask: Option<u32>,
    /// `--ignore-sigint`
    pub ignore_sigint: bool,
    /// `-a`: log every address added or removed.
    pub address_monitoring: bool,
}
