//! The kernel worker: everything that needs the RTNL lock, on a thread of its own.
//!
//! It opens and closes the sockets of VRRP, installs and removes addresses, routes and rules, and follows them and links. Another
//! process that holds the lock for half a second stops this thread, never the one that sends adverts. What it reports
//! is never lost: it waits when the VRRP thread has not taken the last reports yet.

mod address_log;
mod drift;
mod filter;
mod goods;
mod links;
mod promote;
mod queue;
mod stripped;
mod wanted;

pub use wanted::{Block, Wanted};

use self::address_log::AddressLog;
use self::filter::Filter;
use self::links::Links;
use self::queue::{Kind, Queue};
use super::plane::Refusals;
use crate::daemon::pulse::Pulse;
use crate::net::{Good, Goods, IfIndex, IfName, InterfaceStatus};
use crate::netlink::monitor::Heard;
use crate::netlink::sysctl::Sysctls;
use crate::netlink::{Inventory, Monitor, NetlinkError, News, Requests};
use crate::sys::sched::ThreadId;
use crate::vrrp::RouterId;
use crate::vrrp::endpoint::Endpoint;
use crate::vrrp::event::{Event, Order};
use crate::vrrp::io::{Sockets, socket};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// What the VRRP thread asks for.
#[derive(Debug)]
pub enum Request {
    /// From now on these links shall be there, and these endpoints open, wherever their interface is. What was wanted
    /// before stays until [`Self::Settle`]. Answered by [`Report::Opened`] for the new ones, then [`Report::Ready`].
    Prepare {
        /// All of it.
        wanted: Box<Wanted>,
        /// Comes back in the answer.
        epoch: u64,
    },
    /// The last [`Self::Prepare`]'s configuration runs: what only the one before needed goes.
    Settle,
    /// Install addresses, routes and rules. Answered by [`Event::Placed`] and [`Event::Held`].
    Hold(Order),
    /// Remove them.
    Release(Order),
    /// Say when everything before this is carried out. Answered by [`Report::Reached`].
    Reach,
    /// Say that you turn.
    Beat(Arc<Pulse>),
    /// Close sockets that are not needed any more.
    Close(Sockets),
    /// End, and leave the addresses as they are. If the queue closes without this, the VRRP thread has died and
    /// everything that is held is removed.
    End {
        /// Links, settings and packet filters are removed too.
        release: bool,
    },
}

/// What the VRRP thread is told.
#[derive(Debug)]
pub enum Report {
    /// For the engine: lost interfaces, removed addresses.
    Event(Event),
    /// For the engine: the answers to orders, of which many may be carried out at once.
    Answers(Vec<Event>),
    /// For the engine: an interface, and whether it forwards IPv6.
    Interface {
        /// Its whole state.
        status: InterfaceStatus,
        /// Whether it forwards IPv6.
        forwards_v6: bool,
    },
    /// An endpoint's sockets were opened; they replace those it had.
    Opened {
        /// The endpoint.
        endpoint: Endpoint,
        /// The interface's index now.
        index: IfIndex,
        /// Its MTU now, by which the receive buffer was sized.
        mtu: u32,
        /// The sockets.
        sockets: Sockets,
    },
    /// Everything before a [`Request::Reach`] is carried out.
    Reached {
        /// What the kernel has refused of static entries since the last [`Request::Prepare`].
        refused: Refusals,
    },
    /// All that could be opened of these endpoints is open, and all interfaces were told.
    Ready {
        /// From the request, or [`START`].
        epoch: u64,
    },
}

/// The epoch of the endpoints that the worker starts with.
pub const START: u64 = 0;

/// Requests that may wait.
const REQUESTS: usize = 1024;
/// Reports that may wait.
const REPORTS: usize = 1024;
/// From a socket that could not be opened to the next attempt.
const REOPEN_AFTER: Duration = Duration::from_secs(1);

/// The worker's ends that the VRRP thread holds.
#[derive(Debug)]
pub struct KernelWorker {
    /// To the worker.
    pub requests: Sender<Request>,
    /// From the worker; closes when it has ended.
    pub reports: Receiver<Report>,
    /// Closes when the worker has ended and done everything.
    pub ended: std::sync::mpsc::Receiver<()>,
    /// The thread, for whoever sets how it runs.
    pub thread: ThreadId,
}

/// Starts the worker. It makes the links, opens the endpoints and tells all interfaces, then says that it is ready with epoch
/// [`START`]. With `address_monitoring` the log hears of every address that comes and goes.
///
/// # Errors
/// When the thread cannot be made, or netlink does not work.
pub fn spawn(wanted: Wanted, address_monitoring: bool) -> io::Result<KernelWorker> {
    let (request_sender, requests) = channel(REQUESTS);
    let (reports, report_receiver) = channel(REPORTS);
    let (ended_sender, ended) = std::sync::mpsc::sync_channel::<()>(1);
    let (started_sender, started) = std::sync::mpsc::sync_channel(1);
    let (seat, seated) = std::sync::mpsc::sync_channel(1);
    std::thread::Builder::new().name("kernel".into()).spawn(move || {
        let _ended = ended_sender;
        let _ = seat.send(ThreadId::own());
        let log = AddressLog::new(address_monitoring);
        let body = move || run(wanted, log, requests, reports, &started_sender);
        if catch_unwind(AssertUnwindSafe(body)).is_err() {
            tracing::error!(target: "vrrp", "the kernel worker has panicked");
        }
    })?;
    let gone = |_| io::Error::other("the kernel worker ended before it began");
    started.recv().map_err(gone)??;
    Ok(KernelWorker {
        thread: seated.recv().map_err(gone)?,
        requests: request_sender,
        reports: report_receiver,
        ended,
    })
}

fn run(
    wanted: Wanted,
    log: AddressLog,
    requests: Receiver<Request>,
    reports: Sender<Report>,
    started: &std::sync::mpsc::SyncSender<io::Result<()>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    runtime.block_on(async {
        match Worker::open(log, requests, reports) {
            Ok(mut worker) => {
                let _ = started.send(Ok(()));
                worker.work(wanted).await;
            }
            Err(error) => {
                let _ = started.send(Err(io::Error::other(error)));
            }
        }
    });
}

/// Why the worker stops.
enum End {
    /// It was told to.
    Told {
        /// Nothing of ours is left.
        release: bool,
    },
    /// The VRRP thread is gone.
    Orphaned,
}

struct Worker {
    netlink: Requests,
    monitor: Monitor,
    inventory: Inventory,
    log: AddressLog,
    endpoints: Vec<Opened>,
    links: Links,
    filter: Filter,
    /// The last configuration that was prepared.
    wanted: Wanted,
    /// When to try again what could not be opened.
    reopen_at: Option<tokio::time::Instant>,
    requests: Receiver<Request>,
    /// Taken from `requests`, not yet carried out.
    queue: Queue,
    reports: Sender<Report>,
    /// Settings of interfaces that are to be undone.
    sysctls: Sysctls,
    /// Interfaces that are up.
    up: BTreeSet<IfIndex>,
    /// What others have removed and nobody was told of yet.
    lost: Vec<(RouterId, Good)>,
    /// Addresses of routers that others have removed, and with them maybe routes.
    stripped: BTreeSet<(IfName, IpAddr)>,
    /// Messages were lost: routes and rules may be gone that nobody has told of.
    missed: bool,
    /// What each router holds by its orders, and what is static.
    held: BTreeMap<RouterId, Goods>,
    /// What was refused of static entries since a configuration came.
    refused: Refusals,
    /// Not the first configuration runs, or is about to.
    reloaded: bool,
}

struct Opened {
    endpoint: Endpoint,
    on: Option<IfIndex>,
    /// The failure was logged.
    complained: bool,
}

impl Opened {
    const fn not_yet(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            on: None,
            complained: false,
        }
    }
}

impl Worker {
    fn open(
        log: AddressLog,
        requests: Receiver<Request>,
        reports: Sender<Report>,
    ) -> Result<Self, NetlinkError> {
        // Subscribed first: what changes while the dump runs is heard afterwards.
        let monitor = Monitor::open()?;
        let mut netlink = Requests::open()?;
        let mut inventory = Inventory::default();
        log.replace(&mut inventory, netlink.dump()?);
        Ok(Self {
            netlink,
            monitor,
            inventory,
            log,
            endpoints: Vec::new(),
            links: Links::default(),
            filter: Filter::default(),
            wanted: Wanted::default(),
            reopen_at: None,
            requests,
            queue: Queue::default(),
            reports,
            sysctls: Sysctls::default(),
            up: BTreeSet::new(),
            lost: Vec::new(),
            stripped: BTreeSet::new(),
            missed: false,
            held: BTreeMap::new(),
            refused: Refusals::new(),
            reloaded: false,
        })
    }

    async fn work(&mut self, wanted: Wanted) {
        let end = match self.begin(wanted).await {
            Ok(()) => self.serve().await,
            Err(end) => end,
        };
        match end {
            End::Told { release: false } => {}
            End::Told { release: true } => self.leave_nothing(),
            End::Orphaned => {
                self.withdraw_all();
                self.leave_nothing();
            }
        }
    }

    async fn begin(&mut self, wanted: Wanted) -> Result<(), End> {
        self.filter.start(&wanted);
        let wanted = Box::new(wanted);
        self.queue.push(Request::Prepare { wanted, epoch: START });
        self.carry_out_queue().await
    }

    async fn serve(&mut self) -> End {
        loop {
            let (reopen, look) = (self.reopen_at, self.filter.look_due());
            let woken = tokio::select! {
                heard = self.monitor.hear() => Woken::Heard(heard),
                request = self.requests.recv() => Woken::Asked(request),
                () = at(reopen) => Woken::Reopen,
                () = at(look) => Woken::Look,
            };
            let done = match woken {
                Woken::Heard(heard) => self.heard(heard).await,
                Woken::Asked(None) => Err(End::Orphaned),
                Woken::Asked(Some(request)) => {
                    self.queue.push(request);
                    self.carry_out_queue().await
                }
                Woken::Reopen => self.open_missing().await,
                Woken::Look => {
                    self.filter.look();
                    Ok(())
                }
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    async fn report(&self, report: Report) -> Result<(), End> {
        self.reports.send(report).await.map_err(|_| End::Orphaned)
    }

    /// Takes in what the monitor heard and tells what is new.
    async fn heard(&mut self, heard: Result<Heard, NetlinkError>) -> Result<(), End> {
        self.take_in(heard);
        self.mind_links();
        if self.inventory.suspects_removal() {
            self.dump();
        }
        let (gone, rest): (Vec<News>, Vec<News>) = self
            .inventory
            .take_news()
            .into_iter()
            .partition(|news| matches!(news, News::InterfaceGone(_)));
        for news in gone {
            self.forget_sockets(&news);
            let there: BTreeSet<IfIndex> = self.inventory.interfaces().map(|status| status.index).collect();
            self.up.retain(|index| there.contains(index));
            self.tell(news).await?;
        }
        // The sockets first: the engine may send as soon as it hears of the interface.
        self.open_missing().await?;
        for news in rest {
            match &news {
                News::Interface { status, .. } => self.interface_seen(status),
                News::AddressRemoved { interface, address } => self.address_removed(interface, *address),
                News::InterfaceGone(_) => {}
            }
            self.tell(news).await?;
        }
        self.make_up_for_missed();
        self.tell_lost().await
    }

    /// Makes the links that are missing, as far as their parents are there.
    fn mind_links(&mut self) {
        if self.links.mind(&mut self.netlink, &self.inventory) {
            // The kernel tells of new IPv6 addresses later than they can be used.
            self.dump();
        }
        self.mind_filter();
    }

    /// The packet filter goes by the numbers of interfaces, which may have changed.
    fn mind_filter(&mut self) {
        let vmacs = self.links.vmacs(&self.inventory);
        let held = self.held.values().flat_map(|goods| &goods.addresses);
        self.filter.mind(&self.inventory, vmacs, held);
    }

    /// Who hears that an interface is gone closes what was opened on it: also where it is back under its old index.
    fn forget_sockets(&mut self, news: &News) {
        if let News::InterfaceGone(name) = news {
            let lost = |opened: &&mut Opened| opened.endpoint.interface == *name;
            self.endpoints
                .iter_mut()
                .filter(lost)
                .for_each(|opened| opened.on = None);
        }
    }

    async fn tell(&self, news: News) -> Result<(), End> {
        self.report(match news {
            News::Interface { status, forwards_v6 } => Report::Interface { status, forwards_v6 },
            News::InterfaceGone(name) => Report::Event(Event::InterfaceGone(name)),
            News::AddressRemoved { interface, address } => {
                Report::Event(Event::AddressRemoved { interface, address })
            }
        })
        .await
    }

    /// Brings the inventory up to what the kernel has told so far.
    fn take_in(&mut self, heard: Result<Heard, NetlinkError>) {
        let lost = match heard {
            Ok(heard) => {
                for change in heard.changes {
                    self.log.change(&self.inventory, &change);
                    self.name_duplicate(&change);
                    self.inventory.apply(change);
                }
                self.note_lost(&heard.lost);
                heard.overrun
            }
            Err(error) => {
                tracing::error!(target: "vrrp", "Netlink: {error}");
                true
            }
        };
        if lost {
            self.missed = true;
            self.dump();
        }
    }

    /// Asks the kernel for everything anew.
    fn dump(&mut self) {
        match self.netlink.dump() {
            Ok(dump) => self.log.replace(&mut self.inventory, dump),
            Err(error) => tracing::error!(target: "vrrp", "Netlink: {error}"),
        }
    }

    /// Carries out what was asked, in order. What is asked meanwhile is taken into account: see [`Self::hold`].
    async fn carry_out_queue(&mut self) -> Result<(), End> {
        loop {
            self.look_at_requests();
            let Some(request) = self.queue.pop() else {
                // What was heard on the way is told even if nothing more is heard.
                let heard = self.monitor.take();
                return self.heard(heard).await;
            };
            match request {
                Request::Prepare { wanted, epoch } => self.want(*wanted, epoch).await?,
                Request::Settle => self.settle(),
                Request::Hold(order) => {
                    let orders = self.queue.with_next(order, Kind::Hold);
                    self.hold(&orders).await?;
                }
                Request::Release(order) => {
                    let orders = self.queue.with_next(order, Kind::Release);
                    let answers = self.release(&orders).into_iter().map(Event::Released);
                    self.report(Report::Answers(answers.collect())).await?;
                }
                Request::Reach => {
                    let refused = self.refused.clone();
                    self.report(Report::Reached { refused }).await?;
                }
                Request::Beat(pulse) => pulse.turned(),
                Request::Close(sockets) => drop(sockets),
                Request::End { release } => return Err(End::Told { release }),
            }
        }
    }

    fn look_at_requests(&mut self) {
        while let Ok(request) = self.requests.try_recv() {
            self.queue.push(request);
        }
    }

    async fn want(&mut self, mut wanted: Wanted, epoch: u64) -> Result<(), End> {
        self.refused.clear();
        self.reloaded |= epoch != START;
        self.links.expect(&wanted.links, &wanted.virtuals);
        self.filter.prepare(&wanted);
        let mut old = std::mem::take(&mut self.endpoints);
        for endpoint in wanted.endpoints.clone() {
            let known = old
                .iter()
                .position(|opened| opened.endpoint.same_socket(&endpoint));
            let mut opened = match known {
                Some(at) => old.swap_remove(at),
                None => Opened::not_yet(endpoint.clone()),
            };
            opened.endpoint = endpoint;
            self.endpoints.push(opened);
        }
        // Until it is their turn, what was static so far is.
        let statics = std::mem::replace(&mut wanted.statics, std::mem::take(&mut self.wanted.statics));
        self.wanted = wanted;
        // What is held already may have become worth watching.
        for goods in self.held.values().cloned().collect::<Vec<_>>() {
            self.follow(&goods);
        }
        let heard = self.monitor.take();
        self.heard(heard).await?;
        self.promote();
        self.want_statics(statics, epoch == START);
        self.report(Report::Ready { epoch }).await
    }

    /// The new configuration runs.
    fn settle(&mut self) {
        self.filter.settle();
        self.links
            .settle(&mut self.netlink, &self.wanted.links, &self.wanted.virtuals);
        let heard = self.monitor.take();
        self.take_in(heard);
        self.mind_links();
        self.settle_statics();
    }

    /// Opens the sockets of every endpoint whose interface is there and is not the one they were opened on.
    async fn open_missing(&mut self) -> Result<(), End> {
        self.reopen_at = None;
        let mut fresh = Vec::new();
        for opened in &mut self.endpoints {
            let now = self.inventory.index_of(&opened.endpoint.interface);
            if opened.on == now {
                continue;
            }
            opened.on = None;
            let Some(index) = now else { continue };
            let found = self.inventory.interfaces().find(|status| status.index == index);
            let mtu = found.map_or(0, |status| status.mtu);
            match socket::open(&opened.endpoint, index, mtu) {
                Ok(sockets) => {
                    opened.on = Some(index);
                    opened.complained = false;
                    fresh.push(Report::Opened {
                        endpoint: opened.endpoint.clone(),
                        index,
                        mtu,
                        sockets,
                    });
                }
                Err(error) => {
                    if !opened.complained {
                        tracing::warn!(target: "vrrp", "{error}; trying again");
                    }
                    opened.complained = true;
                    self.reopen_at = Some(tokio::time::Instant::now() + REOPEN_AFTER);
                }
            }
        }
        for report in fresh {
            self.report(report).await?;
        }
        Ok(())
    }

    /// The end: what is not of routers goes too.
    fn leave_nothing(&mut self) {
        self.remove_statics(self.static_ours());
        self.unpromote();
        self.filter.end();
        self.links.remove_all(&mut self.netlink);
    }
}

enum Woken {
    Heard(Result<Heard, NetlinkError>),
    Asked(Option<Request>),
    Reopen,
    Look,
}

async fn at(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
