//! What HTTP_GET sends: the same bytes as keepalived, for every dialect and every place of a virtual host.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::conf::GLOBAL;
use super::expect::SOON;
use crate::site::{Daemon, Director, Node};
use crate::timeline::{note, wait_for};

/// The first request that came to each address and port.
type Requests = Arc<Mutex<BTreeMap<(IpAddr, u16), String>>>;

/// Settings of the virtual server, the real server, the checker and the url.
const CASES: &[[&str; 4]] = &[
    ["", "", "", "path /"],
    ["", "", "http_protocol 1.0", "path /index.html"],
    ["", "", "http_protocol 1.0C", "path /a?b=c&d=%20"],
    ["", "", "http_protocol 1.1", "path \"/with blanks and # and !\""],
    ["virtualhost vs.example.com", "", "", "path /"],
    [
        "virtualhost vs.example.com",
        "virtualhost rs.example.com",
        "",
        "path /",
    ],
    [
        "virtualhost vs.example.com",
        "virtualhost rs.example.com",
        "virtualhost checker.example.com",
        "path /",
    ],
    [
        "virtualhost vs.example.com",
        "virtualhost rs.example.com",
        "virtualhost checker.example.com\nhttp_protocol 1.1",
        "path /\nvirtualhost url.example.com:8080",
    ],
    ["", "", "connect_port 8100", "path no-slash"],
];

/// The port of the first case.
const FIRST: u16 = 8000;

pub fn requests() {
    let daemons = [("oracle", Daemon::Keepalived), ("subject", Daemon::under_test())];
    let mut sides: Vec<(Director, Requests)> = daemons
        .into_iter()
        .map(|(name, daemon)| {
            let node = Node::new(name);
            node.ip("link set lo up\n");
            let mut director = Director::new(node);
            director.daemon = daemon;
            director.options = &["--check"];
            let requests = Requests::default();
            for port in (FIRST..).take(CASES.len()).chain([8100]) {
                listen(&director, port, &requests);
            }
            (director, requests)
        })
        .collect();
    let server = |(case, port): (&[&str; 4], u16), address: &str| {
        let [service, server, checker, url] = case;
        format!(
            "virtual_server 192.0.2.{} {port} {{
    delay_loop 1
    lb_algo rr
    lb_kind TUN
    protocol TCP
    {service}
    real_server {address} {port} {{
        {server}
        HTTP_GET {{
            warmup 0
            {checker}
            url {{
                {url}
            }}
        }}
    }}
}}
",
            if address == "::1" { 2 } else { 1 }
        )
    };
    // IPv4 and IPv6 name themselves differently; everything else is the same.
    for address in ["127.0.0.1", "::1"] {
        let all: String = CASES
            .iter()
            .zip(FIRST..)
            .map(|case| server(case, address))
            .collect();
        let mut seen = Vec::new();
        for (director, _) in &mut sides {
            director.run_with(&format!("{GLOBAL}{all}"));
        }
        for (director, requests) in &mut sides {
            let came = || {
                let mut requests = requests.lock().expect("requests").clone();
                requests.retain(|(ip, _), _| ip.to_string() == address);
                requests
            };
            seen.push(wait_for(
                format!("{}'s requests to {address}", director.name),
                3 * SOON,
                || Some(came()).filter(|requests| requests.len() == CASES.len()),
            ));
            assert_eq!(director.stop(), Some(0), "exit code");
        }
        note("lab", format!("{} requests to {address}", seen[1].len()));
        for ((ip, port), theirs) in &seen[0] {
            assert_eq!(
                Some(theirs),
                seen[1].get(&(*ip, *port)),
                "to port {port} of {address}"
            );
        }
    }
}

/// Answers every request on the loopback's `port`, and keeps the first to each address: a late one is none of the next.
fn listen(director: &Director, port: u16, requests: &Requests) {
    let any = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
    let listener = director.within(|| TcpListener::bind(any)).expect("a listener");
    let requests = requests.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let asked = stream.local_addr().expect("an address").ip().to_canonical();
            if let Some(request) = answer(stream) {
                let mut requests = requests.lock().expect("requests");
                requests.entry((asked, port)).or_insert(request);
            }
        }
    });
}

fn answer(mut stream: TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut part).ok().filter(|length| *length > 0)?;
        request.extend_from_slice(&part[..length]);
    }
    stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nfine").ok()?;
    Some(String::from_utf8_lossy(&request).into_owned())
}
