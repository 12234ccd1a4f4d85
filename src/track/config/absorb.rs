//! What a reload changes of what is tracked: what was found out by name stays.

use super::{FileConfig, InitFile, ParamMatch, ProcessConfig, ReceiveBuffer, TrackScriptConfig};
use crate::change::{Changes, Show};

impl TrackScriptConfig {
    /// What changes of a script of the same name. One with another command is run anew; what is known of it stays until that
    /// has ended.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            name: _,
            command,
            interval,
            timeout,
            weight,
            reverse,
            rise,
            fall,
        } = self;
        let Self {
            name: _,
            command: new_command,
            interval: new_interval,
            timeout: new_timeout,
            weight: new_weight,
            reverse: new_reverse,
            rise: new_rise,
            fall: new_fall,
        } = new;
        let mut changes = Changes::default();
        changes.live("script", command, new_command);
        changes.live("interval", interval, new_interval);
        changes.live("timeout", timeout, new_timeout);
        changes.live("weight", weight, new_weight);
        changes.live("reverse", reverse, new_reverse);
        changes.live("rise", rise, new_rise);
        changes.live("fall", fall, new_fall);
        changes
    }
}

impl FileConfig {
    /// What changes of a file of the same name.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            name: _,
            path,
            weight,
            reverse,
            init,
        } = self;
        let Self {
            name: _,
            path: new_path,
            weight: new_weight,
            reverse: new_reverse,
            init: new_init,
        } = new;
        let mut changes = Changes::default();
        changes.live("file", path, new_path);
        changes.live("weight", weight, new_weight);
        changes.live("reverse", reverse, new_reverse);
        changes.live("init_file", init, new_init);
        changes
    }
}

impl ProcessConfig {
    /// What changes of a process of the same name: it is counted anew.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            name: _,
            program,
            parameters,
            param_match,
            full_command,
            weight,
            reverse,
            quorum,
            quorum_max,
            terminate_delay,
            fork_delay,
        } = self;
        let Self {
            name: _,
            program: new_program,
            parameters: new_parameters,
            param_match: new_param_match,
            full_command: new_full_command,
            weight: new_weight,
            reverse: new_reverse,
            quorum: new_quorum,
            quorum_max: new_quorum_max,
            terminate_delay: new_terminate_delay,
            fork_delay: new_fork_delay,
        } = new;
        let mut changes = Changes::default();
        changes.live("process", program, new_program);
        changes.live("parameters of process", parameters, new_parameters);
        changes.live("param_match", param_match, new_param_match);
        changes.live("full_command", full_command, new_full_command);
        changes.live("weight", weight, new_weight);
        changes.live("reverse", reverse, new_reverse);
        changes.live("quorum", quorum, new_quorum);
        changes.live("quorum_max", quorum_max, new_quorum_max);
        changes.live("terminate_delay", terminate_delay, new_terminate_delay);
        changes.live("fork_delay", fork_delay, new_fork_delay);
        changes
    }
}

impl ReceiveBuffer {
    /// What changes of it.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self { size, force } = self;
        let Self {
            size: new_size,
            force: new_force,
        } = new;
        let mut changes = Changes::default();
        changes.live("process_monitor_rcv_bufs", size, new_size);
        changes.live("process_monitor_rcv_bufs_force", force, new_force);
        changes
    }
}

impl Show for InitFile {
    fn show(&self) -> String {
        let Self { value, overwrite } = self;
        format!("{value}{}", if *overwrite { " overwrite" } else { "" })
    }
}

impl Show for ParamMatch {
    fn show(&self) -> String {
        match self {
            Self::Exact => "exact",
            Self::Initial => "initial",
            Self::Partial => "partial",
        }
        .to_owned()
    }
}
