//! The worker as a whole.

use super::*;

/// Without privileges the worker still follows the interfaces; it ends when it is told to.
#[test]
fn tells_the_interfaces_and_ends() {
    let mut worker = spawn(Wanted::default(), false).unwrap();
    let mut names = Vec::new();
    loop {
        match worker.reports.blocking_recv().unwrap() {
            Report::Interface { status, .. } => names.push(status.name.as_str().to_owned()),
            Report::Ready { epoch } => {
                assert_eq!(epoch, START);
                break;
            }
            Report::Event(_) | Report::Answers(_) | Report::Opened { .. } | Report::Reached { .. } => {}
        }
    }
    assert!(names.contains(&"lo".to_owned()), "{names:?}");
    worker
        .requests
        .blocking_send(Request::End { release: true })
        .unwrap();
    assert!(worker.ended.recv().is_err(), "closed without a word");
}
