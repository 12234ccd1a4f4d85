use super::*;

#[test]
fn nothing_is_nothing() {
    let plan = Plan::default();
    let diff = diff(&plan, &plan);
    assert!(diff.is_empty() && diff.is_hitless());
}
