//! The language as a JSON Schema (draft 2020-12), made of the table of keywords.
//!
//! A block is an object whose members are its keywords: `true` for one without argument, a number, a word, a list of
//! words. A block with a heading (`vrrp_instance VI_1 { … }`) is a member of an object, under its heading; one
//! without is an object, or a list of them. An entry of a list (`virtual_ipaddress`) is the line as it is typed, or
//! an object of its options with what stands before them as `entry`.

#[cfg(test)]
mod tests;

use super::keyword::{self, Args, Block, Keyword, Status, help};
use serde_json::{Map, Value, json};

/// Keywords that say something new each time, besides blocks and lists; of others the last one is in force.
const REPEATED: &[(Block, &str)] = &[
    (Block::Root, "include"),
    (Block::Root, "includea"),
    (Block::Root, "includeb"),
    (Block::Root, "includem"),
    (Block::Root, "includer"),
    (Block::Root, "includew"),
    (Block::GarpGroup, "interface"),
    (Block::AuthHmac, "key"),
    (Block::HttpUrl, "status_code"),
];

/// The schema, for people to read and tools to use.
pub fn text() -> String {
    format!("{:#}\n", document())
}

/// The schema.
pub fn document() -> Value {
    let definitions: Map<String, Value> = help::blocks()
        .into_iter()
        .filter(|block| *block != Block::Root)
        .map(|block| (definition(block), self::block(block)))
        .collect();
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "keepalived.conf",
    });
    if let (Some(members), Value::Object(top)) = (root.as_object_mut(), block(Block::Root)) {
        members.extend(top.into_iter().filter(|(name, _)| name != "title"));
        members.insert("$defs".to_owned(), definitions.into());
    }
    root
}

/// The name of a block's definition.
fn definition(block: Block) -> String {
    format!("{block:?}")
}

fn reference(block: Block) -> Value {
    json!({ "$ref": format!("#/$defs/{}", definition(block)) })
}

/// The keywords that a block has, with those it shares with others.
fn keywords(block: Block) -> impl Iterator<Item = &'static Keyword> {
    keyword::all().filter(move |keyword| keyword.block == block || block.includes().contains(&keyword.block))
}

fn block(block: Block) -> Value {
    let help = help::of_block(block);
    let description = help.map_or("", |help| help.meaning);
    if keywords(block).next().is_none() && keyword::holds_values(block) {
        return json!({ "title": block.name(), "description": description, "type": "string" });
    }
    let mut members: Map<String, Value> = keywords(block)
        .map(|keyword| (keyword.name.to_owned(), property(keyword)))
        .collect();
    let mut required: Vec<&str> = keywords(block)
        .filter(|keyword| is_required(keyword))
        .map(|keyword| keyword.name)
        .collect();
    // It has two spellings, either of which will do.
    required.retain(|name| *name != "neighbor_ip");
    if keyword::holds_values(block) {
        members.insert(
            "entry".to_owned(),
            json!({ "description": help.map_or("", |help| help.arguments), "type": "array", "items": { "type": "string" } }),
        );
    }
    json!({
        "title": block.name(),
        "description": description,
        "type": "object",
        "properties": members,
        "required": required,
        "additionalProperties": false,
    })
}

fn is_required(keyword: &Keyword) -> bool {
    help::of(keyword).is_some_and(help::Help::required)
}

fn property(keyword: &Keyword) -> Value {
    let repeated = REPEATED.contains(&(keyword.block, keyword.name));
    let mut value = value(keyword);
    if repeated {
        value = json!({ "anyOf": [value.clone(), { "type": "array", "items": value }] });
    }
    let Some(members) = value.as_object_mut() else {
        return value;
    };
    if keyword::replacement(keyword.block, keyword.name).is_some() {
        members.insert("deprecated".to_owned(), true.into());
    }
    let mut notes = json!({
        "status": match keyword.status {
            Status::Acted => "effective",
            Status::NotYet => "not yet",
        },
        "repeatable": repeated || matches!(keyword.args, Args::Block(_) | Args::Values(_)),
        "mandatory": is_required(keyword),
    });
    if let Some(help) = help::of(keyword) {
        members.insert("description".to_owned(), help.meaning.into());
        if let Some(number) = number(help.default).filter(|_| members.contains_key("minimum")) {
            members.insert("default".to_owned(), number);
        }
        let texts = [
            ("arguments", help.arguments),
            ("default", help.default),
            ("range", help.range),
        ];
        if let Some(notes) = notes.as_object_mut() {
            let said = texts.into_iter().filter(|(_, text)| !text.is_empty());
            notes.extend(said.map(|(name, text)| (name.to_owned(), text.into())));
        }
    }
    members.insert("x-steadfast".to_owned(), notes);
    value
}

/// A default that is a number.
fn number(text: &str) -> Option<Value> {
    match text.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => text.parse::<f64>().ok().map(Value::from),
    }
}

/// What an argument may be.
fn value(keyword: &Keyword) -> Value {
    let whole = |least: i64, most: i64| json!({ "type": "integer", "minimum": least, "maximum": most });
    let words = |least: u32| json!({ "type": "array", "items": { "type": "string" }, "minItems": least });
    match keyword.args {
        Args::Nothing => json!({ "const": true }),
        Args::Bool => json!({ "type": "boolean" }),
        Args::Free => words(0),
        Args::OneOrMore => words(1),
        Args::Script => {
            json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 3 })
        }
        Args::Word => word(keyword),
        Args::OptionalWord => json!({ "anyOf": [{ "const": true }, word(keyword)] }),
        Args::Address => json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] }),
        Args::Int(least, most) | Args::Strict(least, most) => whole(least, most),
        Args::OptionalInt(least, most) | Args::OptionalStrict(least, most) => {
            json!({ "anyOf": [{ "const": true }, whole(least, most)] })
        }
        Args::Seconds(least, most) => json!({
            "type": "number",
            "minimum": decimal(least),
            "maximum": decimal(most),
        }),
        Args::Millis(least, most) => json!({ "type": "number", "minimum": least, "maximum": most }),
        Args::Block(inner) => {
            if has_heading(keyword) {
                json!({ "type": "object", "additionalProperties": reference(inner) })
            } else {
                json!({ "anyOf": [reference(inner), { "type": "array", "items": reference(inner) }] })
            }
        }
        Args::Values(inner) => {
            let entry = if keywords(inner).next().is_some() {
                json!({ "anyOf": [{ "type": "string" }, reference(inner)] })
            } else {
                reference(inner)
            };
            let list = json!({ "type": "array", "items": entry });
            if has_heading(keyword) {
                json!({ "type": "object", "additionalProperties": list })
            } else {
                list
            }
        }
    }
}

/// Whether something stands between the keyword and its brace.
fn has_heading(keyword: &Keyword) -> bool {
    match keyword.args {
        Args::Block(inner) | Args::Values(inner) => keyword.args.mandatory() || keyword::named(inner),
        _ => false,
    }
}

fn word(keyword: &Keyword) -> Value {
    let help = help::of(keyword);
    let Some(mut choices) = help
        .and_then(help::Help::choices)
        .map(|choices| choices.into_iter().map(str::to_owned).collect::<Vec<_>>())
    else {
        return json!({ "type": "string" });
    };
    if help.is_some_and(help::Help::any_case) {
        let small: Vec<String> = choices.iter().map(|word| word.to_lowercase()).collect();
        choices.extend(
            small
                .into_iter()
                .filter(|word| word.chars().any(char::is_alphabetic)),
        );
    }
    json!({ "enum": choices })
}

/// Microseconds as seconds.
fn decimal(micros: i64) -> Value {
    if micros % 1_000_000 == 0 {
        (micros / 1_000_000).into()
    } else {
        let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        text.parse::<f64>().map_or(Value::Null, Value::from)
    }
}
