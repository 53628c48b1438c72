//! Turns `locales/*.toml` into one struct with a field a text, so that a text that one language lacks fails the build.
#![expect(clippy::disallowed_methods, reason = "a build script keeps nobody waiting")]

use std::{collections::BTreeMap, env, fmt::Write, fs, path::Path};

/// The name of a hole; `{n|record|records}` is the hole n with two words.
fn hole(text: &str) -> String {
    let parts: Vec<&str> = text.split('|').collect();
    assert!(matches!(parts.len(), 1 | 3), "`{{{text}}}` is neither a hole nor one with two words");
    parts[0].to_owned()
}

fn main() {
    println!("cargo:rerun-if-changed=locales");
    let read = |lang: &str| -> BTreeMap<String, String> {
        let path = format!("locales/{lang}.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        toml::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
    };
    let (en, ko) = (read("en"), read("ko"));
    let holes = |t: &str| {
        let mut found: Vec<String> =
            t.split('{').skip(1).filter_map(|p| p.split_once('}')).map(|(name, _)| hole(name)).collect();
        found.sort();
        found.dedup();
        found
    };
    for key in en.keys().chain(ko.keys()) {
        let (Some(e), Some(k)) = (en.get(key), ko.get(key)) else { panic!("`{key}` is not in both locales") };
        assert_eq!(holes(e), holes(k), "`{key}` has other holes in the other language");
    }
    let mut out = String::from("/// Every text that people read.\n#[derive(Debug)]\npub struct Texts {\n");
    for (key, text) in &en {
        let _ = writeln!(out, "    /// {}\n    pub {key}: &'static str,", text.replace('\n', " "));
    }
    out.push_str("}\n");
    for (name, texts) in [("EN", &en), ("KO", &ko)] {
        let _ = writeln!(out, "static {name}: Texts = Texts {{");
        for (key, text) in texts {
            let _ = writeln!(out, "    {key}: {text:?},");
        }
        out.push_str("};\n");
    }
    let target = Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("texts.rs");
    fs::write(&target, out).unwrap_or_else(|e| panic!("{}: {e}", target.display()));
}
