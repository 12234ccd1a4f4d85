//! Servers of the web: nginx.

use super::server::Server;
use super::site::{self, Site};
use super::{bad, gone, good};

pub(crate) fn nginx() {
    let site = Site::new();
    let (clear, second, secured) = (site::port(), site::port(), site::port());
    let dir = site.dir();
    site.write(
        "nginx.conf",
        &format!(
            r#"daemon off; master_process off; error_log stderr; pid {dir}/pid;
events {{ }}
http {{
    access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
    uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
    ssl_certificate {dir}/server.pem; ssl_certificate_key {dir}/server.key;
    server {{
        listen 127.0.0.1:{clear}; listen 127.0.0.1:{second} http2; listen 127.0.0.1:{secured} ssl http2;
        server_name db.example;
        ssl_client_certificate {dir}/ca.pem; ssl_verify_client optional;
        location = /health {{ default_type application/json; return 200 '{{"status":"UP","load":[1,2]}}'; }}
        location = /moved {{ return 302 http://192.0.2.1/; }}
        location = /protocol {{ return 200 "$server_protocol $host $ssl_server_name $ssl_client_verify $request_method $http_x_a"; }}
        location = /login {{ auth_basic on; auth_basic_user_file {dir}/users; try_files /none =204; }}
        location = /down {{ return 503; }}
    }}
    server {{
        listen 127.0.0.1:{clear} default_server; listen 127.0.0.1:{second} default_server http2;
        return 421;
    }}
}}
"#
        ),
    );
    site.write("users", "me:{PLAIN}right\n");
    let server = Server::start(
        &site,
        clear,
        "nginx",
        &format!("-p {dir} -c {dir}/nginx.conf -e stderr"),
    );
    let host = "virtualhost db.example\n";
    good(
        "WEB_CHECK",
        clear,
        &format!("{host}path /health\njson /status UP\njson /load/1 2"),
    );
    bad("WEB_CHECK", clear, "path /health", "status code 421");
    good("WEB_CHECK", clear, "path /health\nstatus 400-499");
    bad(
        "WEB_CHECK",
        clear,
        &format!("{host}path /health\njson /status DOWN"),
        "has \"UP\" at /status",
    );
    bad(
        "WEB_CHECK",
        clear,
        &format!("{host}path /protocol\njson /status UP"),
        "not JSON",
    );
    bad(
        "WEB_CHECK",
        clear,
        &format!("{host}path /moved"),
        "status code 302",
    );
    bad(
        "WEB_CHECK",
        clear,
        &format!("{host}path /down"),
        "status code 503",
    );
    bad(
        "WEB_CHECK",
        clear,
        &format!("{host}path /health\ncontains DOWN"),
        "does not contain",
    );
    let said = "path /protocol\nheader X-A b\nmethod POST\ncontains";
    good(
        "WEB_CHECK",
        clear,
        &format!("{host}{said} \"HTTP/1.1 db.example   POST b\""),
    );
    good(
        "WEB_CHECK",
        second,
        &format!("{host}http2\n{said} \"HTTP/2.0 db.example   POST b\""),
    );
    bad("WEB_CHECK", second, "http2\npath /health", "status code 421");
    bad("WEB_CHECK", second, &format!("{host}path /health"), "");
    bad("WEB_CHECK", clear, &format!("{host}http2\npath /health"), "");
    let login = format!("{host}path /login\nusername me\npassword");
    good("WEB_CHECK", clear, &format!("{login} right"));
    bad("WEB_CHECK", clear, &format!("{login} wrong"), "status code 401");
    // Whose the certificate is matters only where that is to be verified.
    let verified = format!("tls\nverify\nca {dir}/ca.pem\n");
    for (http2, version) in [("", "HTTP/1.1"), ("http2\n", "HTTP/2.0")] {
        let asked = format!("{http2}{said} \"{version} db.example db.example");
        good("WEB_CHECK", secured, &format!("tls\n{host}{asked} NONE POST b\""));
        good(
            "WEB_CHECK",
            secured,
            &format!("{verified}name db.example\n{asked} NONE POST b\""),
        );
        let own = format!("certificate {dir}/client.pem\nkey {dir}/client.key\n");
        good(
            "WEB_CHECK",
            secured,
            &format!("{verified}{host}{own}{asked} SUCCESS POST b\""),
        );
        bad(
            "WEB_CHECK",
            secured,
            &format!("{verified}{http2}virtualhost other.example"),
            "ostname mismatch",
        );
        bad(
            "WEB_CHECK",
            secured,
            &format!("tls\nverify\n{host}{http2}"),
            "certificate",
        );
    }
    good(
        "WEB_CHECK",
        secured,
        &format!("{verified}{host}name 127.0.0.1\npath /health"),
    );
    bad("WEB_CHECK", clear, &format!("tls\n{host}"), "TLS: ");
    gone("WEB_CHECK", server, &format!("{host}path /health"));
}
