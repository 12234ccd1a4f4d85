//! Whether a name has an address, asked within a limit of time.

use crate::conf::config::SmtpServer;
use std::net::ToSocketAddrs;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A resolver that is silent for longer does not hold up a start or a reload: the name is then taken as it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a resolver said so.
pub(super) fn has_no_address(server: &SmtpServer) -> bool {
    let (answer, answers) = mpsc::channel();
    let question = (server.host.clone(), server.port);
    let asked = thread::Builder::new().name("resolve".to_owned()).spawn(move || {
        let found = question
            .to_socket_addrs()
            .is_ok_and(|mut addresses| addresses.next().is_some());
        // Nobody waits any more when it took too long.
        let _late = answer.send(found);
    });
    asked.is_ok() && matches!(answers.recv_timeout(PATIENCE), Ok(false))
}
