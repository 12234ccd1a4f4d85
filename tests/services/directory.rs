//! OpenLDAP.

use crate::mail::verified;
use crate::server::Server;
use crate::site::{self, Site};
use crate::{bad, gone, good};

const CHECK: &str = "LDAP_CHECK";
const BASE: &str = "dc=example,dc=org";

pub(crate) fn slapd() {
    let site = Site::new();
    let dir = site.dir();
    let (clear, secured) = (site::port(), site::port());
    site.write(
        "slapd.conf",
        &format!(
            "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {dir}/pid\n\
             TLSCertificateFile {dir}/server.pem\nTLSCertificateKeyFile {dir}/server.key\ndatabase mdb\n\
             suffix \"{BASE}\"\nrootdn \"cn=probe,{BASE}\"\nrootpw right\ndirectory {dir}/data\n"
        ),
    );
    site.write(
        "init.ldif",
        &format!(
            "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n\
             dn: cn=ready,{BASE}\nobjectClass: organizationalRole\ncn: ready\nl: Aix (old)\n"
        ),
    );
    site::run(&format!("mkdir {dir}/data"));
    site::run(&format!("slapadd -q -f {dir}/slapd.conf -l {dir}/init.ldif"));
    site.write(
        "start",
        &format!(
            "exec slapd -d 0 -f {dir}/slapd.conf -h 'ldap://127.0.0.1:{clear}/ ldaps://127.0.0.1:{secured}/'\n"
        ),
    );
    let server = Server::start(&site, clear, "sh", "start");
    let right = format!("username cn=probe,{BASE}\npassword right\n");
    let [own, other] = verified(&site);
    good(CHECK, clear, "");
    good(CHECK, clear, &right);
    good(CHECK, clear, &format!("starttls\n{own}{right}"));
    good(CHECK, secured, &format!("tls\n{own}{right}"));
    bad(
        CHECK,
        clear,
        &format!("username cn=probe,{BASE}\npassword wrong"),
        "bind: result 49 invalidCredentials",
    );
    bad(
        CHECK,
        clear,
        &format!("starttls\n{other}{right}"),
        "ostname mismatch",
    );
    bad(CHECK, secured, "tls\nverify", "certificate: ");
    for found in [
        "base \"\"".to_owned(),
        format!("base {BASE}"),
        format!("base {BASE}\nfilter \"(dc=exa*)\""),
        format!("base {BASE}\nscope one\nfilter cn=ready"),
        format!(
            "{right}base {BASE}\nscope sub\nfilter \"(&(objectClass=organizationalRole)(!(cn=x))(|(l=*ix*old*)(l=y)))\""
        ),
        format!("base {BASE}\nscope sub\nfilter \"(l=aix \\28old\\29)\""),
        format!("base {BASE}\nscope sub\nfilter \"(cn:caseExactMatch:=ready)\""),
    ] {
        good(CHECK, clear, &found);
    }
    for (missing, words) in [
        (format!("base {BASE}\nfilter cn=ready"), "finds no entry"),
        (format!("base cn=none,{BASE}"), "search: result 32 noSuchObject"),
        (
            format!("base {BASE}\nscope sub\nfilter (cn:caseExactMatch:=READY)"),
            "finds no entry",
        ),
        ("base nonsense".to_owned(), "search: result 34 invalidDNSyntax"),
    ] {
        bad(CHECK, clear, &missing, words);
    }
    bad("REDIS_CHECK", clear, "connect_timeout 1", "");
    gone(CHECK, server, &right);
}
