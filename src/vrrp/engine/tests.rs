//! The engine through its public door: whole queues of actions, times to the microsecond.

use super::*;
use crate::vrrp::testing::*;

#[test]
fn from_start_to_master_and_back() {
    let mut bench = Bench::idle(one(router("VI_1", 51)));
    assert_eq!(
        bench.start(),
        [
            "log (VI_1) Entering BACKUP STATE (init)",
            "notify Instance(\"VI_1\") BACKUP 100"
        ]
    );
    assert_eq!(
        bench.pass(ms(4_700)),
        [
            "+3609375 log (VI_1) Receive advertisement timeout",
            "+3609375 send 51/100 to 224.0.0.18",
            "+3609375 log (VI_1) Entering MASTER STATE",
            "+3609375 log (VI_1) setting VIPs.",
            "+3609375 hold#1 10.0.0.151",
            "+3609375 log (VI_1) Sending/queueing gratuitous ARPs on eth0 for 10.0.0.151",
            "+3609375 announce 10.0.0.151",
            "+3609375 notify Instance(\"VI_1\") MASTER 100",
            "+4609375 send 51/100 to 224.0.0.18",
        ]
    );
    assert_eq!(
        bench.hear(advert(&router("VI_1", 51), 101, "10.0.0.2")),
        [
            "log (VI_1) Master received advert from 10.0.0.2 with higher priority 101, ours 100",
            "log (VI_1) Entering BACKUP STATE",
            "log (VI_1) removing VIPs.",
            "release#2 10.0.0.151",
            "notify Instance(\"VI_1\") BACKUP 100",
        ]
    );
    assert_eq!(bench.timer("VI_1"), 3_609_375);
}
