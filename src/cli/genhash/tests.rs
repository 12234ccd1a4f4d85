//! Command lines of genhash, right and wrong.

use super::*;

fn run(line: &str) -> Result<Wanted, Exit> {
    parse("genhash", line.split_ascii_whitespace().map(OsString::from))
}

fn complaint(line: &str) -> String {
    let exit = run(line).unwrap_err();
    assert_eq!((exit.code, exit.stdout.as_str()), (1, ""), "{line}");
    let (complaint, usage) = exit.stderr.split_at(exit.stderr.find("Usage: ").unwrap());
    assert_eq!(usage, super::usage("genhash"));
    complaint.to_owned()
}

/// LVS facts: 21.1
#[test]
fn every_option() {
    let plain = Wanted {
        server: "192.0.2.1:80".parse().unwrap(),
        url: "/a".to_owned(),
        tls: false,
        sni: false,
        virtualhost: None,
        mark: 0,
        protocol: HttpProtocol::V10,
        timeout: Duration::from_secs(DEFAULT_TIMEOUT.into()),
        verbose: false,
    };
    assert_eq!(run("-s 192.0.2.1 -p 80 -u /a"), Ok(plain.clone()));
    assert_eq!(run("--server=192.0.2.1 --port 80 --url /a"), Ok(plain));
    let all = Wanted {
        server: "[2001:db8::1]:8443".parse().unwrap(),
        url: "b".to_owned(),
        tls: true,
        sni: true,
        virtualhost: Some("www.example".to_owned()),
        mark: 7,
        protocol: HttpProtocol::V11,
        timeout: Duration::from_secs(3),
        verbose: true,
    };
    for line in [
        "-SIv -s 2001:db8::1 -p8443 -u b -V www.example -m 7 -P 1.1 -t 3",
        "--use-ssl --use-sni --verbose --server 2001:db8::1 --port 8443 --url b --use-virtualhost www.example \
         --fwmark 7 --protocol 1.1 --timeout 3",
        "--use-ss --use-sn --verb --serv 2001:db8::1 --po 8443 --ur b --use-v www.example --fw 7 --pr 1.1 --ti 3",
        // The last one counts.
        "-SIvv -s 192.0.2.9 -s 2001:db8::1 -p 1 -p 8443 -u x -u b -V www.example -m 1 -m 7 -P 1.0 -P 1.1 -t 9 -t 3",
    ] {
        assert_eq!(run(line), Ok(all.clone()), "{line}");
    }
    for (word, protocol) in [
        ("1.0", HttpProtocol::V10),
        ("1.0c", HttpProtocol::V10Close),
        ("1.0C", HttpProtocol::V10Close),
    ] {
        let line = format!("-s 192.0.2.1 -p 80 -u / -P {word}");
        assert_eq!(run(&line).unwrap().protocol, protocol);
    }
}

/// LVS facts: 21.4
#[test]
fn what_is_wrong_or_missing_gives_the_usage() {
    for line in [
        "",
        "-h",
        "--help",
        "-s 192.0.2.1 -p 80",
        "-s 192.0.2.1 -u /",
        "-p 80 -u /",
        "-s 192.0.2.1 -p 80 -u / -h",
    ] {
        assert_eq!(complaint(line), "", "{line}");
    }
    const GOOD: &str = "-s 192.0.2.1 -p 80 -u /";
    for (line, said) in [
        ("-s web", "server should be an IP, not web\n"),
        ("-s [::1]", "server should be an IP, not [::1]\n"),
        ("-p 0", "invalid port number '0'\n"),
        ("-p 65536", "invalid port number '65536'\n"),
        ("-p 80x", "invalid port number '80x'\n"),
        ("-P 1.2", "invalid HTTP protocol version '1.2'\n"),
        ("-t abc", "invalid timeout 'abc'\n"),
        ("-t -5", "invalid timeout '-5'\n"),
        ("-t 0", "invalid timeout '0'\n"),
        ("-m 0x10", "invalid fwmark '0x10'\n"),
        ("-m 4294967296", "invalid fwmark '4294967296'\n"),
        ("x y", "Unexpected argument(s): x y\n"),
        ("-Z", "Unknown option -Z\n"),
        ("--foo", "Unknown option --foo\n"),
        ("-u", "Missing parameter for option -u\n"),
        ("-t x -m y", "invalid fwmark 'y'\ninvalid timeout 'x'\n"),
    ] {
        assert_eq!(complaint(&format!("{GOOD} {line}")), said, "{line}");
    }
}

/// As the one of 2.2.7, letter for letter.
#[test]
fn the_usage_is_keepalived_s() {
    let wanted = "\
Usage: genhash COMMAND [OPTIONS]
Commands:
   -s server-address -p port -u url
   -S -s server-address -p port -u url
   -h

Options:
Either long or short options are allowed.
   --use-ssl         -S       Use SSL connection to remote server.
   --use-sni         -I       Use SNI during SSL handshake (uses virtualhost setting; see -V).
   --server          -s       Use the specified remote server address.
   --port            -p       Use the specified remote server port.
   --url             -u       Use the specified remote server url.
   --use-virtualhost -V       Use the specified virtualhost in GET query.
   --verbose         -v       Use verbose mode output.
   --help            -h       Display this short inlined help screen.
   --fwmark          -m       Use the specified FW mark.
   --protocol        -P       Use the specified HTTP protocol - '1.0', 1.0c', '1.1'.
                                1.0c means 1.0 with 'Connection: close'
   --timeout         -t       Timeout in seconds
";
    assert_eq!(usage("genhash"), wanted);
}
