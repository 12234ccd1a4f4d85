//! Real servers of the kinds that checkers ask, started here: up, a wrong password, gone.
//!
//! Each runs on the loopback, on a port of its own and in a directory of its own, never as the system's service. Checkers
//! are read from a configuration and asked as the daemon asks them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that fails here has found something, and real servers take their time"
)]

mod directory;
mod mail;
mod server;
mod site;
mod talk;
mod web;

use libtest_mimic::{Arguments, Failed, Trial};
use server::Server;
use site::{Site, probe};
use std::time::{Duration, Instant};

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        trial("dovecot", mail::dovecot),
        trial("proftpd", mail::proftpd),
        trial("inn", mail::inn),
        trial("slapd", directory::slapd),
        trial("redis", redis),
        trial("mariadb", mariadb),
        trial("postgresql", postgresql),
        trial("nginx", web::nginx),
        trial("grpc", talk::grpc),
        trial("websocket", talk::websocket),
        trial("freeradius", talk::freeradius),
        trial("kamailio", talk::kamailio),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(name: &'static str, test: fn()) -> Trial {
    Trial::test(name, move || {
        std::panic::catch_unwind(test).map_err(|_| Failed::from("see above"))
    })
}

/// Whether the checker is content, in the end: a server takes its time to start.
fn good(keyword: &str, port: u16, body: &str) {
    let began = Instant::now();
    while probe(keyword, port, body).is_err() && began.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(100));
    }
    if began.elapsed() >= PATIENCE {
        panic!("{keyword} {{ {body} }}: {:?}", probe(keyword, port, body));
    }
}

/// The words of a failure, among which these must be.
fn bad(keyword: &str, port: u16, body: &str, words: &str) {
    match probe(keyword, port, body) {
        Err(said) if said.contains(words) => {}
        other => panic!("{keyword} {{ {body} }}: {other:?}, not {words}"),
    }
}

/// Nobody listens any more.
fn gone(keyword: &str, server: Server, body: &str) {
    let port = server.port;
    drop(server);
    bad(keyword, port, body, "connection refused");
}

fn redis() {
    let site = Site::new();
    let (clear, secured) = (site::port(), site::port());
    let server = Server::start(
        &site,
        clear,
        "redis-server",
        &format!(
            "--bind 127.0.0.1 --port {clear} --tls-port {secured} --requirepass right --dir {dir} --tls-cert-file \
             {dir}/server.pem --tls-key-file {dir}/server.key --tls-ca-cert-file {dir}/ca.pem --save --daemonize no",
            dir = site.dir()
        ),
    );
    good("REDIS_CHECK", clear, "password right");
    good("REDIS_CHECK", clear, "password right\nrole master");
    bad(
        "REDIS_CHECK",
        clear,
        "password right\nrole replica",
        "its role is master",
    );
    bad("REDIS_CHECK", clear, "password wrong", "WRONGPASS");
    bad("REDIS_CHECK", clear, "", "NOAUTH");
    bad("MYSQL_CHECK", clear, "connect_timeout 1", "no answer in time");
    // Its certificate asks for one of ours; whose it is matters only where that is to be verified.
    let own = format!(
        "tls\npassword right\ncertificate {0}/client.pem\nkey {0}/client.key\n",
        site.dir()
    );
    let verified = format!("{own}verify\nca {}/ca.pem\n", site.dir());
    good("REDIS_CHECK", secured, &own);
    good("REDIS_CHECK", secured, &format!("{verified}name db.example"));
    good("REDIS_CHECK", secured, &verified);
    bad(
        "REDIS_CHECK",
        secured,
        &format!("{verified}name other.example"),
        "ostname mismatch",
    );
    bad("REDIS_CHECK", secured, &format!("{own}verify"), "certificate: ");
    // A key with a pass phrase.
    site::run(&format!(
        "openssl rsa -aes256 -passout pass:word -in {0}/client.key -out {0}/locked.key",
        site.dir()
    ));
    let locked = own.replace("client.key", "locked.key");
    good("REDIS_CHECK", secured, &format!("{locked}key_password word"));
    bad("REDIS_CHECK", secured, &locked, "locked.key cannot be used");
    bad(
        "REDIS_CHECK",
        secured,
        &format!("{locked}key_password other"),
        "locked.key cannot be used",
    );
    bad("REDIS_CHECK", secured, "tls\npassword right", "");
    gone("REDIS_CHECK", server, "password right");
}

fn mariadb() {
    let site = Site::new();
    let port = site::port();
    let dir = site.dir();
    let owner = if site::is_root() { " --user=root" } else { "" };
    site::run(&format!(
        "mariadb-install-db --no-defaults --datadir={dir}/data --auth-root-authentication-method=normal \
         --skip-test-db{owner}"
    ));
    site.write(
        "init.sql",
        "CREATE DATABASE shop;\nCREATE TABLE shop.empty (n INT);\n\
         CREATE USER 'probe'@'127.0.0.1' IDENTIFIED BY 'right';\nGRANT SELECT ON shop.* TO 'probe'@'127.0.0.1';\n",
    );
    let server = Server::start(
        &site,
        port,
        "mariadbd",
        &format!(
            "--no-defaults{owner} --datadir={dir}/data --socket={dir}/s --pid-file={dir}/pid --bind-address=127.0.0.1 \
             --port={port} --skip-name-resolve --init-file={dir}/init.sql --ssl-cert={dir}/server.pem \
             --ssl-key={dir}/server.key --ssl-ca={dir}/ca.pem"
        ),
    );
    good("MYSQL_CHECK", port, "");
    let login = "username probe\npassword right\n";
    good("MYSQL_CHECK", port, login);
    good(
        "MYSQL_CHECK",
        port,
        &format!("{login}database shop\nquery \"SELECT 1\""),
    );
    good(
        "MYSQL_CHECK",
        port,
        &format!("{login}tls\nverify\nca {dir}/ca.pem\nname db.example\nquery \"SELECT 1\""),
    );
    good("MYSQL_CHECK", port, "tls");
    bad(
        "MYSQL_CHECK",
        port,
        "username probe\npassword wrong",
        "error 1045",
    );
    bad("MYSQL_CHECK", port, "username nobody", "error 1045");
    bad(
        "MYSQL_CHECK",
        port,
        &format!("{login}database secret"),
        "error 1044",
    );
    bad(
        "MYSQL_CHECK",
        port,
        &format!("{login}query \"SELECT n FROM shop.empty\""),
        "no rows",
    );
    bad(
        "MYSQL_CHECK",
        port,
        &format!("{login}query \"SELECT n FROM shop.none\""),
        "error 1146",
    );
    bad(
        "MYSQL_CHECK",
        port,
        &format!("{login}tls\nverify\nca {dir}/ca.pem\nname x.example"),
        "ostname mismatch",
    );
    bad("REDIS_CHECK", port, "", "unexpected answer");
    gone("MYSQL_CHECK", server, login);
}

fn postgresql() {
    let site = Site::for_user("postgres");
    let port = site::port();
    let dir = site.dir();
    let bin = site::newest("/usr/lib/postgresql", "bin");
    site.write("secret", "right\n");
    site.run_as_user(&format!(
        "{bin}/initdb -D {dir}/data -U probe --pwfile={dir}/secret --auth=scram-sha-256 --no-sync"
    ));
    site.write(
        "data/pg_hba.conf",
        "host md5ed all 127.0.0.1/32 md5\nhost clear all 127.0.0.1/32 password\nhost all all 127.0.0.1/32 scram-sha-256\n",
    );
    let server = Server::start(
        &site,
        port,
        &format!("{bin}/postgres"),
        &format!(
            "-D {dir}/data -k {dir} -p {port} -c listen_addresses=127.0.0.1 -c ssl=on -c ssl_cert_file={dir}/server.pem \
             -c ssl_key_file={dir}/server.key -c fsync=off"
        ),
    );
    let login = "username probe\npassword right\ndatabase postgres\n";
    good("PGSQL_CHECK", port, login);
    good("PGSQL_CHECK", port, "");
    good("PGSQL_CHECK", port, &format!("{login}query \"SELECT 1\""));
    good(
        "PGSQL_CHECK",
        port,
        &format!("{login}tls\nverify\nca {dir}/ca.pem\nname db.example\nquery \"SELECT 1\""),
    );
    bad(
        "PGSQL_CHECK",
        port,
        "username probe\npassword wrong\ndatabase postgres",
        "28P01",
    );
    bad(
        "PGSQL_CHECK",
        port,
        "username probe\npassword right\ndatabase none",
        "3D000",
    );
    bad(
        "PGSQL_CHECK",
        port,
        &format!("{login}query \"SELECT 1 WHERE false\""),
        "no rows",
    );
    bad(
        "PGSQL_CHECK",
        port,
        &format!("{login}query \"SELECT * FROM none\""),
        "42P01",
    );
    bad(
        "PGSQL_CHECK",
        port,
        "username probe\npassword right\ndatabase clear",
        "which needs TLS",
    );
    // Only a password that was kept as MD5 is asked for so; SCRAM's is then asked for in its own way.
    bad(
        "PGSQL_CHECK",
        port,
        "username probe\npassword right\ndatabase md5ed",
        "3D000",
    );
    gone("PGSQL_CHECK", server, login);
}
