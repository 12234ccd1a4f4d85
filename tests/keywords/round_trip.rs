//! Any configuration: what is printed of its plan means the same plan, prints the same, and formatting changes nothing.
//!
//! Files are made of the right samples of the tables beside this file, any number of them in any order, so whatever a
//! keyword can say is printed beside whatever its neighbours say.

use crate::samples::valid;
use crate::site::{load, site_with};
use proptest::prelude::*;
use steadfast::conf::fmt;
use steadfast::plan;

/// How many lines of every hundred that there are stand in a file.
const SHARES: [usize; 4] = [2, 10, 30, 80];

pub(crate) fn check(text: &str) {
    let (plan, _) = load(text);
    let printed = plan::print::print(&plan, true);
    let (again, said) = load(&printed);
    assert_eq!(plan, again, "{text}\n=>\n{printed}\n{said:#?}");
    assert_eq!(plan::print::print(&again, true), printed, "{text}");
    let formatted = fmt::format(text).unwrap();
    assert_eq!(load(&formatted).0, plan, "formatted:\n{formatted}\n{text}");
    assert_eq!(fmt::format(&formatted).unwrap(), formatted, "{text}");
    // What is printed needs no formatting.
    assert_eq!(fmt::format(&printed).unwrap().trim_end(), printed.trim_end());
}

#[test]
fn one_keyword_at_a_time() {
    for (block, nth, text) in valid() {
        check(&site_with(&[(block, nth, text.as_str())]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_of_them_together(
        share in prop::sample::select(&SHARES[..]),
        order in prop::collection::vec(any::<(u16, u8)>(), 1..2_000),
    ) {
        let all = valid();
        let mut chosen: Vec<(u16, usize)> = order
            .iter()
            .enumerate()
            .filter(|(at, (_, dice))| *at < all.len() && usize::from(*dice) * 100 / 256 < share)
            .map(|(at, (key, _))| (*key, at))
            .collect();
        chosen.sort_unstable();
        let lines: Vec<(&str, usize, &str)> = chosen
            .iter()
            .map(|(_, at)| (all[*at].0, all[*at].1, all[*at].2.as_str()))
            .collect();
        check(&site_with(&lines));
    }
}
