//! `steadfast plan --from OLD NEW`: what a script sees of it.

use super::{Dir, run};

const OLD: &str = "bfd_instance one {\nneighbor_ip 192.0.2.9\n}\nvirtual_server_group A {\n192.0.2.1 80\n}\nvirtual_server group A {\nprotocol TCP\nlb_kind NAT\nlb_algo rr\nreal_server 192.0.2.2 80 {\n}\n}\n";

/// The status says whether anything is interrupted, or whether the new file is wrong.
#[test]
fn the_status_of_a_plan_is_for_scripts() {
    let dir = Dir::new("plan");
    let old = dir.write("old.conf", OLD);
    for (name, text, status, says) in [
        ("same", OLD.to_owned(), 0, "Nothing changes"),
        (
            "weight",
            OLD.replace("2 80 {\n", "2 80 {\nweight 7\n"),
            0,
            "weight: 1 -> 7",
        ),
        ("group", OLD.replace(" A {", " B {"), 0, "(moves to [B]:0)"),
        ("session", OLD.replace("192.0.2.9", "192.0.2.8"), 3, "flap"),
    ] {
        let new = dir.write(name, &text);
        let (code, stdout, stderr) = run(&["plan", "--from", &old, &new]);
        assert_eq!(code, Some(status), "{name}: {stdout}{stderr}");
        assert!(stdout.contains(says), "{name}: {stdout}");
        let (code, stdout, _) = run(&["plan", "--format", "json", "--from", &old, &new]);
        assert_eq!(code, Some(status), "{name}");
        let json: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
        assert_eq!(json["schema"], 1, "{name}");
    }
    let (code, stdout, _) = run(&["plan", "--from", &old, &dir.path("none")]);
    assert_eq!((code, stdout.as_str()), (Some(6), ""));
    let (code, _, _) = run(&["plan", "--from", &dir.path("none"), &old]);
    assert_eq!(code, Some(1));
}
