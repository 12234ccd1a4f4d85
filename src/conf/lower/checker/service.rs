//! The checkers that keepalived does not have.

use super::{Common, talk, web};
use crate::check::config::{
    LdapFilter, LdapScope, LdapSearch, Login, Password, Question, RedisRole, ServiceSettings, ServiceTls, Sql,
};
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
    base: Option<String>,
    scope: Option<LdapScope>,
    filter: Option<LdapFilter>,
    secured: bool,
    /// `tls` was said.
    at_once: bool,
    tls: ServiceTls,
    web: web::Written,
    talk: talk::Written,
}

pub(super) fn lower(
    cx: &mut Cx<'_>,
    common: &mut Common,
    header: &Statement,
    body: &[Statement],
) -> Option<ServiceSettings> {
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
        base,
        scope,
        filter,
        secured,
        tls,
        web,
        talk,
        ..
    } = written;
    Some(ServiceSettings {
        question: match block {
            Block::FtpCheck => Question::Ftp { path },
            Block::ImapCheck => Question::Imap,
            Block::LdapCheck => Question::Ldap(base.map(|base| LdapSearch {
                base,
                scope: scope.unwrap_or_default(),
                filter,
            })),
            Block::NntpCheck => Question::Nntp { group },
            Block::Pop3Check => Question::Pop3,
            Block::MysqlCheck => Question::Mysql(sql),
            Block::PgsqlCheck => Question::Pgsql(sql),
            Block::WebCheck => Question::Web(Box::new(web.finish(cx, header))),
            Block::GrpcCheck | Block::WebSocketCheck | Block::RadiusCheck | Block::SipCheck => {
                let lengths = (
                    login.username.as_ref().map_or(0, String::len),
                    login.secret().len(),
                );
                talk.finish(cx, block, header, secured, lengths)?
            }
            _ => Question::Redis { role },
        },
        login,
        tls: secured.then_some(tls),
    })
}

impl Written {
    /// Takes a keyword that is not common to all checkers.
    fn keyword(&mut self, cx: &mut Cx<'_>, block: Block, statement: &Statement) -> bool {
        if block == Block::WebCheck && self.web.keyword(cx, statement)
            || self.talk.keyword(cx, block, statement)
        {
            return true;
        }
        let slot = match statement.keyword() {
            "username" => &mut self.login.username,
            "database" => &mut self.sql.database,
            "query" => &mut self.sql.query,
            "path" => &mut self.path,
            "group" => &mut self.group,
            "base" => &mut self.base,
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
            "key_password" => {
                self.tls.key_password = Cx::word(statement)
                    .map(Password)
                    .or_else(|| self.tls.key_password.take());
                return true;
            }
            "role" => {
                let all = RedisRole::ALL.map(|role| (role.word(), role));
                self.role = choice(cx, statement, &all).or(self.role);
                return true;
            }
            "scope" => {
                let all = LdapScope::ALL.map(|scope| (scope.word(), scope));
                self.scope = choice(cx, statement, &all).or(self.scope);
                return true;
            }
            "filter" => {
                self.filter = filter(cx, statement).or_else(|| self.filter.take());
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
        if self.secured && self.tls.key_password.is_some() && self.tls.certificate.is_none() {
            without("key_password", "certificate");
            self.tls.key_password = None;
        }
        let both = matches!(
            block,
            Block::ImapCheck | Block::LdapCheck | Block::NntpCheck | Block::Pop3Check
        );
        if (both || block == Block::RedisCheck)
            && self.login.username.is_some()
            && self.login.password.is_none()
        {
            without("username", "password");
            self.login.username = None;
        }
        if self.base.is_none() {
            for (there, what) in [
                (self.scope.take().is_some(), "scope"),
                (self.filter.take().is_some(), "filter"),
            ] {
                if there {
                    without(what, "base");
                }
            }
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

/// The one of `all` that is written.
fn choice<T: Copy>(cx: &mut Cx<'_>, statement: &Statement, all: &[(&str, T)]) -> Option<T> {
    let word = statement.arg()?;
    let found = all.iter().find(|(name, _)| *name == word.text);
    if found.is_none() {
        let message = format!("Unknown {} {} - ignoring", statement.keyword(), word.text);
        let words: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        cx.choice_error(statement, word, message, &words);
    }
    found.map(|(_, value)| *value)
}

fn filter(cx: &mut Cx<'_>, statement: &Statement) -> Option<LdapFilter> {
    let word = statement.arg()?;
    match LdapFilter::read(&word.text) {
        Ok(filter) => Some(filter),
        Err(reason) => {
            let message = format!("filter {} is wrong: {reason} - ignoring", word.text);
            cx.word_error(statement, word, message);
            None
        }
    }
}
