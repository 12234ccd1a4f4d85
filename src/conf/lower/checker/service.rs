//! The checkers that keepalived does not have.

use super::{Common, web};
use crate::check::config::{Login, Password, Question, RedisRole, ServiceSettings, ServiceTls, Sql};
use crate::conf::keyword::Block;
use crate::conf::lower::Cx;
use crate::conf::tree::Statement;

/// What is written, before it is known what of it goes together.
#[derive(Default)]
struct Written {
    login: Login,
    sql: Sql,
    role: Option<RedisRole>,
    path: Option<String>,
    group: Option<String>,
    secured: bool,
    /// `tls` was said.
    at_once: bool,
    tls: ServiceTls,
    web: web::Written,
}

pub(super) fn lower(
    cx: &mut Cx<'_>,
    common: &mut Common,
    header: &Statement,
    body: &[Statement],
) -> ServiceSettings {
    let block = common.block;
    let mut written = Written::default();
    for statement in body {
        if !written.keyword(cx, block, statement) {
            common.keyword(cx, statement);
        }
    }
    written.judge(cx, block, header);
    let Written {
        login,
        sql,
        role,
        path,
        group,
        secured,
        tls,
        web,
        ..
    } = written;
    ServiceSettings {
        question: match block {
            Block::FtpCheck => Question::Ftp { path },
            Block::ImapCheck => Question::Imap,
            Block::NntpCheck => Question::Nntp { group },
            Block::Pop3Check => Question::Pop3,
            Block::MysqlCheck => Question::Mysql(sql),
            Block::PgsqlCheck => Question::Pgsql(sql),
            Block::WebCheck => Question::Web(Box::new(web.finish(cx, header))),
            _ => Question::Redis { role },
        },
        login,
        tls: secured.then_some(tls),
    }
}

impl Written {
    /// Takes a keyword that is not common to all checkers.
    fn keyword(&mut self, cx: &mut Cx<'_>, block: Block, statement: &Statement) -> bool {
        if block == Block::WebCheck && self.web.keyword(cx, statement) {
            return true;
        }
        let slot = match statement.keyword() {
            "username" => &mut self.login.username,
            "database" => &mut self.sql.database,
            "query" => &mut self.sql.query,
            "path" => &mut self.path,
            "group" => &mut self.group,
            "ca" => &mut self.tls.ca,
            "certificate" => &mut self.tls.certificate,
            "key" => &mut self.tls.key,
            "name" => &mut self.tls.name,
            "password" => {
                self.login.password = Cx::word(statement)
                    .map(Password)
                    .or_else(|| self.login.password.take());
                return true;
            }
            "role" => {
                self.role = role(cx, statement).or(self.role);
                return true;
            }
            "starttls" => {
                self.secured = true;
                self.tls.starttls = true;
                return true;
            }
            "tls" => {
                self.secured = true;
                self.at_once = true;
                return true;
            }
            "verify" => {
                self.tls.verify = cx.boolean(statement).unwrap_or(self.tls.verify);
                return true;
            }
            "expiry_warning" => {
                self.tls.expiry_warning = cx.unsigned(block, statement).or(self.tls.expiry_warning);
                return true;
            }
            _ => return false,
        };
        *slot = Cx::word(statement).or_else(|| slot.take());
        true
    }

    /// Takes out, and says, what means nothing without something else.
    fn judge(&mut self, cx: &mut Cx<'_>, block: Block, header: &Statement) {
        if self.at_once && self.tls.starttls {
            let message = format!("{}: tls beside starttls has no effect - ignoring", block.name());
            cx.error(header, message);
        }
        let mut without = |what: &str, needed: &str| {
            let message = format!(
                "{}: {what} without {needed} has no effect - ignoring",
                block.name()
            );
            cx.error(header, message);
        };
        if !self.secured && self.tls != ServiceTls::default() {
            without("a setting of TLS", "tls");
        }
        if self.secured && self.tls.ca.is_some() && !self.tls.verify {
            without("ca", "verify");
            self.tls.ca = None;
        }
        if self.secured && self.tls.key.is_some() && self.tls.certificate.is_none() {
            without("key", "certificate");
            self.tls.key = None;
        }
        let both = matches!(block, Block::ImapCheck | Block::NntpCheck | Block::Pop3Check);
        if (both || block == Block::RedisCheck)
            && self.login.username.is_some()
            && self.login.password.is_none()
        {
            without("username", "password");
            self.login.username = None;
        }
        if self.login.username.is_none() && block != Block::RedisCheck {
            for (there, what) in [
                (self.login.password.take().is_some(), "password"),
                (self.sql.database.take().is_some(), "database"),
                (self.sql.query.take().is_some(), "query"),
                (self.path.take().is_some(), "path"),
            ] {
                if there {
                    without(what, "username");
                }
            }
        }
    }
}

fn role(cx: &mut Cx<'_>, statement: &Statement) -> Option<RedisRole> {
    let word = statement.arg()?;
    let role = RedisRole::ALL.into_iter().find(|role| role.word() == word.text);
    if role.is_none() {
        let message = format!("Unknown role {} - ignoring", word.text);
        cx.choice_error(statement, word, message, &RedisRole::ALL.map(RedisRole::word));
    }
    role
}
