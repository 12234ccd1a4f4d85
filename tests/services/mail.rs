//! Dovecot: IMAP.

use crate::server::Server;
use crate::site::{self, Site};
use crate::{bad, gone, good};

pub(crate) fn dovecot() {
    let site = Site::new();
    let dir = site.dir();
    let (imap, imaps) = (site::port(), site::port());
    let site::Harmless { name, uid, gid } = site::harmless();
    site::run(&format!("install -d -o {name} {dir}/mail"));
    let chroot: String = ["imap-login", "anvil", "auth", "stats", "imap"]
        .map(|service| format!("service {service} {{\nchroot =\n}}\n"))
        .concat();
    site.write(
        "dovecot.conf",
        &format!(
            "base_dir = {dir}/run\nlog_path = /dev/stderr\nprotocols = imap\nlisten = 127.0.0.1\nssl = yes\n\
             ssl_cert = <{dir}/server.pem\nssl_key = <{dir}/server.key\nauth_failure_delay = 0\n\
             default_login_user = {name}\ndefault_internal_user = {name}\ndefault_internal_group =\n\
             mail_location = maildir:{dir}/mail\npassdb {{\ndriver = passwd-file\nargs = {dir}/users\n}}\n\
             userdb {{\ndriver = static\nargs = uid={uid} gid={gid} home={dir}/mail\n}}\n{chroot}\
             service imap-login {{\ninet_listener imap {{\nport = {imap}\n}}\n\
             inet_listener imaps {{\nport = {imaps}\nssl = yes\n}}\n}}\n"
        ),
    );
    site.write("users", "probe:{PLAIN}right\n");
    let server = Server::start(&site, imap, "dovecot", &format!("-F -c {dir}/dovecot.conf"));
    let right = "username probe\npassword right\n";
    let verified = format!("verify\nca {dir}/ca.pem\nname db.example\n");
    let other = format!("verify\nca {dir}/ca.pem\nname other.example\n");
    good("IMAP_CHECK", imap, "");
    good("IMAP_CHECK", imap, right);
    good("IMAP_CHECK", imap, &format!("starttls\n{verified}{right}"));
    good("IMAP_CHECK", imaps, &format!("tls\n{verified}{right}"));
    bad(
        "IMAP_CHECK",
        imap,
        "username probe\npassword wrong",
        "AUTHENTICATIONFAILED",
    );
    bad(
        "IMAP_CHECK",
        imap,
        &format!("starttls\n{other}{right}"),
        "ostname mismatch",
    );
    bad(
        "IMAP_CHECK",
        imap,
        &format!("starttls\nverify\n{right}"),
        "certificate: ",
    );
    bad("IMAP_CHECK", imaps, &format!("tls\n{other}"), "ostname mismatch");
    bad("IMAP_CHECK", imaps, "connect_timeout 1", "no answer in time");
    bad("REDIS_CHECK", imap, "", "unexpected answer * OK");
    gone("IMAP_CHECK", server, right);
}
