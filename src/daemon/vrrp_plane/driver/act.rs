//! Carrying out what the engine wants: packets, announcements, orders for the kernel worker, what is told.

use super::Driver;
use crate::daemon::kernel_worker::Request;
use crate::daemon::plane::VrrpNotice;
use crate::masters::Masters;
use crate::sys::clock;
use crate::vrrp::Action;
use crate::vrrp::event::{Announcement, Notification, Order, Transmit};
use crate::vrrp::telling::Line;
use std::io;
use tokio::sync::mpsc::error::TrySendError;

impl Driver {
    /// Carries out all that the engine wants, in order, but for what makes no difference to anybody: announcements leave
    /// together, and before scripts are told.
    pub(super) fn carry_out(&mut self) {
        let mut told = Vec::new();
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Send(packet) => self.transmit(&packet),
                Action::Hold(order) => {
                    self.will.holds(&order);
                    self.outbox.push_back(Request::Hold(order));
                }
                Action::Release(order) => self.release(order),
                Action::Announce(round) => self.announce(round),
                Action::Notify(notification) => told.push(notification),
                Action::Tell(line) => tell(&line),
            }
        }
        self.tell_turns();
        let refused = self.announcer.send_first(clock::now());
        self.announced(refused);
        for notification in told {
            self.notify(notification);
        }
    }

    /// Tells who became MASTER or ceased to be. Costs nothing that grows with the number of routers, unless the
    /// configuration is another one.
    fn tell_turns(&mut self) {
        let turns = self.engine.take_turns();
        if !turns.is_empty() {
            self.seats.turned(&turns);
        }
        let number = self.number;
        if std::mem::take(&mut self.renamed) {
            let names = self.engine.masters().map(ToOwned::to_owned).collect();
            let all = Masters::new(number, names);
            self.masters.send_if_modified(|masters| masters.renew(all));
        } else if !turns.is_empty() {
            self.masters.send_if_modified(|masters| {
                let turn = |news, (name, master)| masters.turn(number, name, master) || news;
                turns.into_iter().fold(false, turn)
            });
        }
    }

    /// Sends all announcements that wait, as far as there is room for them.
    pub(super) fn send_announcements(&mut self) {
        if self.announcer.is_idle() {
            return;
        }
        let refused = self.announcer.flush(clock::now());
        self.announced(refused);
    }

    fn transmit(&mut self, packet: &Transmit) {
        self.will.sent(packet);
        let Some(open) = self.sockets.iter_mut().find(|open| open.carries(packet)) else {
            self.metrics.sent(false);
            return;
        };
        match open.sender.send(packet) {
            Ok(()) => {
                open.complained = false;
                self.metrics.sent(true);
                if packet.priority() != Some(0) {
                    self.seats.sent(packet.router, clock::now(), packet.manner());
                }
            }
            Err(error) => {
                self.metrics.sent(false);
                if open.complains(packet, &error) {
                    tracing::warn!(
                        target: "vrrp",
                        "cannot send an advert from {} to {} on {}: {error}",
                        packet.source, packet.destination, open.endpoint.interface,
                    );
                }
            }
        }
    }

    fn release(&mut self, order: Order) {
        self.announcer.forget(order.router);
        self.will.releases(&order);
        self.outbox.push_back(Request::Release(order));
    }

    fn announce(&mut self, mut round: Announcement) {
        for target in &mut round.targets {
            target.router_flag |= self.forwarding.contains(&target.interface);
        }
        self.announcer.announce(&round);
    }

    fn announced(&self, refused: Option<io::Error>) {
        self.metrics.announced(self.announcer.counters());
        if let Some(error) = refused {
            tracing::warn!(target: "vrrp", "cannot send a gratuitous ARP or neighbour advertisement: {error}");
        }
    }

    fn notify(&self, notification: Notification) {
        if self.notices.try_send(VrrpNotice::Notify(notification)).is_err() {
            self.metrics.notice_dropped();
        }
    }

    /// Hands requests to the worker as far as its queue has room.
    pub(super) fn send_requests(&mut self) -> io::Result<()> {
        while let Some(request) = self.outbox.pop_front() {
            match self.requests.try_send(request) {
                Ok(()) => {}
                Err(TrySendError::Full(request)) => {
                    self.outbox.push_front(request);
                    return Ok(());
                }
                Err(TrySendError::Closed(_)) => return Err(io::Error::other("the kernel worker has ended")),
            }
        }
        Ok(())
    }
}

/// Priority 0 after the interface went down cannot leave, and nobody wonders (fact 5.9). IPv6 says it in other words: the
/// source address went with the link.
pub(super) fn is_expected(packet: &Transmit, error: &io::Error) -> bool {
    let down = matches!(
        error.raw_os_error(),
        Some(libc::ENETUNREACH | libc::ENETDOWN | libc::EADDRNOTAVAIL | libc::EINVAL | libc::ENODEV)
    );
    down && packet.priority() == Some(0)
}

fn tell(line: &Line) {
    if line.is_detail() {
        tracing::debug!(target: "vrrp", "{line}");
    } else {
        tracing::info!(target: "vrrp", "{line}");
    }
}
