//! What is generated, and every fault that fails a build.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

use super::*;

fn faults(content: &str) -> String {
    let faults = Texts::under("src").code(Path::new("src/words.toml"), content).unwrap_err();
    faults.iter().map(TextError::to_string).collect::<Vec<_>>().join("\n")
}

fn in_both(en: &str, ko: &str) -> String {
    faults(&format!("x.en = '{en}'\nx.ko = '{ko}'"))
}

const FILE: &str = r#"
worst_of.en = "{shown} of {n} {n|zone|zones}"
worst_of.ko = "구역 {n}개 중 {shown}개"

[title]
en = "A {{brace}}"
ko = "“중괄호” {{}}"
"#;

#[test]
fn words_take_the_language() {
    let code = Texts::under("src").lang("crate::i18n::Lang").code(Path::new("src/words.toml"), FILE).unwrap();
    assert_eq!(
        code,
        r#"#[doc = "A {{brace}}"]
#[must_use]
pub const fn title(lang: crate::i18n::Lang) -> &'static str {
    match lang {
        crate::i18n::Lang::En => "A {brace}",
        crate::i18n::Lang::Ko => "“중괄호” {}",
    }
}

#[doc = "{shown} of {n} {n|zone|zones}"]
#[must_use]
pub fn worst_of(lang: crate::i18n::Lang, shown: impl std::fmt::Display, n: impl std::fmt::Display) -> String {
    let n = n.to_string();
    match lang {
        crate::i18n::Lang::En => format!("{} of {} {}", shown, n, if n == "1" { "zone" } else { "zones" }),
        crate::i18n::Lang::Ko => format!("구역 {}개 중 {}개", n, shown),
    }
}
"#
    );
}

#[test]
fn sentences_have_both_languages() {
    let file = "cut.en = \"cut off\"\ncut.ko = '잘림'\nbad.en = \"“{got}” {{{why:sentence}\"\nbad.ko = \"{why:sentence}: {got}\"";
    let code = Texts::under("src").code(Path::new("src/sentences.toml"), file).unwrap();
    assert_eq!(
        code,
        r#"#[doc = "“{got}” {{{why:sentence}"]
#[must_use]
pub fn bad(got: impl std::fmt::Display, why: &domain::error::Sentence) -> domain::error::Sentence {
    domain::error::Sentence { en: format!("“{}” {{{}", got, why.en), ko: Some(format!("{}: {}", why.korean(), got)) }
}

#[doc = "cut off"]
#[must_use]
pub fn cut() -> domain::error::Sentence {
    domain::error::Sentence { en: "cut off".to_owned(), ko: Some("잘림".to_owned()) }
}
"#
    );
}

#[test]
fn texts_that_only_one_build_uses_are_no_warning_in_the_other() {
    let code = Texts::under("src")
        .all_used_with_feature("ssr")
        .code(Path::new("src/words.toml"), "x.en='a'\nx.ko='b'")
        .unwrap();
    assert!(code.contains("#[cfg_attr(not(feature = \"ssr\"), allow(dead_code, reason"), "{code}");
}

#[test]
fn only_functions_with_many_parameters_say_so() {
    let text = |placeholders: usize| {
        let placeholders: String = (0..placeholders).map(|n| format!("{{h{n}}}")).collect();
        format!("x.en = '{placeholders}'\nx.ko = '{placeholders}'")
    };
    let says = |file: &str, placeholders: usize| {
        Texts::under("src").code(Path::new(file), &text(placeholders)).unwrap().contains("too_many_arguments")
    };
    assert!(!says("src/words.toml", 6) && says("src/words.toml", 7), "the language is one too");
    assert!(!says("src/sentences.toml", 7) && says("src/sentences.toml", 8));
}

#[test]
fn a_text_has_both_languages_and_no_other() {
    assert_eq!(faults("x.en = 'a'"), "src/words.toml: `x` is missing in ko");
    assert_eq!(faults("x.ko = 'a'"), "src/words.toml: `x` is missing in en");
    assert_eq!(faults("x.en = 'a'\nx.ko = ' '"), "src/words.toml: `x` is empty in ko");
    assert_eq!(faults("x.en = 'a'\nx.ko = 1"), "src/words.toml: `x` is no text in ko");
    assert_eq!(faults("x = 'a'"), "src/words.toml: `x` needs its languages: x.en and x.ko");
    let other = "x.en = 'a'\nx.ko = 'b'\nx.de = 'c'";
    assert_eq!(faults(other), "src/words.toml: `x` has a language that is neither en nor ko: de");
}

#[test]
fn all_faults_of_a_file_are_told() {
    let file = "x.en = 'a'\ny.ko = 'b'";
    assert_eq!(faults(file), "src/words.toml: `x` is missing in ko\nsrc/words.toml: `y` is missing in en");
}

#[test]
fn holes_are_the_same_in_both_languages() {
    assert_eq!(in_both("{n}", "{m}"), "src/words.toml: `x` has the hole {n} in en and not in ko");
    assert_eq!(in_both("a", "{m}"), "src/words.toml: `x` has the hole {m} in ko and not in en");
    let kind = in_both("{why:sentence}", "{why}");
    assert_eq!(kind, "src/words.toml: `x` has the hole {why:sentence} in en and not in ko");
    let mixed = in_both("{why:sentence} {why}", "{why}");
    assert_eq!(mixed, "src/words.toml: `x` has {why} both as a value and as a sentence");
}

#[test]
fn what_is_no_hole_is_refused() {
    let begins = |en: &str, ko: &str, with: &str| {
        let told = in_both(en, ko);
        assert!(told.starts_with(&format!("src/words.toml: `x` has {with}")), "{told}");
    };
    begins("{n", "{n}", "a { without its } (a brace is written {{) in en");
    begins("{n}", "n}", "a } without its { (a brace is written }}) in ko");
    begins("{n|one}", "{n}", "{n|one}, which is neither a hole nor one with two words in en");
    begins("{n|a|b|c}", "{n}", "{n|a|b|c}, which is neither a hole nor one with two words in en");
    begins("{n:.2}", "{n}", "{n:.2}, where only {name:sentence} is known in en");
    for name in ["", " n", "N", "1", "lang", "where", "{a"] {
        begins(&format!("{{{name}}}"), "a", if name == "{a" { "a } without" } else { "the hole {" });
    }
}

#[test]
fn a_key_names_a_function_and_stands_once() {
    for key in ["A", "type", "a-b", "1a", "''"] {
        let told = faults(&format!("{key}.en = 'a'\n{key}.ko = 'b'"));
        assert!(told.contains("is no name of a function"), "{told}");
    }
    let told = faults("x.en = 'a'\nx.ko = 'b'\nx.en = 'c'");
    assert_eq!(told, "src/words.toml: line 3: duplicate key: x.en = 'c'");
    assert!(faults("x.en = 'a").starts_with("src/words.toml: line 1: "));
}

#[test]
fn files_are_written_where_their_origins_lie() {
    let (from, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let text = "x.en = 'a'\nx.ko = 'b'";
    fs::create_dir_all(from.path().join("trends/deep")).unwrap();
    for file in ["sentences.toml", "trends/words.toml", "trends/deep/words.toml", "trends/other.toml"] {
        fs::write(from.path().join(file), text).unwrap();
    }
    let texts = Texts::under(from.path());
    assert_eq!(texts.write_to(out.path()), []);
    for file in ["sentences.rs", "trends/words.rs", "trends/deep/words.rs"] {
        assert!(fs::read_to_string(out.path().join(file)).unwrap().contains("fn x("), "{file}");
    }
    assert!(!out.path().join("trends/other.rs").exists());

    fs::write(from.path().join("trends/words.toml"), "x.en = 'a'").unwrap();
    let told: Vec<String> = texts.write_to(out.path()).iter().map(TextError::to_string).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with("trends/words.toml: `x` is missing in ko"), "{told:?}");
    let gone = Texts::under(from.path().join("gone")).write_to(out.path());
    assert!(gone[0].to_string().contains("gone: cannot be read: "), "{gone:?}");
}
