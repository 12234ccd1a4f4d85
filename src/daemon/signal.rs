//! Signals as keepalived's parent takes them (fact cli 5).
//!
//! Owns which signal means what and the stream of them. What is done about one is the daemon's business. SIGPIPE is
//! ignored by Rust's start-up code, SIGCHLD belongs to tokio.

use std::io;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// SIGTERM, SIGINT: hand over, clean up, end.
    Stop,
    /// SIGHUP: read the configuration again.
    Reload,
    /// SIGUSR1: write the data dumps.
    Data,
    /// SIGUSR2: write the statistics.
    Stats,
    /// SIGRTMAX−1: write the statistics, then set them to zero.
    StatsClear,
    /// SIGRTMIN+2: write the JSON dump.
    Json,
    /// SIGXCPU: a real-time thread ran for longer than `RLIMIT_RTTIME`.
    TooLong,
    /// SIGINT with `--ignore-sigint`.
    Ignored,
    /// SIGRTMAX−2, in debug builds only: a plane shall stand still for a while, to test what is told of that.
    #[cfg(debug_assertions)]
    Hang,
    /// SIGRTMAX, in debug builds only: the VRRP plane shall die, to test what happens then.
    #[cfg(debug_assertions)]
    Panic,
}

/// The number of the signal that `--signum` is asked for; upper case only. The real-time ones differ between C
/// libraries (fact 5.2).
pub fn signum(name: &str) -> Option<i32> {
    Some(match name {
        "STOP" => libc::SIGTERM,
        "RELOAD" => libc::SIGHUP,
        "DATA" => libc::SIGUSR1,
        "STATS" => libc::SIGUSR2,
        "STATS_CLEAR" => libc::SIGRTMAX() - 1,
        "JSON" => libc::SIGRTMIN() + 2,
        _ => return None,
    })
}

/// The signals of this process from now on. A signal that comes several times before it is taken counts once, so
/// one reload at most waits behind the one that runs (fact 5).
#[derive(Debug)]
pub struct Signals {
    term: Stream,
    int: Stream,
    hup: Stream,
    usr1: Stream,
    usr2: Stream,
    clear: Stream,
    json: Stream,
    xcpu: Stream,
    #[cfg(debug_assertions)]
    panic: Stream,
    #[cfg(debug_assertions)]
    hang: Stream,
    ignore_sigint: bool,
}

impl Signals {
    /// Installs the handlers. Must be called inside the runtime that will read them; from then on none of these signals
    /// ends the process by itself.
    pub fn new(ignore_sigint: bool) -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
            usr1: signal(SignalKind::user_defined1())?,
            usr2: signal(SignalKind::user_defined2())?,
            clear: signal(SignalKind::from_raw(libc::SIGRTMAX() - 1))?,
            json: signal(SignalKind::from_raw(libc::SIGRTMIN() + 2))?,
            xcpu: signal(SignalKind::from_raw(libc::SIGXCPU))?,
            #[cfg(debug_assertions)]
            panic: signal(SignalKind::from_raw(libc::SIGRTMAX()))?,
            #[cfg(debug_assertions)]
            hang: signal(SignalKind::from_raw(libc::SIGRTMAX() - 2))?,
            ignore_sigint,
        })
    }

    /// Waits for a stop; every other signal stays where it is. Cancel-safe.
    pub async fn stop(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv(), if !self.ignore_sigint => {}
        }
    }

    /// The next one; a stop before all others. Cancel-safe.
    pub async fn next(&mut self) -> Signal {
        let interrupt = if self.ignore_sigint {
            Signal::Ignored
        } else {
            Signal::Stop
        };
        #[cfg(debug_assertions)]
        let (panic, and_then) = (self.panic.recv(), Signal::Panic);
        #[cfg(debug_assertions)]
        let (hang, and_still) = (self.hang.recv(), Signal::Hang);
        #[cfg(not(debug_assertions))]
        let (hang, and_still) = (std::future::pending::<Option<()>>(), Signal::Ignored);
        #[cfg(not(debug_assertions))]
        let (panic, and_then) = (std::future::pending::<Option<()>>(), Signal::Ignored);
        tokio::select! {
            biased;
            _ = self.term.recv() => Signal::Stop,
            _ = self.int.recv() => interrupt,
            _ = self.hup.recv() => Signal::Reload,
            _ = self.usr1.recv() => Signal::Data,
            _ = self.usr2.recv() => Signal::Stats,
            _ = self.clear.recv() => Signal::StatsClear,
            _ = self.json.recv() => Signal::Json,
            _ = self.xcpu.recv() => Signal::TooLong,
            _ = panic => and_then,
            _ = hang => and_still,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::{Signal as Number, raise};
    use std::time::Duration;

    #[test]
    fn names() {
        assert_eq!(signum("STOP"), Some(15));
        assert_eq!(signum("RELOAD"), Some(1));
        assert_eq!(signum("DATA"), Some(10));
        assert_eq!(signum("STATS"), Some(12));
        assert_eq!(signum("STATS_CLEAR"), Some(libc::SIGRTMAX() - 1));
        assert_eq!(signum("JSON"), Some(libc::SIGRTMIN() + 2));
        assert_eq!(signum("data"), None);
        assert_eq!(signum(""), None);
    }

    /// Set in the process that has one test alone.
    const ALONE: &str = "STEADFAST_TEST_ALONE";

    /// One test for all, in a process of its own: signals belong to the process, and every runtime in it hands them on.
    ///
    /// LVS facts: 16.13
    #[test]
    fn every_signal_arrives_and_a_stop_comes_first() {
        if std::env::var_os(ALONE).is_none() {
            let name = "daemon::signal::tests::every_signal_arrives_and_a_stop_comes_first";
            let program = std::env::current_exe().unwrap();
            let mut alone = std::process::Command::new(program);
            let ended = alone.args([name, "--exact"]).env(ALONE, "1").output().unwrap();
            let said = String::from_utf8_lossy(&ended.stdout).into_owned();
            assert!(ended.status.success() && said.contains("1 passed"), "{said}");
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut signals = Signals::new(false).unwrap();
            let mut patient = Signals::new(true).unwrap();
            let mut next = async |want: Signal| {
                let got = tokio::time::timeout(Duration::from_secs(10), signals.next()).await;
                assert_eq!(got, Ok(want));
            };
            for (number, want) in [
                (Number::SIGHUP, Signal::Reload),
                (Number::SIGUSR1, Signal::Data),
                (Number::SIGUSR2, Signal::Stats),
                (Number::SIGXCPU, Signal::TooLong),
                (Number::SIGINT, Signal::Stop),
            ] {
                raise(number).unwrap();
                next(want).await;
            }
            for (name, want) in [("STATS_CLEAR", Signal::StatsClear), ("JSON", Signal::Json)] {
                // The shell's own: a small system has no program `kill`.
                let kill = std::process::Command::new("/bin/sh")
                    .args(["-c", "kill -$0 $PPID", &signum(name).unwrap().to_string()])
                    .status();
                assert!(kill.unwrap().success());
                next(want).await;
            }
            // Several requests before the first is served are one.
            for number in [Number::SIGHUP, Number::SIGHUP, Number::SIGHUP, Number::SIGUSR1] {
                raise(number).unwrap();
            }
            next(Signal::Reload).await;
            next(Signal::Data).await;
            raise(Number::SIGUSR1).unwrap();
            raise(Number::SIGTERM).unwrap();
            next(Signal::Stop).await;
            next(Signal::Data).await;

            // Who waits for a stop alone takes nothing else away.
            raise(Number::SIGUSR2).unwrap();
            raise(Number::SIGTERM).unwrap();
            let stopped = tokio::time::timeout(Duration::from_secs(10), signals.stop()).await;
            assert_eq!(stopped, Ok(()));
            let left = tokio::time::timeout(Duration::from_secs(10), signals.next()).await;
            assert_eq!(left, Ok(Signal::Stats));

            // The other stream saw all of them, once each, a stop first.
            assert_eq!(patient.next().await, Signal::Stop);
            assert_eq!(patient.next().await, Signal::Ignored);
            assert_eq!(patient.next().await, Signal::Reload);
        });
    }
}
