//! The control socket: where programs on this host ask the daemon (`steadfast plan`, `steadfast reload`).
//!
//! A Unix stream socket beside the main pid file, for root and for the daemon's own user. Owns its file ([`file`]), the
//! language ([`protocol`]), the conversations ([`server`]) and how our own commands ask ([`client`]). What is asked for is
//! control's to do: each request comes to it with a way to answer, and who is slow or hostile keeps a task of the
//! server waiting, never control.

pub(super) mod client;
mod file;
pub(super) mod protocol;
mod server;
#[cfg(test)]
mod tests;

use protocol::{Answer, Request};
use server::Limits;
use std::io;
use std::path::{Path, PathBuf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Where the socket of the daemon with this main pid file is.
pub(super) fn beside(pid_file: &Path) -> PathBuf {
    pid_file.with_extension("sock")
}

/// A request, and where its answer goes.
#[derive(Debug)]
pub(super) struct Asked {
    /// What is wanted.
    pub request: Request,
    /// Whoever asked may be gone by then.
    pub reply: oneshot::Sender<Answer>,
}

/// The socket of a daemon. Dropping it ends every conversation and removes the file.
#[derive(Debug)]
pub(super) struct ControlSocket {
    requests: mpsc::Receiver<Asked>,
    server: JoinHandle<()>,
    _file: file::Socket,
}

impl ControlSocket {
    /// Makes the socket, and serves it on the runtime of the caller.
    ///
    /// # Errors
    /// When the file cannot be made, or is somebody else's.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::open_with(path, Limits::default())
    }

    fn open_with(path: &Path, limits: Limits) -> io::Result<Self> {
        let (listener, file) = file::Socket::bind(path)?;
        // A conversation asks once at a time, so there is room for all of them.
        let (sender, requests) = mpsc::channel(limits.connections);
        Ok(Self {
            requests,
            server: tokio::spawn(server::serve(listener, sender, limits)),
            _file: file,
        })
    }

    /// The next request. Cancel-safe.
    pub(super) async fn next(&mut self) -> Asked {
        match self.requests.recv().await {
            Some(asked) => asked,
            // The server never ends by itself.
            None => std::future::pending().await,
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        self.server.abort();
    }
}
