//! `auth_hmac`: keys from files, the key that is used, what it replaces (facts 1.8, 8).

use super::Builder;
use crate::conf::config::{AuthHmac, Config, HmacMode, Instance, KeySource, RouterSettings, Secret};
use crate::conf::diag::{Class, Diagnostic, Topic};
use std::path::PathBuf;
use std::time::Duration;

/// The least and the most `time_window`, in seconds, that follows from the interval of adverts.
const WINDOW: (u64, u64) = (5, 300);

/// What a file of a key was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// What it holds.
    pub content: Secret,
    /// Others than its owner may read it.
    pub shared: bool,
}

/// The files of keys: what is to be read for [`super::Host::key_files`].
pub fn key_files(config: &Config) -> Vec<PathBuf> {
    let blocks = config
        .instances
        .iter()
        .filter_map(|written| written.settings.auth_hmac.as_ref());
    let keys = blocks.flat_map(|hmac| &hmac.value.keys);
    keys.filter_map(|key| match &key.source.value {
        KeySource::File(path) => Some(path.clone()),
        KeySource::Octets(_) => None,
    })
    .collect()
}

/// What is left of `auth_hmac`.
pub(super) fn check(
    builder: &mut Builder<'_>,
    written: &Instance,
    strict: bool,
    advert_int: Duration,
    settings: &mut RouterSettings,
) {
    let Some(mut hmac) = settings.auth_hmac.take() else {
        return;
    };
    let name = &written.name.value;
    read_keys(builder, name, &mut hmac.value);
    let active = hmac.value.active_key.as_ref();
    let defined = active.is_some_and(|active| hmac.value.keys.iter().any(|key| key.id == active.value));
    if !defined {
        let (place, message) = match active {
            Some(active) => (
                active.place.clone(),
                format!(
                    "({name}) auth_hmac active_key {} is not defined - disabling auth_hmac",
                    active.value
                ),
            ),
            None => (
                hmac.place.clone(),
                format!("({name}) auth_hmac has no active_key - disabling auth_hmac"),
            ),
        };
        builder.late_about(Topic::Other, &place, message);
        return;
    }
    if strict && !matches!(hmac.value.mode, None | Some(HmacMode::Enforce)) {
        let message = format!("({name}) strict mode requires auth_hmac mode enforce - setting");
        let diagnostic = Diagnostic::new(Class::General, Some(hmac.place.clone()), message);
        builder.late.push(diagnostic.about(Topic::VersionStrict));
        hmac.value.mode = Some(HmacMode::Enforce);
    }
    hmac.value.time_window.get_or_insert_with(|| {
        let window = advert_int.as_secs().saturating_mul(3).clamp(WINDOW.0, WINDOW.1);
        u16::try_from(window).unwrap_or(u16::MAX)
    });
    if let Some(kind) = &written.auth_type {
        let message = format!("({name}) authentication and auth_hmac specified - ignoring authentication");
        let diagnostic = Diagnostic::new(Class::General, Some(kind.place.clone()), message)
            .about(Topic::AuthUnsupported)
            .with_related(hmac.place.clone(), "replaces it");
        builder.late.push(diagnostic);
    }
    settings.auth_hmac = Some(hmac);
}

/// Keys from files become octets; those that are none are left out.
fn read_keys(builder: &mut Builder<'_>, name: &str, hmac: &mut AuthHmac) {
    hmac.keys.retain_mut(|key| {
        let KeySource::File(path) = &key.source.value else {
            return true;
        };
        let shown = path.display();
        let place = Some(key.source.place.clone());
        let read = match builder.host.key_files.get(path) {
            None => Err("not read".to_owned()),
            Some(Err(why)) => Err(why.clone()),
            Some(Ok(file)) => {
                if file.shared {
                    let message =
                        format!("({name}) auth_hmac key file {shown} is readable by group or others");
                    let diagnostic = Diagnostic::new(Class::Security, place.clone(), message);
                    builder.late.push(diagnostic.with_help("chmod 600"));
                }
                KeySource::octets(file.content.0.trim_ascii_end())
            }
        };
        match read {
            Ok(octets) => {
                key.source.value = KeySource::Octets(Secret(octets));
                true
            }
            Err(why) => {
                let message = format!(
                    "({name}) auth_hmac key {} of file {shown}: {why} - ignoring",
                    key.id
                );
                builder.late.push(Diagnostic::new(Class::General, place, message));
                false
            }
        }
    });
}
