//! Keywords that keepalived does not have, most of them of its own checkers, one a line.

use super::Args::*;
use super::Block::*;
use super::Status::*;
use super::{Keyword, k};

/// Days of a hundred years.
const CENTURY: i64 = 36_500;

/// Sorted by block and name.
#[rustfmt::skip]
pub(super) static SERVICES: &[Keyword] = &[
    k(GlobalDefs, "lvs_expire_nodest_conn", Bool, Acted),
    k(GlobalDefs, "lvs_expire_quiescent_template", Bool, Acted),
    k(VirtualServer, "while_master", Word, Acted),
    k(RealServer, "FTP_CHECK", Block(FtpCheck), Acted),
    k(RealServer, "GRPC_CHECK", Block(GrpcCheck), Acted),
    k(RealServer, "IMAP_CHECK", Block(ImapCheck), Acted),
    k(RealServer, "LDAP_CHECK", Block(LdapCheck), Acted),
    k(RealServer, "MYSQL_CHECK", Block(MysqlCheck), Acted),
    k(RealServer, "NNTP_CHECK", Block(NntpCheck), Acted),
    k(RealServer, "PGSQL_CHECK", Block(PgsqlCheck), Acted),
    k(RealServer, "POP3_CHECK", Block(Pop3Check), Acted),
    k(RealServer, "RADIUS_CHECK", Block(RadiusCheck), Acted),
    k(RealServer, "REDIS_CHECK", Block(RedisCheck), Acted),
    k(RealServer, "SIP_CHECK", Block(SipCheck), Acted),
    k(RealServer, "WEBSOCKET_CHECK", Block(WebSocketCheck), Acted),
    k(RealServer, "WEB_CHECK", Block(WebCheck), Acted),
    k(FtpCheck, "path", Word, Acted),
    k(LdapCheck, "base", Word, Acted),
    k(LdapCheck, "filter", Word, Acted),
    k(LdapCheck, "scope", Word, Acted),
    k(NntpCheck, "group", Word, Acted),
    k(RedisCheck, "role", Word, Acted),
    k(WebCheck, "body", Word, Acted),
    k(WebCheck, "contains", Word, Acted),
    k(WebCheck, "header", OneOrMore, Acted),
    k(WebCheck, "http2", Bool, Acted),
    k(WebCheck, "json", OneOrMore, Acted),
    k(WebCheck, "method", Word, Acted),
    k(WebCheck, "path", Word, Acted),
    k(WebCheck, "status", OneOrMore, Acted),
    k(WebCheck, "virtualhost", OptionalWord, Acted),
    k(GrpcCheck, "service", Word, Acted),
    k(GrpcCheck, "virtualhost", OptionalWord, Acted),
    k(WebSocketCheck, "expect", Word, Acted),
    k(WebSocketCheck, "header", OneOrMore, Acted),
    k(WebSocketCheck, "path", Word, Acted),
    k(WebSocketCheck, "ping", Bool, Acted),
    k(WebSocketCheck, "send", Word, Acted),
    k(WebSocketCheck, "subprotocol", Word, Acted),
    k(WebSocketCheck, "virtualhost", OptionalWord, Acted),
    k(RadiusCheck, "nas_identifier", Word, Acted),
    k(RadiusCheck, "secret", Word, Acted),
    k(SipCheck, "from", Word, Acted),
    k(SipCheck, "status", OneOrMore, Acted),
    k(SipCheck, "transport", Word, Acted),
    k(SipCheck, "uri", Word, Acted),
    k(Sql, "database", Word, Acted),
    k(Sql, "query", Word, Acted),
    k(Login, "password", Word, Acted),
    k(Login, "username", Word, Acted),
    k(StartTls, "starttls", Nothing, Acted),
    k(ServiceTls, "ca", Word, Acted),
    k(ServiceTls, "certificate", Word, Acted),
    k(ServiceTls, "expiry_warning", Int(0, CENTURY), Acted),
    k(ServiceTls, "key", Word, Acted),
    k(ServiceTls, "key_password", Word, Acted),
    k(ServiceTls, "name", Word, Acted),
    k(ServiceTls, "tls", Nothing, Acted),
    k(ServiceTls, "verify", Bool, Acted),
];
