//! How our own commands ask the daemon that runs.

use super::protocol::{Answer, Request};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The most octets of an answer that are read: those about tens of thousands of objects are large.
const MOST: u64 = 256 << 20;
/// How long an answer may take: longer than the daemon takes to say that something takes too long.
const PATIENCE: Duration = Duration::from_secs(310);

/// Asks the daemon whose socket is at `path`.
///
/// # Errors
/// Why there is no answer, in words for whoever has asked.
pub(in crate::daemon) fn ask(path: &Path, request: &Request) -> Result<Answer, String> {
    let shown = path.display();
    let stream = UnixStream::connect(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            format!(
                "No daemon runs here that can be asked: nobody listens at {shown} (-p names its pid file)"
            )
        }
        ErrorKind::PermissionDenied => {
            format!("The daemon cannot be asked: {shown} is for root and the daemon's own user")
        }
        _ => format!("The daemon cannot be asked at {shown}: {error}"),
    })?;
    let line = request.line()?;
    let broken = |error: std::io::Error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => format!("The daemon at {shown} does not answer"),
        _ => format!("The daemon at {shown} has not answered: {error}"),
    };
    stream.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(broken)?;
    // One that turns us away may have hung up already, and has said why.
    let sent = (&stream).write_all(line.as_bytes());
    let mut answer = Vec::new();
    let read = BufReader::new(&stream).take(MOST).read_until(b'\n', &mut answer);
    match (read, sent) {
        (Ok(_), _) if answer.last() == Some(&b'\n') => {
            Answer::read(&answer).map_err(|why| format!("The daemon at {shown} cannot be understood: {why}"))
        }
        (Ok(0), Ok(())) => Err(format!(
            "The daemon at {shown} has not answered: it is stopping, or died"
        )),
        (Ok(_), Ok(())) => Err(format!("The daemon at {shown} has not finished its answer")),
        (Err(error), _) | (_, Err(error)) => Err(broken(error)),
    }
}
