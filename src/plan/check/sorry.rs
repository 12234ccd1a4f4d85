//! The sorry server of a virtual server.

use super::real::Around;
use super::{Aim, Builder};
use crate::check::config::{RealServerConfig, SorryServerConfig};
use crate::conf::config::SorryServer;
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::ipvs::model::{ForwardMethod, ServiceKey};

/// A server equal to a real server shares its inhibit setting (fact 2.17).
pub(super) fn build(
    builder: &mut Builder<'_>,
    around: &Around<'_, '_>,
    reals: &[RealServerConfig],
) -> Option<SorryServerConfig> {
    let SorryServer {
        address,
        method,
        inhibit,
    } = around.server.sorry_server.as_ref()?;
    let target = around.target;
    let forward = method.unwrap_or(around.method);
    let own = address.value;
    let place = &address.place;
    let address = match forward {
        // keepalived leaves a port that is not given to the kernel, which then means that of the connection.
        ForwardMethod::Nat => own,
        ForwardMethod::Dr | ForwardMethod::Tun(_) => target.kernel_address(forward, own),
    };
    let mismatch = match target {
        Aim::Group(group) if forward != ForwardMethod::Nat && own.port() != 0 => {
            group.sorry_mismatch(own.port())
        }
        Aim::Key(key) if own.port() != 0 && own.port() != address.port() => Some(match key {
            ServiceKey::Address { .. } => {
                format!("WARNING - virtual server {key} and sorry server ports don't match - resetting")
            }
            ServiceKey::FwMark { .. } => {
                format!("WARNING - virtual server {key}, sorry server has port specified - clearing")
            }
        }),
        Aim::Key(_) | Aim::Group(_) => None,
    };
    if let Some(message) = mismatch {
        builder.say(Class::Warning, Topic::LvsPortMismatch, place, message);
    }
    let twin = reals.iter().find(|real| real.address == address);
    if let Some(real) = twin
        && real.inhibit_on_failure != *inhibit
    {
        let what = if real.inhibit_on_failure {
            "setting"
        } else {
            "clearing"
        };
        let message = format!(
            "Virtual server {target}: real server {} matches sorry server, but inhibit setting differs, {what} on sorry server",
            target.real(real.address)
        );
        let found = Diagnostic::new(Class::General, Some(place.clone()), message);
        let help = "`inhibit_on_failure` and `sorry_server_inhibit` alike";
        builder.diagnostics.push(found.with_help(help));
    }
    Some(SorryServerConfig {
        address,
        forward,
        inhibit: twin.map_or(*inhibit, |real| real.inhibit_on_failure),
    })
}
