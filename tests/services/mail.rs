//! Servers of mail, files and news: Dovecot, ProFTPD, INN.

use crate::server::Server;
use crate::site::{self, Harmless, Site};
use crate::{bad, gone, good};

const RIGHT: &str = "username probe\npassword right\n";
const WRONG: &str = "username probe\npassword wrong\n";

/// TLS with a certificate that is verified; with a name that is not the server's.
pub(crate) fn verified(site: &Site) -> [String; 2] {
    ["db.example", "other.example"].map(|name| format!("verify\nca {}/ca.pem\nname {name}\n", site.dir()))
}

pub(crate) fn dovecot() {
    let site = Site::new();
    let dir = site.dir();
    let (imap, imaps, pop3, pop3s) = (site::port(), site::port(), site::port(), site::port());
    let Harmless { name, uid, gid, .. } = site::harmless();
    site::run(&format!("install -d -o {name} {dir}/mail"));
    let chroot: String = [
        "imap-login",
        "pop3-login",
        "anvil",
        "auth",
        "stats",
        "imap",
        "pop3",
    ]
    .map(|service| format!("service {service} {{\nchroot =\n}}\n"))
    .concat();
    let listen = |protocol: &str, clear: u16, secured: u16| {
        format!(
            "service {protocol}-login {{\ninet_listener {protocol} {{\nport = {clear}\n}}\n\
             inet_listener {protocol}s {{\nport = {secured}\nssl = yes\n}}\n}}\n"
        )
    };
    site.write(
        "dovecot.conf",
        &format!(
            "base_dir = {dir}/run\nlog_path = /dev/stderr\nprotocols = imap pop3\nlisten = 127.0.0.1\nssl = yes\n\
             ssl_cert = <{dir}/server.pem\nssl_key = <{dir}/server.key\nauth_failure_delay = 0\n\
             default_login_user = {name}\ndefault_internal_user = {name}\ndefault_internal_group =\n\
             mail_location = maildir:{dir}/mail\npassdb {{\ndriver = passwd-file\nargs = {dir}/users\n}}\n\
             userdb {{\ndriver = static\nargs = uid={uid} gid={gid} home={dir}/mail\n}}\n{chroot}{}{}",
            listen("imap", imap, imaps),
            listen("pop3", pop3, pop3s)
        ),
    );
    site.write("users", "probe:{PLAIN}right\n");
    let server = Server::start(&site, imap, "dovecot", &format!("-F -c {dir}/dovecot.conf"));
    let [own, other] = verified(&site);
    for (checker, clear, secured, denied) in [
        ("IMAP_CHECK", imap, imaps, "AUTHENTICATIONFAILED"),
        ("POP3_CHECK", pop3, pop3s, "ERR [AUTH]"),
    ] {
        good(checker, clear, "");
        good(checker, clear, RIGHT);
        good(checker, clear, &format!("starttls\n{own}{RIGHT}"));
        good(checker, secured, &format!("tls\n{own}{RIGHT}"));
        bad(checker, clear, WRONG, denied);
        bad(
            checker,
            clear,
            &format!("starttls\n{other}{RIGHT}"),
            "ostname mismatch",
        );
        bad(
            checker,
            clear,
            &format!("starttls\nverify\n{RIGHT}"),
            "certificate: ",
        );
        bad(checker, secured, &format!("tls\n{other}"), "ostname mismatch");
        bad(checker, secured, "connect_timeout 1", "no answer in time");
    }
    bad("POP3_CHECK", imap, "", "unexpected answer * OK");
    drop(server);
    bad("POP3_CHECK", pop3, RIGHT, "connection refused");
    bad("IMAP_CHECK", imap, RIGHT, "connection refused");
}

pub(crate) fn proftpd() {
    let site = Site::new();
    let dir = site.dir();
    let (clear, secured) = (site::port(), site::port());
    let Harmless {
        name,
        group,
        uid,
        gid,
    } = site::harmless();
    site::run(&format!("install -d -o {name} {dir}/home"));
    site.write("home/ready", "yes\n");
    let hash = site::crypt("right");
    site.write(
        "users",
        &format!("probe:{hash}:{uid}:{gid}::{dir}/home:/bin/false\n"),
    );
    site::run(&format!("chmod 600 {dir}/users"));
    let common = format!(
        "AuthOrder mod_auth_file.c\nAuthUserFile {dir}/users\nRequireValidShell off\nTLSEngine on\n\
         TLSRSACertificateFile {dir}/server.pem\nTLSRSACertificateKeyFile {dir}/server.key\n"
    );
    site.write(
        "proftpd.conf",
        &format!(
            "ModulePath /usr/lib/proftpd\nLoadModule mod_tls.c\nServerType standalone\nDefaultAddress 127.0.0.1\n\
             SocketBindTight on\nUseIPv6 off\nUseReverseDNS off\nUser {name}\nGroup {group}\nWtmpLog off\n\
             SystemLog none\nTransferLog none\nPidFile {dir}/pid\nScoreboardFile {dir}/score\nDelayEngine off\n\
             Port {clear}\n{common}<VirtualHost 127.0.0.1>\nPort {secured}\n{common}TLSOptions UseImplicitSSL\n\
             </VirtualHost>\n"
        ),
    );
    let server = Server::start(&site, clear, "proftpd", &format!("-n -c {dir}/proftpd.conf"));
    let [own, other] = verified(&site);
    good("FTP_CHECK", clear, "");
    good("FTP_CHECK", clear, RIGHT);
    good("FTP_CHECK", clear, &format!("{RIGHT}path ready"));
    good("FTP_CHECK", clear, &format!("{RIGHT}path {dir}/home/"));
    good("FTP_CHECK", clear, &format!("starttls\n{own}{RIGHT}path ready"));
    good("FTP_CHECK", secured, &format!("tls\n{own}{RIGHT}path ready"));
    bad("FTP_CHECK", clear, WRONG, "530 ");
    bad("FTP_CHECK", clear, "username anonymous", "530 ");
    bad("FTP_CHECK", clear, &format!("{RIGHT}path missing"), "550 ");
    bad("FTP_CHECK", clear, &format!("{RIGHT}path missing/"), "550 ");
    bad(
        "FTP_CHECK",
        clear,
        &format!("starttls\n{other}{RIGHT}"),
        "ostname mismatch",
    );
    bad("NNTP_CHECK", clear, "", "220 ");
    gone("FTP_CHECK", server, RIGHT);
}

pub(crate) fn inn() {
    assert!(site::is_root(), "INN begins as root only");
    let site = Site::new();
    let dir = site.dir();
    // Its user may not be allowed to look into the build's directory.
    let unpacked = concat!(env!("CARGO_MANIFEST_DIR"), "/target/inn/usr/lib/news");
    site::run(&format!("cp -r {unpacked} {dir}/news"));
    let news = format!("{dir}/news");
    for name in ["db", "spool", "spool/articles", "run"] {
        site::run(&format!("mkdir {dir}/{name}"));
    }
    site.write(
        "inn.conf",
        &format!(
            "domain: example.org\nfromhost: example.org\npathhost: news.example.org\nmta: \"/bin/false %s\"\n\
             ovmethod: tradindexed\nhismethod: hisv6\nenableoverview: true\nrunasuser: news\nrunasgroup: news\n\
             pathnews: {news}\npathetc: {dir}\npathdb: {dir}/db\npathspool: {dir}/spool\npathoverview: {dir}/spool\n\
             pathrun: {dir}/run\npathlog: {dir}\npathtmp: {dir}\nnnrpdloadlimit: 0\n\
             tlscertfile: {dir}/server.pem\ntlskeyfile: {dir}/server.key\n"
        ),
    );
    site.write(
        "readers.conf",
        &format!(
            "auth \"a\" {{\nhosts: \"*\"\nauth: \"ckpasswd -f {dir}/users\"\ndefault: \"nobody\"\n}}\n\
             access \"a\" {{\nusers: \"probe,nobody\"\nnewsgroups: \"*\"\naccess: R\n}}\n"
        ),
    );
    site.write("users", &format!("probe:{}\n", site::crypt("right")));
    site.write("storage.conf", "method tradspool {\nnewsgroups: *\nclass: 0\n}\n");
    site.write("db/active", "misc.test 0000000000 0000000001 y\n");
    for name in ["db/newsgroups", "db/history", "spool/tradspool.map"] {
        site.write(name, "");
    }
    let with = format!("LD_LIBRARY_PATH={news} INNCONF={dir}/inn.conf");
    site::run(&format!("chown -R news:news {dir}"));
    let as_news = "setpriv --reuid=news --regid=news --clear-groups env";
    site::run(&format!("{as_news} {with} {news}/bin/tdx-util -F -p {dir}/spool"));
    let start = |flag: &str| {
        let port = site::port();
        let line =
            format!("{with} {news}/bin/nnrpd -D -f {flag} -p {port} -b 127.0.0.1 -c {dir}/readers.conf");
        Server::start(&site, port, "env", &line)
    };
    let (server, secured) = (start(""), start("-S"));
    let (clear, tls) = (server.port, secured.port);
    let [own, other] = verified(&site);
    good("NNTP_CHECK", clear, "");
    good("NNTP_CHECK", clear, RIGHT);
    good("NNTP_CHECK", clear, "group misc.test");
    good("NNTP_CHECK", clear, &format!("{RIGHT}group misc.test"));
    good(
        "NNTP_CHECK",
        clear,
        &format!("starttls\n{own}{RIGHT}group misc.test"),
    );
    good("NNTP_CHECK", tls, &format!("tls\n{own}{RIGHT}group misc.test"));
    bad("NNTP_CHECK", clear, WRONG, "481 ");
    bad("NNTP_CHECK", clear, "group misc.none", "411 ");
    bad(
        "NNTP_CHECK",
        clear,
        &format!("starttls\n{other}{RIGHT}"),
        "ostname mismatch",
    );
    bad("NNTP_CHECK", tls, "tls\nverify", "certificate: ");
    gone("NNTP_CHECK", server, RIGHT);
}
