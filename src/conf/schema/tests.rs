use super::*;
use crate::conf::expand::Expander;
use crate::conf::source::Reader;
use crate::conf::tree::{self, Statement};
use crate::conf::{ReadOptions, read_str};
use std::path::Path;

/// What is wrong with `value`, as far as this schema's own words go.
fn faults(schema: &Value, root: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let wrong = |why: &str| format!("{at}: {why}: {value}");
    for (word, rule) in schema.as_object().unwrap() {
        let fine = match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "deprecated" | "default" | "x-steadfast"
            | "format" => true,
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap());
                faults(target.expect("a reference leads somewhere"), root, value, at, out);
                true
            }
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "type" => match rule.as_str().unwrap() {
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64() || value.is_u64(),
                "number" => value.is_number(),
                "array" => value.is_array(),
                "object" => value.is_object(),
                other => panic!("type {other}"),
            },
            "minimum" => value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|n| n <= rule.as_f64().unwrap()),
            "minItems" => value
                .as_array()
                .is_none_or(|list| list.len() as u64 >= rule.as_u64().unwrap()),
            "maxItems" => value
                .as_array()
                .is_none_or(|list| list.len() as u64 <= rule.as_u64().unwrap()),
            "anyOf" => rule.as_array().unwrap().iter().any(|one| {
                let mut inside = Vec::new();
                faults(one, root, value, at, &mut inside);
                inside.is_empty()
            }),
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    faults(rule, root, item, at, out);
                }
                true
            }
            "properties" | "additionalProperties" => true,
            "required" => value.as_object().is_none_or(|members| {
                rule.as_array()
                    .unwrap()
                    .iter()
                    .all(|name| members.contains_key(name.as_str().unwrap()))
            }),
            other => panic!("`{other}` is no word of this schema"),
        };
        if !fine {
            out.push(wrong(word));
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        match (
            schema.get("properties").and_then(|all| all.get(name)),
            schema.get("additionalProperties"),
        ) {
            (Some(rule), _) => faults(rule, root, member, &at, out),
            (None, Some(Value::Bool(false))) => out.push(format!("{at}: no such member")),
            (None, Some(rule @ Value::Object(_))) => faults(rule, root, member, &at, out),
            (None, _) => {}
        }
    }
}

fn check(value: &Value) -> Vec<String> {
    let schema = document();
    let mut out = Vec::new();
    faults(&schema, &schema, value, "", &mut out);
    out
}

/// A configuration as the schema describes it.
fn rendition(text: &str) -> Value {
    let options = ReadOptions {
        config_id: "lb1".to_owned(),
        ..ReadOptions::default()
    };
    let mut reader = Reader::new(&options);
    reader.open_bytes(Path::new("t.conf"), text.as_bytes());
    let mut expander = Expander::new(reader, &options);
    let (tree, _) = tree::build(std::iter::from_fn(|| expander.next()));
    object(Block::Root, &tree)
}

fn object(block: Block, statements: &[Statement]) -> Value {
    let mut members = Map::new();
    for statement in statements {
        let name = statement.keyword();
        let words: Vec<&str> = statement.args().iter().map(|word| word.text.as_str()).collect();
        let keyword = keyword::find(block, name).unwrap_or_else(|| panic!("{name} in {block:?}"));
        let body = statement.body.as_deref().unwrap_or_default();
        let rendered = argument(keyword, &words, body);
        let member = members.entry(name.to_owned());
        let repeated = REPEATED.contains(&(keyword.block, keyword.name));
        match (keyword.args, rendered) {
            (_, one) if has_heading(keyword) => {
                let headed = member.or_insert_with(|| json!({}));
                headed.as_object_mut().unwrap().insert(words.join(" "), one);
            }
            (Args::Values(_), Value::Array(entries)) => {
                member
                    .or_insert_with(|| json!([]))
                    .as_array_mut()
                    .unwrap()
                    .extend(entries);
            }
            (args, one) if repeated || matches!(args, Args::Block(_)) => {
                member
                    .or_insert_with(|| json!([]))
                    .as_array_mut()
                    .unwrap()
                    .push(one);
            }
            (_, one) => drop(members.insert(name.to_owned(), one)),
        }
    }
    members.into()
}

fn argument(keyword: &Keyword, words: &[&str], body: &[Statement]) -> Value {
    let first = words.first().copied();
    let numeric = |text: &str| number(text).unwrap_or_else(|| text.into());
    match keyword.args {
        Args::Nothing => true.into(),
        Args::Bool => first
            .is_none_or(|word| matches!(word, "true" | "on" | "yes"))
            .into(),
        Args::Free | Args::OneOrMore | Args::Script => words.into(),
        Args::Word | Args::Address => first.into(),
        Args::OptionalWord => first.map_or(Value::Bool(true), Value::from),
        Args::OptionalInt(..) | Args::OptionalStrict(..) => first.map_or(Value::Bool(true), numeric),
        Args::Int(..) | Args::Strict(..) | Args::Seconds(..) | Args::Millis(..) => {
            first.map_or(Value::Null, numeric)
        }
        Args::Block(inner) => object(inner, body),
        Args::Values(inner) => body.iter().map(|line| entry(inner, line)).collect(),
    }
}

/// A line of a list: options that the table knows as members, the words before them as `entry`.
fn entry(block: Block, line: &Statement) -> Value {
    let mut words = line.words.iter().map(|word| word.text.as_str());
    if keywords(block).next().is_none() {
        return words.collect::<Vec<_>>().join(" ").into();
    }
    let mut members = Map::from_iter([("entry".to_owned(), json!([]))]);
    while let Some(word) = words.next() {
        match keyword::find(block, word) {
            Some(option) => {
                let count = usize::from(option.args != Args::Nothing);
                let taken: Vec<&str> = words.by_ref().take(count).collect();
                members.insert(word.to_owned(), argument(option, &taken, &[]));
            }
            None => members["entry"].as_array_mut().unwrap().push(word.into()),
        }
    }
    members.into()
}

#[test]
fn it_is_whole() {
    let schema = document();
    // Every word of it is one that `faults` knows, every reference leads somewhere.
    for block in help::blocks() {
        let one = if block == Block::Root {
            &schema
        } else {
            &schema["$defs"][definition(block)]
        };
        assert!(
            one["description"].as_str().is_some_and(|text| !text.is_empty()),
            "{block:?}"
        );
        for keyword in keywords(block) {
            let member = &one["properties"][keyword.name];
            assert!(member["description"].is_string(), "{block:?} {}", keyword.name);
            assert!(
                member["x-steadfast"]["status"].is_string(),
                "{block:?} {}",
                keyword.name
            );
            faults(member, &schema, &Value::Null, "", &mut Vec::new());
        }
    }
    assert_eq!(serde_json::from_str::<Value>(&text()).unwrap(), schema);
}

#[test]
fn what_we_know_is_in_it() {
    let schema = document();
    let instance = &schema["$defs"]["Instance"]["properties"];
    assert_eq!(
        (&instance["priority"]["minimum"], &instance["priority"]["maximum"]),
        (&json!(1), &json!(255))
    );
    assert_eq!(instance["state"]["enum"], json!(["MASTER", "BACKUP"]));
    assert_eq!(instance["advert_int"]["minimum"], json!(0.01));
    assert_eq!(instance["vmac_garp_intvl"]["deprecated"], true);
    assert_eq!(instance["virtual_router_id"]["x-steadfast"]["mandatory"], true);
    assert_eq!(instance["virtual_ipaddress"]["x-steadfast"]["repeatable"], true);
    assert_eq!(
        schema["$defs"]["Instance"]["required"],
        json!(["virtual_router_id"])
    );
    assert_eq!(
        schema["$defs"]["VirtualServer"]["properties"]["quorum"]["default"],
        1
    );
    let protocol = schema["$defs"]["VirtualServer"]["properties"]["protocol"]["enum"]
        .as_array()
        .unwrap();
    assert!(protocol.contains(&json!("tcp")) && protocol.contains(&json!("TCP")));
}

#[test]
fn real_files_fit() {
    for text in [
        include_str!("../../../etc/keepalived.conf.example"),
        include_str!("../../../etc/pair.conf.example"),
        include_str!("../../../tests/conf/lvs.conf"),
        include_str!("../../../tests/conf/vrrp.conf"),
    ] {
        let rendered = rendition(text);
        assert!(!rendered.as_object().unwrap().is_empty());
        assert_eq!(check(&rendered), Vec::<String>::new());
    }
}

#[test]
fn mistakes_do_not_fit() {
    for (mistake, at) in [
        (
            "vrrp_instance A {\n virtual_router_id 256\n}",
            "/vrrp_instance/A/virtual_router_id: maximum",
        ),
        (
            "vrrp_instance A {\n virtual_router_id 1\n state SLAVE\n}",
            "/vrrp_instance/A/state: enum",
        ),
        ("vrrp_instance A {\n}", "/vrrp_instance/A: required"),
        (
            "virtual_server 1.1.1.1 80 {\n delay_loop x\n}",
            "/virtual_server/1.1.1.1 80/delay_loop: type",
        ),
    ] {
        let found = check(&rendition(mistake));
        assert!(
            found.iter().any(|fault| fault.starts_with(at)),
            "{mistake}: {found:?}"
        );
    }
    assert_eq!(check(&json!({ "frob": true })), ["/frob: no such member"]);
}

/// The choices are those that reading accepts, for keywords that are read.
#[test]
fn choices_are_what_is_accepted() {
    let mut tried = 0;
    for keyword in keyword::all().filter(|keyword| keyword.status == Status::Acted) {
        let Some(choices) = help::of(keyword).and_then(help::Help::choices) else {
            continue;
        };
        let (before, after) = match keyword.block {
            Block::Instance => ("vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n", "}\n"),
            Block::Authentication => ("vrrp_instance A {\nauthentication {\nauth_pass x\n", "}\n}\n"),
            Block::VirtualServer => (
                "virtual_server fwmark 1 {\n",
                "real_server 192.0.2.1 80 {\n}\n}\n",
            ),
            Block::HttpGet => (
                "virtual_server fwmark 1 {\nreal_server 192.0.2.1 80 {\nHTTP_GET {\nurl {\npath /\n}\n",
                "}\n}\n}\n",
            ),
            Block::GlobalDefs => ("global_defs {\n", "}\n"),
            _ => continue,
        };
        let options = ReadOptions {
            test: true,
            ..ReadOptions::default()
        };
        let objections = |value: &str| {
            let text = format!("{before}{} {value}\n{after}", keyword.name);
            let line = u32::try_from(before.lines().count()).unwrap() + 1;
            let found = read_str(Path::new("t"), &text, &options).diagnostics;
            found
                .into_iter()
                .filter(|d| d.place.as_ref().is_some_and(|place| place.line == line))
                .count()
        };
        for choice in &choices {
            assert_eq!(objections(choice), 0, "{} {choice}", keyword.name);
        }
        assert!(objections("frob") > 0, "{} takes anything", keyword.name);
        tried += 1;
    }
    assert!(tried >= 6, "{tried}");
}
