//! Keywords of a `vrrp_instance` that are not in every keepalived, and their like.

use super::global::routers::extra_garp;
use super::{Cx, vmac};
use crate::conf::config::{Instance, Spanned};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::Block;
use crate::conf::tree::Statement;

/// The priority of the peer that `timer_expired_backup` reckons with when none is given.
const GREATEST_BACKUP: u8 = 254;

/// `false`: `statement` is none of these.
pub(super) fn keyword(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement) -> bool {
    let block = Block::Instance;
    let name = &instance.name.value;
    let settings = &mut instance.settings;
    let here = || Spanned {
        value: (),
        place: statement.place(),
    };
    match statement.keyword() {
        "use_vmac" => vmac::use_vmac(cx, instance, statement),
        "use_ipvlan" => vmac::use_ipvlan(cx, instance, statement),
        "use_vmac_addr" => settings.use_vmac_addr = true,
        "vmac_xmit_base" => settings.vmac_xmit_base = Some(here()),
        "vrf" => vrf(cx, instance, statement),
        "track_src_ip" => settings.track_src_ip = Some(here()),
        "promote_secondaries" => settings.promote_secondaries = Some(here()),
        "v3_checksum_as_v2" => {
            settings.v3_checksum_as_v2 = cx.boolean(statement).or(settings.v3_checksum_as_v2)
        }
        word @ ("accept" | "no_accept") => {
            settings.accept = Some(Spanned {
                value: word == "accept",
                place: statement.place(),
            });
        }
        "skip_check_adv_addr" => {
            // Even a valid `false` turns it on in keepalived, which nobody means.
            settings.skip_check_adv_addr = cx.boolean(statement).or(settings.skip_check_adv_addr);
        }
        "strict_mode" => settings.strict_mode = cx.boolean(statement).or(settings.strict_mode),
        "debug" => settings.debug = cx.unsigned(block, statement).or(settings.debug),
        "notify_deleted" => {
            let deleted = &mut instance.notify.deleted;
            if let (Some(Some(first)), Some(word)) = (&*deleted, statement.arg()) {
                let place = first.place.clone();
                let message = format!(
                    "({name}) notify_deleted already specified - ignoring {}",
                    word.text
                );
                cx.duplicate(statement, word, message, place);
            } else if statement.arg().is_some() {
                *deleted = cx.script(statement).map(Some).or_else(|| deleted.take());
            } else {
                deleted.get_or_insert_default();
            }
        }
        "notify_master_rx_lower_pri" => {
            let owner = format!("({name}) ");
            cx.script_once(&mut instance.notify.master_rx_lower_pri, statement, &owner);
        }
        "lvs_sync_daemon_interface" => {
            if let Some(word) = statement.arg() {
                settings.lvs_sync_daemon_interface = Some(Cx::spanned(statement, word, word.text.clone()));
            }
        }
        "garp_extra_if" | "vmac_garp_intvl" => {
            settings.garp_extra_if = extra_garp(cx, statement, 0).or(settings.garp_extra_if);
        }
        "timer_expired_backup" | "thread_timer_expired" => {
            let priority = match statement.arg() {
                None => Some(GREATEST_BACKUP),
                Some(_) => cx.unsigned(block, statement),
            };
            let place = statement.place();
            settings.timer_expired_backup = priority
                .map(|value| Spanned { value, place })
                .or_else(|| settings.timer_expired_backup.take());
        }
        "owner_ignore_adverts" => {
            let place = statement.place();
            settings.owner_ignore_adverts = cx
                .boolean(statement)
                .map(|value| Spanned { value, place })
                .or_else(|| settings.owner_ignore_adverts.take());
        }
        "kernel_rx_buf_size" => {
            settings.kernel_rx_buf_size = cx.unsigned(block, statement).or(settings.kernel_rx_buf_size);
        }
        "linkbeat_use_polling" => instance.later.linkbeat_use_polling = true,
        _ => return false,
    }
    true
}

/// `vrf`: of two the first counts; with an interface it is refused in the plan.
fn vrf(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let Some(first) = &instance.settings.vrf else {
        instance.settings.vrf = Some(Cx::spanned(statement, word, word.text.clone()));
        return;
    };
    let message = format!(
        "({}) VRF interface already specified as '{}' - ignoring",
        instance.name.value, first.value
    );
    let diagnostic = Diagnostic::new(Class::General, Some(statement.place_of(word)), message)
        .about(Topic::DuplicateDefinition)
        .with_related(first.place.clone(), "first defined here");
    cx.diagnostics.push(diagnostic);
}
