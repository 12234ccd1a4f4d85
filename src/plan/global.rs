//! `global_defs` with what is known of the host: scripts of the daemon itself, FIFOs' readers, the mail relay, processors.

use super::later::LaterGlobal;
use super::{Builder, ScriptRefusal};
use crate::conf::config::{Config, FifoSettings, Global, SmtpServer, Spanned};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::script::config::Command;
use std::net::IpAddr;

/// The mail relay, if it has a name: whether that has an address is [`super::Host::mail_server_unknown`].
pub fn mail_server(config: &Config) -> Option<&SmtpServer> {
    let server = config.global.mail.server.as_ref()?;
    server
        .value
        .host
        .parse::<IpAddr>()
        .is_err()
        .then_some(&server.value)
}

/// The commands of `global_defs`.
pub(super) fn commands(config: &Config) -> impl Iterator<Item = &Spanned<Command>> {
    let global = &config.global;
    let fifos = [&global.fifos.all, &global.fifos.vrrp, &global.fifos.lvs];
    let life = [&global.life.startup, &global.life.shutdown];
    life.into_iter()
        .chain(fifos.into_iter().map(|fifo| &fifo.script))
        .flatten()
}

/// What becomes of it on this host.
pub(super) fn build(builder: &mut Builder<'_>, global: &mut Global) -> LaterGlobal {
    let config = builder.config;
    let later = config.global.later.clone();
    let life = &mut global.life;
    let startup = life_script(builder, &mut life.startup, "startup");
    let shutdown = life_script(builder, &mut life.shutdown, "shutdown");
    builder.life_scripts |= startup || shutdown;
    let fifos = &mut global.fifos;
    let all = fifo_script(builder, &mut fifos.all);
    builder.vrrp_scripts |= (all || fifo_script(builder, &mut fifos.vrrp)) && !config.instances.is_empty();
    builder.check_scripts |= (all || fifo_script(builder, &mut fifos.lvs)) && !config.servers.is_empty();
    if let Some(server) = &config.global.mail.server
        && builder.host.mail_server_unknown
    {
        let SmtpServer { host, port } = &server.value;
        let diagnostic = Diagnostic::new(
            Class::General,
            Some(server.place.clone()),
            format!("Invalid smtp server {host} {port}"),
        );
        let help = "the name has no address here; an address does without a resolver";
        builder
            .diagnostics
            .push(diagnostic.about(Topic::SmtpServerUnresolved).with_help(help));
    }
    later
}

/// Whether there is one that will be run.
fn life_script(builder: &mut Builder<'_>, slot: &mut Option<Spanned<Command>>, which: &str) -> bool {
    let Some(command) = slot.clone() else { return false };
    match builder.host.refused.get(&command.value) {
        None => return true,
        Some(ScriptRefusal::NoUser | ScriptRefusal::NoDefaultUser) => {
            let diagnostic = Diagnostic::new(
                Class::General,
                Some(command.place),
                format!("Invalid {which} script"),
            );
            builder.diagnostics.push(diagnostic.about(Topic::ScriptNotFound));
        }
        Some(ScriptRefusal::NotFound | ScriptRefusal::Unsafe) => {
            builder.notify(Some(&command), &format!("{which}_script: "));
        }
    }
    *slot = None;
    false
}

/// The same of one that reads a FIFO.
fn fifo_script(builder: &mut Builder<'_>, fifo: &mut FifoSettings) -> bool {
    let Some(command) = fifo.script.clone() else {
        return false;
    };
    if builder.notify(Some(&command), "").is_none() {
        fifo.script = None;
    }
    fifo.script.is_some()
}
