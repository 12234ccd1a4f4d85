//! Mail alerts.

use super::Cx;
use crate::conf::config::{MailSettings, SmtpServer, Spanned};
use crate::conf::diag::Topic;
use crate::conf::keyword::Block;
use crate::conf::number;
use crate::conf::tree::Statement;
use std::time::Duration;

/// SMTP's.
const PORT: u16 = 25;

/// `false`: `statement` is none of these.
pub(super) fn keyword(cx: &mut Cx<'_>, mail: &mut MailSettings, statement: &Statement) -> bool {
    match statement.keyword() {
        "notification_email_from" => {
            let words: Vec<&str> = statement.args().iter().map(|word| word.text.as_str()).collect();
            if words.is_empty() {
                cx.error(statement, "emailfrom missing - ignoring");
            } else {
                mail.from = Some(words.join(" "));
            }
        }
        "notification_email" => recipients(cx, mail, statement),
        "smtp_server" => mail.server = server(cx, statement).or_else(|| mail.server.take()),
        "smtp_helo_name" => mail.helo_name = Cx::word(statement).or_else(|| mail.helo_name.take()),
        "smtp_connect_timeout" => {
            if let Some(seconds) = cx.unsigned::<u64>(Block::GlobalDefs, statement) {
                if seconds == 0 {
                    cx.error(
                        statement,
                        "smtp_connect_timeout must be greater than 0, setting to 1",
                    );
                }
                mail.connect_timeout = Some(Duration::from_secs(seconds.max(1)));
            }
        }
        "smtp_alert" => mail.alert = cx.boolean(statement).or(mail.alert),
        "smtp_alert_vrrp" => mail.alert_vrrp = cx.boolean(statement).or(mail.alert_vrrp),
        "smtp_alert_checker" => mail.alert_checker = cx.boolean(statement).or(mail.alert_checker),
        "no_checker_emails" => {
            mail.no_checker_emails = cx.boolean(statement).unwrap_or(mail.no_checker_emails);
        }
        "no_email_faults" => mail.no_email_faults = true,
        _ => return false,
    }
    true
}

fn recipients(cx: &mut Cx<'_>, mail: &mut MailSettings, statement: &Statement) {
    let body = statement.body.as_deref().unwrap_or_default();
    let words = body.iter().flat_map(|line| &line.words);
    let before = mail.to.len();
    mail.to.extend(words.map(|word| word.text.clone()));
    if mail.to.len() == before {
        cx.error_about(
            Topic::EmailBlock,
            statement,
            "Warning - empty notification_email block",
        );
    }
}

fn server(cx: &mut Cx<'_>, statement: &Statement) -> Option<Spanned<SmtpServer>> {
    let host = Cx::word(statement)?;
    let port = match statement.args().get(1) {
        None => PORT,
        Some(word) => {
            let read = number::int(&word.text, 1, i64::from(u16::MAX), !cx.options.test);
            let port = cx.number(statement, word, read)?;
            u16::try_from(port).ok()?
        }
    };
    let word = statement.arg()?;
    Some(Cx::spanned(statement, word, SmtpServer { host, port }))
}
