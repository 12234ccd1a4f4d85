//! What is wanted together.

use super::*;

/// A service that goes from one virtual server to another is not touched, however slowly that is said.
#[test]
fn a_service_that_moves_stays_in_the_kernel() {
    let imitation = Imitation::default();
    let keeper = imitation.keeper();
    let whole = Arc::new(wanted(&[key(1)], entry(&[1, 2])));
    keeper.want(group(0), Some(Arc::clone(&whole)));
    settle(&keeper);
    let before = imitation.with(|site| std::mem::take(&mut site.seen));
    assert!(!before.is_empty());
    let together = keeper.together();
    keeper.want(group(0), None);
    let (tell, told) = channel();
    keeper.settled(move |_| tell.send(()).unwrap());
    assert!(
        told.recv_timeout(Duration::from_millis(50)).is_err(),
        "nothing is done yet"
    );
    keeper.want(group(1), Some(whole));
    drop(together);
    told.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(imitation.with(|site| std::mem::take(&mut site.seen)), []);
    keeper.want(group(1), None);
    settle(&keeper);
    assert!(!imitation.with(|site| site.seen.is_empty()), "it goes alone");
    // Nobody waits for the end.
    let together = keeper.together();
    keeper.finish();
    drop(together);
}
