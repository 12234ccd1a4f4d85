//! Of checkers that are the same before and after, and of those that begin anew.

use super::*;

impl CheckerConfig {
    /// What changes of a checker that stays ([`ProbeConfig::identity`]), or that begins anew with the same keyword. It takes
    /// nothing from its server meanwhile.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            probe,
            alpha,
            delay_loop,
            retry,
            delay_before_retry,
            warmup,
            log_all_failures,
        } = self;
        let Self {
            probe: new_probe,
            alpha: new_alpha,
            delay_loop: new_delay_loop,
            retry: new_retry,
            delay_before_retry: new_delay_before_retry,
            warmup: new_warmup,
            log_all_failures: new_log_all_failures,
        } = new;
        let mut changes = probe.absorb(new_probe);
        changes.live("alpha", alpha, new_alpha);
        changes.live("delay_loop", delay_loop, new_delay_loop);
        changes.live("retry", retry, new_retry);
        changes.live("delay_before_retry", delay_before_retry, new_delay_before_retry);
        changes.live("warmup", warmup, new_warmup);
        changes.live("log_all_failures", log_all_failures, new_log_all_failures);
        changes
    }
}

impl ProbeConfig {
    /// What changes of what is asked.
    pub fn absorb(&self, new: &Self) -> Changes {
        match (self, new) {
            (Self::Tcp(old), Self::Tcp(new)) | (Self::Ping(old), Self::Ping(new)) => old.absorb(new),
            (Self::Http(old), Self::Http(new)) => old.absorb(new),
            (Self::Misc(old), Self::Misc(new)) => old.absorb(new),
            (Self::Smtp(old), Self::Smtp(new)) => old.absorb(new),
            (Self::Dns(old), Self::Dns(new)) => old.absorb(new),
            (Self::Udp(old), Self::Udp(new)) => old.absorb(new),
            (Self::File(old), Self::File(new)) => old.absorb(new),
            (Self::Bfd(old), Self::Bfd(new)) => {
                let mut changes = Changes::default();
                changes.live("name", old, new);
                changes
            }
            (Self::Service(old), Self::Service(new)) => old.absorb(new),
            (
                Self::Tcp(_)
                | Self::Http(_)
                | Self::Misc(_)
                | Self::Smtp(_)
                | Self::Dns(_)
                | Self::Udp(_)
                | Self::Ping(_)
                | Self::File(_)
                | Self::Bfd(_)
                | Self::Service(_),
                _,
            ) => {
                let mut changes = Changes::default();
                let keyword = |probe: &Self| probe.keyword().to_owned();
                changes.live("checker", &keyword(self), &keyword(new));
                changes
            }
        }
    }
}

impl Connection {
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let Self {
            destination,
            source,
            interface,
            mark,
            timeout,
        } = self;
        let Self {
            destination: new_destination,
            source: new_source,
            interface: new_interface,
            mark: new_mark,
            timeout: new_timeout,
        } = new;
        let mut changes = Changes::default();
        changes.live("connect_ip and connect_port", destination, new_destination);
        let address = |source: &Option<(Option<IpAddr>, u16)>| source.and_then(|(address, _)| address);
        changes.live("bindto", &address(source), &address(new_source));
        let port = |source: &Option<(Option<IpAddr>, u16)>| source.map_or(0, |(_, port)| port);
        changes.live("bind_port", &port(source), &port(new_source));
        changes.live("bind_if", interface, new_interface);
        changes.live("fwmark", mark, new_mark);
        changes.live("connect_timeout", timeout, new_timeout);
        changes
    }
}

impl ServiceConfig {
    fn absorb(&self, new: &Self) -> Changes {
        let Self { connection, settings } = self;
        let Self {
            connection: new_connection,
            settings: new_settings,
        } = new;
        let mut changes = connection.absorb(new_connection);
        changes.extend(settings.absorb(new_settings));
        changes
    }
}
