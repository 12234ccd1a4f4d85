//! SSL_GET beside keepalived's, against nginx: old suites and versions, certificates of clients, and what is wrong with the
//! `SSL` block.

use std::fs;
use std::net::TcpStream;
use std::process::Child;
use std::time::Duration;

use super::conf::GLOBAL;
use super::expect::SOON;
use crate::site::{Daemon, Director, Node};
use crate::timeline::{Stamp, note, wait_for};
use nix::sys::signal::Signal;

/// What a server speaks, and who is served: by the system's OpenSSL as it is, and as [`LOW`] has it.
const SERVERS: &[(&str, &str, [bool; 2])] = &[
    (
        "TLS 1.2 with RSA key exchange and CBC",
        "ssl_protocols TLSv1.2; ssl_ciphers AES128-SHA;",
        [true, true],
    ),
    (
        "TLS 1.2 with RSA key exchange, CBC and SHA256",
        "ssl_protocols TLSv1.2; ssl_ciphers AES256-SHA256;",
        [true, true],
    ),
    (
        "TLS 1.2 with CBC",
        "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-RSA-AES128-SHA;",
        [true, true],
    ),
    ("TLS 1.3", "ssl_protocols TLSv1.3;", [true, true]),
    (
        "TLS 1.0",
        "ssl_protocols TLSv1; ssl_ciphers ALL:@SECLEVEL=0;",
        [false, true],
    ),
    (
        "TLS 1.1",
        "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;",
        [false, true],
    ),
    (
        "clients with a certificate",
        "ssl_protocols TLSv1.2; ssl_verify_client on; ssl_client_certificate /run/own.pem;",
        [true, true],
    ),
];

/// OpenSSL as an administrator sets it up who needs old servers; with another version, who wants new ones only.
const LOW: &str = "openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = low
[low]
MinProtocol = TLSv1
CipherString = DEFAULT@SECLEVEL=0
";

const PHRASE: &str = "open sesame";

/// LVS facts: 10.17
pub fn tls() {
    for daemon in [Daemon::Keepalived, Daemon::under_test()] {
        let name = format!("{daemon:?}").to_lowercase();
        let mut director = director(&name, daemon);
        let _server = Nginx::start(&director);
        let all = services();
        for (round, through) in [
            &[][..],
            &["env", "OPENSSL_CONF=/run/low.cnf"],
            &["env", "OPENSSL_CONF=/run/high.cnf"],
        ]
        .iter()
        .enumerate()
        {
            director.configure(&format!("{GLOBAL}{}{all}", identity("locked.key", PHRASE)));
            let since = Stamp::now();
            director.start_as(through, &[]);
            for (n, (what, _, served)) in SERVERS.iter().enumerate() {
                let good = format!(
                    "Remote Web server [127.0.1.{}]:tcp:443 succeed on service.",
                    n + 1
                );
                let bad = format!("HTTP_CHECK on service [127.0.1.{}]:tcp:443 failed", n + 1);
                let verdict = wait_for(format!("{name}: {what}"), 3 * SOON, || {
                    let told = |text: &str| director.log.count_since(text, since) > 0;
                    let failed = told(&bad) || told(&bad.replace("HTTP", "SSL"));
                    (told(&good) || failed).then(|| told(&good))
                });
                note(&name, format!("{what}: {verdict}"));
                // keepalived does not read that file; ours may let more in for it, and keeps nobody out.
                let lowered = round == 1 && daemon == Daemon::Steadfast;
                assert_eq!(verdict, served[usize::from(lowered)], "{name} {round}: {what}");
            }
            assert_eq!(director.stop(), Some(0), "exit code");
        }
    }
}

/// LVS facts: 10.17
pub fn ssl_block() {
    for daemon in [Daemon::Keepalived, Daemon::under_test()] {
        let name = format!("{daemon:?}").to_lowercase();
        let mut director = director(&name, daemon);
        let all = services();
        for (key, phrase) in [("none", ""), ("other.key", ""), ("locked.key", "wrong")] {
            let since = Stamp::now();
            director.run_with(&format!("{GLOBAL}{}{all}", identity(key, phrase)));
            let code = director.ended(2 * SOON);
            assert_eq!(code, Some(1), "{name}: {key}");
            director
                .log
                .wait("SSL error : Cant load key file...", since, SOON);
            director
                .log
                .wait("Error Initialize SSL, ctx Instance", since, SOON);
        }
        if daemon == Daemon::Keepalived {
            continue;
        }
        // A reload is refused; nobody learns the pass phrase.
        director.run_with(&format!("{GLOBAL}{}{all}", identity("locked.key", PHRASE)));
        director
            .log
            .wait("Startup complete", Stamp(Duration::ZERO), 2 * SOON);
        director.configure(&format!("{GLOBAL}{}", identity("locked.key", "wrong") + &all));
        let since = Stamp::now();
        director.signal(Signal::SIGHUP);
        director.log.wait("the running one is kept", since, 2 * SOON);
        director.configure(&format!("{GLOBAL}{}", identity("locked.key", PHRASE) + &all));
        director.signal(Signal::SIGHUP);
        director.log.wait("Reload complete", since, 2 * SOON);
        assert_eq!(director.stop(), Some(0), "exit code");
        let text = director.log.text();
        assert!(
            !text.contains(PHRASE) && !text.contains("wrong"),
            "a pass phrase was told"
        );
    }
}

fn director(name: &str, daemon: Daemon) -> Director {
    let node = Node::new(name);
    node.ip("link set lo up\n");
    let mut director = Director::new(node);
    director.daemon = daemon;
    director.options = &["--check"];
    director.write("/run/low.cnf", LOW);
    director.write(
        "/run/high.cnf",
        &LOW.replace("TLSv1", "TLSv1.3").replace("=0", "=2"),
    );
    let openssl = |words: &str| {
        let words: Vec<&str> = ["openssl"].into_iter().chain(words.split(' ')).collect();
        director.run(&words);
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout /run/own.key -out /run/own.pem -days 2 -subj /CN=lab");
    openssl("genrsa -out /run/other.key 2048");
    let phrase = format!("pass:{PHRASE}");
    let lock = [
        "openssl",
        "rsa",
        "-aes128",
        "-passout",
        &phrase,
        "-in",
        "/run/own.key",
        "-out",
        "/run/locked.key",
    ];
    director.run(&lock);
    director
}

fn identity(key: &str, phrase: &str) -> String {
    let phrase = if phrase.is_empty() {
        String::new()
    } else {
        format!("password \"{phrase}\"")
    };
    format!("SSL {{\ncertificate /run/own.pem\nkey /run/{key}\nca /run/own.pem\n{phrase}\n}}\n")
}

/// A virtual server with an SSL_GET for each server; what it says must be found in its page.
fn services() -> String {
    let service = |n: usize| {
        format!(
            "virtual_server 192.0.2.{n} 443 {{
    delay_loop 1
    lb_algo rr
    lb_kind TUN
    protocol TCP
    real_server 127.0.1.{n} 443 {{
        SSL_GET {{
            warmup 0
            retry 0
            connect_timeout 15
            url {{
                path /page
                regex \"l[a-z]b page\"
            }}
        }}
    }}
}}
"
        )
    };
    (1..=SERVERS.len()).map(service).collect()
}

/// A web server that ends with its guard.
struct Nginx(Child);

impl Nginx {
    fn start(director: &Director) -> Self {
        let servers: String = SERVERS
            .iter()
            .enumerate()
            .map(|(n, (_, settings, _))| {
                format!(
                    "server {{ listen 127.0.1.{}:443 ssl; root /run/www; {settings} }}\n",
                    n + 1
                )
            })
            .collect();
        fs::create_dir(director.path("/run/www")).expect("a directory");
        director.write("/run/www/page", "the lab page\n");
        director.write(
            "/run/nginx.conf",
            &format!(
                "daemon off;\nmaster_process off;\nuser root;\npid /run/nginx.pid;\nerror_log stderr;\nevents {{}}\n\
                 http {{\naccess_log off;\nssl_certificate /run/own.pem;\nssl_certificate_key /run/own.key;\n\
                 client_body_temp_path /run/t1;\nproxy_temp_path /run/t2;\nfastcgi_temp_path /run/t3;\n\
                 uwsgi_temp_path /run/t4;\nscgi_temp_path /run/t5;\n{servers}}}\n"
            ),
        );
        let mut child = director.spawn(&["nginx", "-e", "stderr", "-c", "/run/nginx.conf"]);
        director.log.follow("nginx", child.stderr.take().expect("a pipe"));
        let server = Self(child);
        // A checker that comes too early would find nobody.
        for n in 1..=SERVERS.len() {
            wait_for(format!("server {n} of nginx"), 3 * SOON, || {
                director
                    .within(|| TcpStream::connect(format!("127.0.1.{n}:443")))
                    .ok()
            });
        }
        server
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
