//! The worker as a whole.

use super::goods::stands;
use super::*;
use crate::net::{AddressSpec, Cidr, IfName};

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

/// What is wanted in other words that the kernel never hears is there; in the very same words it may have been lost, and in
/// another form it is another.
#[test]
fn other_words_are_no_other_form() {
    let interface = IfName::new("eth0").unwrap();
    let held = AddressSpec::new(Cidr::host("192.0.2.1".parse().unwrap()), interface);
    let mut quiet = held.clone();
    quiet.options.watched = false;
    let mut labelled = quiet.clone();
    labelled.label = Some("eth0:1".into());
    let stands = |wanted: &AddressSpec| stands(std::slice::from_ref(&held), wanted, AddressSpec::is);
    assert!(stands(&quiet));
    assert!(!stands(&held));
    assert!(!stands(&labelled));
}
