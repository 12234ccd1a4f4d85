//! What a reload is about to do, in the log.

use crate::plan::diff::PlanDiff;
use tracing::{info, warn};

/// Lines about single things: who reads a log reads no more.
const MOST: usize = 256;

/// Says the sum, and each thing that is interrupted, that peers must follow, or that needs a restart.
pub(super) fn tell(diff: &PlanDiff) {
    info!("Reload: {diff}");
    let mut warnings = diff.warnings();
    warnings
        .by_ref()
        .take(MOST)
        .for_each(|line| warn!("Reload: {line}"));
    match warnings.count() {
        0 => {}
        more => warn!("Reload: {more} more, see steadfast plan"),
    }
}
