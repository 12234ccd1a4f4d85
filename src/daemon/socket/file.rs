//! The socket's file: made for the owner alone, an orphan replaced, nothing else ever touched.

use nix::sys::stat::{Mode, fchmod};
use socket2::{Domain, SockAddr, Socket as Raw, Type};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// Connections that may wait to be taken.
const BACKLOG: i32 = 16;

/// A socket's file that we have made. It is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Socket {
    path: PathBuf,
    /// Device and inode: what stands there later may be somebody else's.
    identity: (u64, u64),
}

impl Socket {
    /// Binds a socket to `path` and listens, within a runtime. What is there already is removed only if it is a socket
    /// to which nobody listens: what a daemon that was killed has left.
    ///
    /// # Errors
    /// When something else is there, or the file cannot be made.
    pub(super) fn bind(path: &Path) -> io::Result<(UnixListener, Self)> {
        remove_orphan(path)?;
        let socket = Raw::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
        // The file has the mode of the socket it is made of: at no time may others connect.
        fchmod(&socket, Mode::S_IRUSR | Mode::S_IWUSR)?;
        // Never follows a link in the last place, and takes no name that is in use.
        socket.bind(&SockAddr::unix(path)?)?;
        let found = fs::symlink_metadata(path)?;
        let file = Self {
            path: path.to_owned(),
            identity: (found.dev(), found.ino()),
        };
        socket.listen(BACKLOG)?;
        let listener = UnixListener::from_std(std::os::fd::OwnedFd::from(socket).into())?;
        Ok((listener, file))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity) {
            // It may be gone meanwhile, and nobody can be told otherwise.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn remove_orphan(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "something that is no socket is there",
        ));
    }
    if is_heard(path)? {
        return Err(io::Error::new(ErrorKind::AddrInUse, "somebody listens there"));
    }
    fs::remove_file(path)
}

/// Whether somebody listens; without waiting for anybody.
fn is_heard(path: &Path) -> io::Result<bool> {
    let socket = Raw::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::ConnectionRefused => Ok(false),
            // So many want to talk to it that none more fits, or it is of another kind and has an owner.
            ErrorKind::WouldBlock => Ok(true),
            _ if error.raw_os_error() == Some(libc::EPROTOTYPE) => Ok(true),
            ErrorKind::NotFound => Ok(false),
            _ => Err(error),
        },
    }
}
