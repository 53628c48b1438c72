//! What every registry of models promises (`domain::ports::ModelRegistry`), whoever writes into it beside us.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::{
    ErrorKind, Result,
    ports::{ArtifactBody, NewVersion, RegistryKind},
    registry::{Alias, ModelName, RegistryModel, Stage, VersionStatus},
    tracking::{ArtifactPath, ByteRange},
};
use futures::{TryStreamExt, future::join_all};

use crate::registries::{self, Others, Registry, Stands, alias, fresh, new, v};

suite!([mlflow_on_sqlite = super::registries::mlflow_on_sqlite,
        mlflow_on_postgres = super::registries::mlflow_on_postgres,
        embedded_on_sqlite = super::registries::embedded_on_sqlite,
        embedded_on_postgres = super::registries::embedded_on_postgres] [
    it_answers_and_says_what_it_is,
    a_registered_version_is_found_as_it_was_registered,
    versions_are_registered_by_us_in_our_own_registry_alone,
    numbers_grow_and_that_of_a_deleted_version_is_not_given_again,
    versions_registered_at_once_get_numbers_of_their_own,
    a_list_of_models_tells_aliases_and_no_versions,
    an_alias_moves_in_one_step_and_whoever_reads_all_the_time_never_misses_it,
    an_alias_is_taken_away_and_no_other,
    an_alias_of_a_deleted_version_is_gone,
    an_alias_is_called_as_mlflow_allows,
    one_version_moves_to_a_stage_and_no_other,
    a_tag_is_set_and_replaced,
    a_description_is_replaced,
    what_is_not_there_is_said_so,
    a_model_with_any_name_is_read_and_changed,
    a_model_is_called_as_mlflow_allows,
    the_last_change_moves_with_versions_and_stages_and_not_with_aliases_and_tags,
    a_revision_moves_with_what_others_change,
    files_of_a_version_are_listed_and_read,
    a_new_alias_that_many_set_at_once_leads_where_one_of_them_said,
    after_a_race_with_others_what_is_read_is_what_is_there,
]);

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    let refused = result.unwrap_err();
    assert!(!refused.message.en.is_empty() && refused.message.ko.is_some(), "{refused:?}");
    refused.kind
}

fn aliases(pairs: &[(&str, u32)]) -> BTreeMap<Alias, domain::registry::Version> {
    pairs.iter().map(|(text, number)| (alias(text), v(*number))).collect()
}

impl Registry {
    async fn model(&self, name: &ModelName) -> RegistryModel {
        self.port.model(name).await.unwrap()
    }
    async fn filled(&self, text: &str, count: u32) -> ModelName {
        let model = fresh(text);
        self.others.fill(&model, count).await;
        model
    }
    async fn head(&self, name: &ModelName) -> Option<RegistryModel> {
        self.port.heads().await.unwrap().into_iter().find(|m| m.name == *name)
    }
    async fn numbers(&self, name: &ModelName) -> Vec<u32> {
        self.model(name).await.versions.keys().map(|v| v.number()).collect()
    }
    /// Whichever way a model is asked for, it stands as others read it.
    async fn agrees(&self, name: &ModelName) -> Stands {
        let there = self.others.stands(name).await;
        let whole = self.model(name).await;
        assert_eq!(Stands::of(&whole), there, "{name}");
        let mut head = self.head(name).await.unwrap();
        assert!(head.versions.is_empty());
        assert_eq!(head.aliases, whole.aliases, "{name}");
        let all = self.port.versions(None).await.unwrap().into_iter().filter(|(of, _)| of == name);
        let own = self.port.versions(Some(name)).await.unwrap();
        for versions in [all.collect::<Vec<_>>(), own] {
            head.versions = versions.iter().map(|(_, v)| (v.version, Arc::new(v.clone()))).collect();
            assert_eq!((versions.len(), Stands::of(&head)), (head.versions.len(), there.clone()), "{name}");
        }
        for (alias, version) in &whole.aliases {
            assert_eq!(self.port.alias(name, alias).await.unwrap(), Some(*version), "{name} {alias}");
        }
        there
    }
}

async fn it_answers_and_says_what_it_is(r: &Registry) {
    r.port.probe().await.unwrap();
    let (kind, revision) = (r.port.kind(), r.port.revision().await.unwrap());
    match &r.others {
        Others::Mlflow { address, .. } => {
            assert_eq!((kind, r.port.address(), revision), (RegistryKind::Mlflow, *address, None));
        }
        Others::Embedded { .. } => {
            assert_eq!((kind, r.port.address(), revision), (RegistryKind::Embedded, "embedded", Some(0)));
        }
    }
}

async fn a_registered_version_is_found_as_it_was_registered(r: &Registry) {
    let model = fresh("검출기");
    let registered = NewVersion {
        run: Some("0123456789abcdef0123456789abcdef".into()),
        source: "s3://모델 저장소/a 'b' 50%/model".into(),
        description: "\"첫\" 버전\n둘째 줄 😀".into(),
        tags: vec![("team".into(), "검수 '1'".into()), ("a b/c.d-e_f".into(), "x=1&y=%20".into())],
        ..new(&model)
    };
    assert_eq!(r.others.add(&registered).await, v(1));
    assert_eq!(r.others.add(&new(&model)).await, v(2));
    let whole = r.model(&model).await;
    assert_eq!((&whole.name, whole.aliases.len(), whole.versions.len()), (&model, 0, 2));
    let first = whole.version(v(1)).unwrap();
    assert_eq!(first.version, v(1));
    assert_eq!((&first.run, &first.source), (&registered.run, &registered.source));
    assert_eq!(first.description, registered.description);
    assert_eq!(first.tags, registered.tags.iter().cloned().collect());
    assert_eq!((first.stage, first.status, &*first.status_message), (Stage::None, VersionStatus::Ready, ""));
    let second = whole.version(v(2)).unwrap();
    assert_eq!((&second.run, &*second.source, &*second.description), (&None, "s3://models/m", ""));
    assert!(second.tags.is_empty() && first.created <= second.created && first.created <= whole.updated);
    r.agrees(&model).await;
}

async fn versions_are_registered_by_us_in_our_own_registry_alone(r: &Registry) {
    let model = fresh("registered");
    let made = r.port.register(&new(&model)).await;
    if r.port.kind() == RegistryKind::Embedded {
        assert_eq!(made.unwrap(), **r.model(&model).await.version(v(1)).unwrap());
        for source in ["", "/etc/passwd", "model.pt", "a\nb"] {
            let refused = r.port.register(&NewVersion { source: source.into(), ..new(&model) }).await;
            assert_eq!(kind(refused), ErrorKind::BadInput, "{source:?}");
        }
        assert_eq!(r.numbers(&model).await, [1]);
    } else {
        let refused = made.unwrap_err();
        assert!(refused.message.en.contains(r.port.address()), "{refused:?}");
        assert_eq!(refused.kind, ErrorKind::BadInput);
        assert_eq!(r.head(&model).await, None);
    }
}

async fn numbers_grow_and_that_of_a_deleted_version_is_not_given_again(r: &Registry) {
    let model = r.filled("numbers", 3).await;
    for number in [3, 1] {
        r.others.delete_version(&model, v(number)).await;
    }
    assert_eq!(r.numbers(&model).await, [2]);
    assert_eq!(r.others.add(&new(&model)).await, v(4));
    for number in [2, 4] {
        r.others.delete_version(&model, v(number)).await;
    }
    assert_eq!(r.numbers(&model).await, [0; 0], "the model stays");
    assert_eq!(r.others.add(&new(&model)).await, v(5));
    assert_eq!(r.agrees(&model).await.versions.into_keys().collect::<Vec<_>>(), [5]);
}

async fn versions_registered_at_once_get_numbers_of_their_own(r: &Registry) {
    let model = r.filled("at once", 1).await;
    let version = new(&model);
    let given = join_all((0..8).map(|_| r.others.add(&version))).await;
    let given: BTreeSet<u32> = given.into_iter().map(|v| v.number()).collect();
    assert!(given.iter().copied().eq(2..=9), "{given:?}");
    assert!(r.numbers(&model).await.into_iter().eq(1..=9));
}

async fn a_list_of_models_tells_aliases_and_no_versions(r: &Registry) {
    let (one, two) = (r.filled("heads", 3).await, r.filled("heads", 1).await);
    for (model, text, number) in [
        (&one, "champion", 1),
        (&one, "rollback", 2),
        (&one, "champion", 3),
        (&two, "champion", 1),
        (&two, "팀-A_1", 1),
    ] {
        r.others.point(model, &alias(text), Some(v(number))).await;
    }
    let (one, two) = (r.head(&one).await.unwrap(), r.head(&two).await.unwrap());
    assert_eq!(one.aliases, aliases(&[("champion", 3), ("rollback", 2)]));
    assert_eq!(two.aliases, aliases(&[("champion", 1), ("팀-A_1", 1)]));
    assert!(one.versions.is_empty() && two.versions.is_empty());
    let mut names: Vec<_> = r.port.heads().await.unwrap().into_iter().map(|m| m.name).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "each comes once");
}

async fn an_alias_moves_in_one_step_and_whoever_reads_all_the_time_never_misses_it(r: &Registry) {
    let model = r.filled("one step", 2).await;
    let champion = Alias::champion();
    r.port.set_alias(&model, &champion, v(1)).await.unwrap();
    let over = AtomicBool::new(false);
    let read = async {
        let mut seen = BTreeMap::new();
        while !over.load(Ordering::SeqCst) {
            let version = r.port.alias(&model, &champion).await.unwrap();
            *seen.entry(version.map(|v| v.number())).or_insert(0) += 1;
        }
        seen
    };
    let read_lists = async {
        let mut seen = BTreeSet::new();
        while !over.load(Ordering::SeqCst) {
            seen.insert(r.head(&model).await.unwrap().champion().map(|v| v.number()));
        }
        seen
    };
    let flip = async {
        for n in 0..40 {
            r.port.set_alias(&model, &champion, v(2 - n % 2)).await.unwrap();
        }
        over.store(true, Ordering::SeqCst);
    };
    let (seen, listed, ()) = futures::join!(read, read_lists, flip);
    assert!(seen.keys().chain(&listed).all(|version| matches!(version, Some(1 | 2))), "{seen:?} {listed:?}");
    assert!(seen.values().sum::<u32>() > 1, "{seen:?}");
    assert_eq!(r.agrees(&model).await.aliases, BTreeMap::from([("champion".into(), 1)]));
}

async fn an_alias_is_taken_away_and_no_other(r: &Registry) {
    let (model, other) = (r.filled("away", 2).await, r.filled("away", 1).await);
    for (of, text, number) in
        [(&model, "champion", 2), (&model, "Champion", 1), (&model, "챔피언", 2), (&other, "champion", 1)]
    {
        r.port.set_alias(of, &alias(text), v(number)).await.unwrap();
    }
    r.port.delete_alias(&model, &alias("champion")).await.unwrap();
    assert_eq!(r.port.alias(&model, &alias("champion")).await.unwrap(), None);
    assert_eq!(r.model(&model).await.aliases, aliases(&[("Champion", 1), ("챔피언", 2)]));
    assert_eq!(r.model(&other).await.aliases, aliases(&[("champion", 1)]));
    // One that is not there.
    r.port.delete_alias(&model, &alias("champion")).await.unwrap();
    r.port.delete_alias(&model, &alias("never")).await.unwrap();
    r.agrees(&model).await;
}

async fn an_alias_of_a_deleted_version_is_gone(r: &Registry) {
    let model = r.filled("deleted", 3).await;
    for (text, number) in [("champion", 3), ("rollback", 2), ("other", 3)] {
        r.port.set_alias(&model, &alias(text), v(number)).await.unwrap();
    }
    r.others.delete_version(&model, v(3)).await;
    assert_eq!(r.port.alias(&model, &Alias::champion()).await.unwrap(), None);
    assert_eq!(r.model(&model).await.aliases, aliases(&[("rollback", 2)]));
    assert_eq!(kind(r.port.set_alias(&model, &Alias::champion(), v(3)).await), ErrorKind::NotFound);
    r.agrees(&model).await;
}

/// What MLflow 3.17.2 takes for an alias, and whether we do: where that differs, it is because nobody could tell two of them apart.
const ALIASES: [(&str, bool, bool); 38] = [
    ("champion", true, true),
    ("Champion", true, true),
    ("CHAMPION", true, true),
    ("챔피언", true, true),
    ("ß", true, true),
    ("a_b-c", true, true),
    ("-", true, true),
    ("_", true, true),
    ("0", true, true),
    ("2026-06-30", true, true),
    ("v", true, true),
    ("v1a", true, true),
    ("version7", true, true),
    ("vv7", true, true),
    ("null", true, true),
    ("ー", true, true),
    ("Ⅷ", true, true),
    ("²", true, true),
    ("late\u{17f}t", true, true),
    ("", false, false),
    (" ", false, false),
    ("a b", false, false),
    (" a", false, false),
    ("a.b", false, false),
    ("a/b", false, false),
    ("a:b", false, false),
    ("a'b", false, false),
    ("100%", false, false),
    ("😀", false, false),
    ("e\u{301}", false, false),
    ("a\u{200d}b", false, false),
    ("latest", false, false),
    ("LaTeSt", false, false),
    ("v1", false, false),
    ("V01", false, false),
    ("v\u{ff11}", false, false),
    ("v²", true, false),
    // Its pattern stops before the end of a line.
    ("a\n", true, false),
];

async fn an_alias_is_called_as_mlflow_allows(r: &Registry) {
    let model = r.filled("alias names", 1).await;
    let long = |text: &str, count: usize| text.repeat(count);
    let table = ALIASES.map(|(text, theirs, ours)| (text.to_owned(), theirs, ours)).into_iter();
    let by_length = [(long("a", 255), true, true), (long("가", 255), true, true), (long("a", 256), false, false)];
    for (text, theirs, ours) in table.chain(by_length) {
        if let Some(takes) = r.others.mlflow_takes_alias(&model, &text).await {
            assert_eq!(takes, theirs, "MLflow and {text:?}");
        }
        let parsed = Alias::parse(&text);
        assert_eq!(parsed.is_ok(), ours, "{text:?}");
        let Ok(parsed) = parsed else { continue };
        r.port.delete_alias(&model, &parsed).await.unwrap();
        assert_eq!(r.port.alias(&model, &parsed).await.unwrap(), None, "{text:?}");
        r.port.set_alias(&model, &parsed, v(1)).await.unwrap();
        assert_eq!(r.port.alias(&model, &parsed).await.unwrap(), Some(v(1)), "{text:?}");
        assert_eq!(r.model(&model).await.alias(&text), Some(v(1)), "{text:?}");
    }
}

async fn one_version_moves_to_a_stage_and_no_other(r: &Registry) {
    let model = r.filled("stages", 4).await;
    let stages = async || r.model(&model).await.versions.values().map(|v| v.stage).collect::<Vec<_>>();
    for (number, stage) in (1..).zip(Stage::ALL) {
        r.port.set_stage(&model, v(number), stage).await.unwrap();
    }
    assert_eq!(stages().await, Stage::ALL);
    // Two in one stage: whoever wants the other archived says so.
    r.port.set_stage(&model, v(1), Stage::Production).await.unwrap();
    r.port.set_stage(&model, v(1), Stage::Production).await.unwrap();
    assert_eq!(stages().await, [Stage::Production, Stage::Staging, Stage::Production, Stage::Archived]);
    r.port.set_stage(&model, v(3), Stage::None).await.unwrap();
    assert_eq!(stages().await, [Stage::Production, Stage::Staging, Stage::None, Stage::Archived]);
    r.agrees(&model).await;
}

async fn a_tag_is_set_and_replaced(r: &Registry) {
    let model = r.filled("tags", 2).await;
    for (key, value) in [("team", "a"), ("팀 이름", "검수 'x' \"y\" 50%\n😀"), ("team", "b"), ("a b/c.d-e_f", "")]
    {
        r.port.set_tag(&model, v(2), key, value).await.unwrap();
    }
    let whole = r.model(&model).await;
    let tags = [("team", "b"), ("팀 이름", "검수 'x' \"y\" 50%\n😀"), ("a b/c.d-e_f", "")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    assert_eq!(whole.version(v(2)).unwrap().tags, tags);
    assert!(whole.version(v(1)).unwrap().tags.is_empty());
    r.agrees(&model).await;
}

async fn a_description_is_replaced(r: &Registry) {
    let model = r.filled("texts", 2).await;
    // MLflow over Postgres keeps 5000 characters, and refuses more.
    for text in ["first", "둘째 '설명' \"x\" 50% \\n\n# 제목 😀", &"긴 글".repeat(1_666), "last"] {
        r.port.set_description(&model, v(1), text).await.unwrap();
        let whole = r.model(&model).await;
        let texts: Vec<&str> = whole.versions.values().map(|v| &*v.description).collect();
        assert_eq!(texts, [text, ""]);
    }
    r.agrees(&model).await;
}

async fn what_is_not_there_is_said_so(r: &Registry) {
    let (model, nobody) = (r.filled("there", 1).await, fresh("not there 'x'"));
    let champion = Alias::champion();
    assert_eq!(kind(r.port.model(&nobody).await), ErrorKind::NotFound);
    assert_eq!(kind(r.port.alias(&nobody, &champion).await), ErrorKind::NotFound);
    assert_eq!(kind(r.port.delete_alias(&nobody, &champion).await), ErrorKind::NotFound);
    assert_eq!(r.port.versions(Some(&nobody)).await, Ok(vec![]));
    assert_eq!(r.port.alias(&model, &champion).await, Ok(None));
    // Postgres has no larger number for MLflow.
    for (of, number) in [(&model, 2), (&model, 0x7fff_ffff), (&nobody, 1)] {
        let version = v(number);
        assert_eq!(kind(r.port.set_alias(of, &champion, version).await), ErrorKind::NotFound);
        assert_eq!(kind(r.port.set_stage(of, version, Stage::Production).await), ErrorKind::NotFound);
        assert_eq!(kind(r.port.set_tag(of, version, "k", "v").await), ErrorKind::NotFound);
        assert_eq!(kind(r.port.set_description(of, version, "d").await), ErrorKind::NotFound);
    }
    assert_eq!(r.head(&nobody).await, None);
    assert_eq!(r.agrees(&model).await.versions.len(), 1);
}

/// Names as people give them.
const NAMES: [&str; 14] = [
    "yolov8m",
    "a b  c",
    "검출기 2호",
    "cam 'A'",
    "cam \"B\"",
    "'x' and \"y\"",
    "100%",
    "a%2Fb%00",
    "_%",
    "😀 👩\u{200d}🚀",
    "'; DROP TABLE model; --",
    "a?b=c&d#e+f",
    "<b>{a}[b]|*$`x`",
    "e\u{301}",
];

async fn a_model_with_any_name_is_read_and_changed(r: &Registry) {
    let long = "가".repeat(80);
    for text in NAMES.into_iter().chain([&*long, &"x".repeat(250)]) {
        let model = r.filled(text, 2).await;
        r.port.set_alias(&model, &Alias::champion(), v(1)).await.unwrap();
        r.port.set_alias(&model, &alias("gone"), v(1)).await.unwrap();
        r.port.delete_alias(&model, &alias("gone")).await.unwrap();
        r.port.set_stage(&model, v(2), Stage::Production).await.unwrap();
        r.port.set_tag(&model, v(2), "k", text).await.unwrap();
        r.port.set_description(&model, v(2), text).await.unwrap();
        let expected = Stands {
            aliases: BTreeMap::from([("champion".into(), 1)]),
            versions: BTreeMap::from([
                (1, ("None".into(), String::new(), BTreeMap::new())),
                (2, ("Production".into(), text.into(), BTreeMap::from([("k".into(), text.into())]))),
            ]),
        };
        assert_eq!(r.agrees(&model).await, expected, "{text}");
    }
}

/// What MLflow 3.17.2 takes for the name of a model, where that does not depend on its database, and whether we do.
const MODELS: [(&str, Option<bool>, bool); 48] = [
    ("detector", Some(true), true),
    ("Detector", Some(true), true),
    ("a b", Some(true), true),
    ("검출기 2호", Some(true), true),
    ("cam 'A'", Some(true), true),
    ("cam \"B\"", Some(true), true),
    ("'x' \"y\"", Some(true), true),
    ("100%", Some(true), true),
    ("a%2Fb", Some(true), true),
    ("_", Some(true), true),
    ("%", Some(true), true),
    ("😀", Some(true), true),
    ("👩\u{200d}🚀", Some(true), true),
    ("\u{e9}", Some(true), true),
    ("e\u{301}", Some(true), true),
    ("<b>", Some(true), true),
    ("a;b,c|d", Some(true), true),
    ("a?b#c&d=e+f", Some(true), true),
    ("--", Some(true), true),
    ("-a", Some(true), true),
    ("null", Some(true), true),
    ("latest", Some(true), true),
    ("0", Some(true), true),
    ("*", Some(true), true),
    ("$x`y`{z}[w]@", Some(true), true),
    ("a..b", Some(true), true),
    (".a", Some(true), true),
    ("a.", Some(true), true),
    ("a..", Some(true), true),
    ("a/b", Some(false), false),
    ("/a", Some(false), false),
    ("a:b", Some(false), false),
    (".", Some(false), false),
    ("..", Some(false), false),
    ("...", Some(false), false),
    ("..a", Some(false), false),
    ("", Some(false), false),
    ("  ", Some(false), false),
    ("\u{3000}", Some(false), false),
    // Those that no address could lead to, or that look like another: we leave them out, and register none.
    ("a\\b", Some(true), false),
    (" a", Some(true), false),
    ("a ", Some(true), false),
    ("a\tb", Some(true), false),
    ("a\nb", Some(true), false),
    ("a\u{7f}", Some(true), false),
    ("a\u{202e}b", Some(true), false),
    ("\u{feff}a", Some(true), false),
    // SQLite takes it, Postgres does not.
    ("a\0b", None, false),
];

async fn a_model_is_called_as_mlflow_allows(r: &Registry) {
    let table = MODELS.map(|(text, theirs, ours)| (text.to_owned(), theirs, ours)).into_iter();
    let long = |text: &str, count: usize| text.repeat(count);
    // Of 256 bytes, not characters: a name is part of the names of files.
    let by_length = [
        (long("x", 256), Some(true), true),
        (long("가", 85), Some(true), true),
        (long("가", 86), Some(true), false),
        (long("x", 257), None, false),
    ];
    let (mut taken, mut left_out) = (vec![], vec![]);
    for (text, theirs, ours) in table.chain(by_length) {
        let found = r.others.mlflow_takes_model(&text).await;
        assert!(found.is_none() || theirs.is_none() || found == theirs, "MLflow and {text:?}: {found:?}");
        assert_eq!(ModelName::parse_new(&text).is_ok(), ours, "{text:?}");
        let Ok(name) = ModelName::parse_new(&text) else {
            left_out.push(text);
            continue;
        };
        if found.is_none() {
            r.port.register(&new(&name)).await.unwrap();
        }
        assert_eq!(r.model(&name).await.name.as_str(), text);
        taken.push(text);
    }
    let heads = r.port.heads().await.unwrap();
    let listed = |text: &String| heads.iter().any(|m| m.name.as_str() == text);
    assert!(taken.iter().all(listed), "{heads:?}");
    assert!(!left_out.iter().any(listed), "{heads:?}");
}

async fn the_last_change_moves_with_versions_and_stages_and_not_with_aliases_and_tags(r: &Registry) {
    let model = r.filled("updated", 1).await;
    let mut seen = r.head(&model).await.unwrap().updated;
    for step in 0..6 {
        // MLflow tells moments in milliseconds.
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        let moves = match step {
            0 => r.others.add(&new(&model)).await == v(2),
            1 => r.port.set_alias(&model, &Alias::champion(), v(2)).await.is_err(),
            2 => r.port.set_stage(&model, v(1), Stage::Staging).await.is_ok(),
            3 => r.port.set_tag(&model, v(1), "k", "v").await.is_err(),
            4 => r.port.delete_alias(&model, &Alias::champion()).await.is_err(),
            _ => r.port.set_stage(&model, v(1), Stage::None).await.is_ok(),
        };
        let now = r.head(&model).await.unwrap().updated;
        assert!(if moves { now > seen } else { now == seen }, "step {step}: {seen:?} {now:?}");
        seen = now;
    }
}

async fn a_revision_moves_with_what_others_change(r: &Registry) {
    let model = r.filled("revision", 2).await;
    let Some(mut seen) = r.port.revision().await.unwrap() else {
        assert_eq!(r.port.kind(), RegistryKind::Mlflow);
        return;
    };
    for step in 0..6 {
        match step {
            0 => drop(r.others.add(&new(&model)).await),
            1 => r.others.point(&model, &Alias::champion(), Some(v(2))).await,
            2 => r.others.stage(&model, v(2), Stage::Production).await,
            3 => r.others.tag(&model, v(1), "k", "v").await,
            4 => r.others.point(&model, &Alias::champion(), None).await,
            _ => r.others.delete_version(&model, v(1)).await,
        }
        let now = r.port.revision().await.unwrap().unwrap();
        assert!(now > seen, "step {step}");
        r.agrees(&model).await;
        seen = now;
    }
    assert_eq!(r.port.revision().await.unwrap(), Some(seen), "reading moves nothing");
}

async fn whole(body: ArtifactBody) -> Vec<u8> {
    let pieces: Vec<Vec<u8>> = body.bytes.try_collect().await.unwrap();
    pieces.concat()
}

async fn files_of_a_version_are_listed_and_read(r: &Registry) {
    let weights: Vec<u8> = (0..80).flat_map(|_| 0..=255).collect();
    let files: [(&str, &[u8]); 4] =
        [("MLmodel", b"flavors: {}\n"), ("data/가 중치 1.bin", &weights), ("data/empty", b""), ("a b/c&d.txt", b"x")];
    let model = fresh("files 검출 '1'");
    let (run, source) = r.others.keep_files(&files).await;
    r.others.add(&NewVersion { run, source, ..new(&model) }).await;
    r.others.add(&new(&model)).await;
    let registered = r.model(&model).await;
    let version = registered.version(v(1)).unwrap();
    let path = |text: &str| ArtifactPath::parse(text).unwrap();
    let listed = async |folder: &str| {
        let entries = r.port.artifacts(&model, version, &path(folder)).await?;
        Ok(entries.into_iter().map(|e| (e.path.to_string(), e.is_folder, e.size)).collect::<Vec<_>>())
    };
    let entry = |path: &str, size: Option<u64>| (path.to_owned(), size.is_none(), size);
    assert_eq!(listed("").await, Ok(vec![entry("MLmodel", Some(12)), entry("a b", None), entry("data", None)]));
    let data = vec![entry("data/empty", Some(0)), entry("data/가 중치 1.bin", Some(20_480))];
    assert_eq!(listed("data").await, Ok(data));
    assert_eq!(listed("a b").await, Ok(vec![entry("a b/c&d.txt", Some(1))]));
    for missing in ["nothing", "data/nothing", "MLmodel"] {
        assert_eq!(kind(listed(missing).await), ErrorKind::NotFound, "{missing}");
    }
    for (file, content) in files {
        let body = r.port.artifact(&model, version, &path(file), None).await.unwrap();
        assert_eq!((body.size, body.range), (Some(content.len() as u64), None), "{file}");
        assert_eq!(whole(body).await, content, "{file}");
    }
    let part = ByteRange::From(1_000, Some(2_999));
    let body = r.port.artifact(&model, version, &path("data/가 중치 1.bin"), Some(part)).await.unwrap();
    assert_eq!((body.size, body.range), (Some(20_480), Some((1_000, 3_000))));
    assert_eq!(whole(body).await, weights[1_000..3_000]);
    for missing in ["nothing", "data/nothing", "data"] {
        let body = r.port.artifact(&model, version, &path(missing), None).await.map(|body| body.size);
        assert_eq!(kind(body), ErrorKind::NotFound, "{missing}");
    }
    // Files at an address of somebody else's.
    let elsewhere = registered.version(v(2)).unwrap();
    let refused = r.port.artifacts(&model, elsewhere, &path("")).await;
    assert_eq!(kind(refused), ErrorKind::BadInput);
}

async fn a_new_alias_that_many_set_at_once_leads_where_one_of_them_said(r: &Registry) {
    let model = r.filled("new alias", 4).await;
    for round in 0..8 {
        let alias = alias(&format!("new-{round}"));
        let set = (1..=4).map(|number| r.port.set_alias(&model, &alias, v(number)));
        for done in join_all(set).await {
            done.unwrap();
        }
        assert!(r.port.alias(&model, &alias).await.unwrap().is_some());
    }
    assert_eq!(r.agrees(&model).await.aliases.len(), 8);
}

async fn after_a_race_with_others_what_is_read_is_what_is_there(r: &Registry) {
    let model = r.filled("race", 6).await;
    r.port.set_alias(&model, &Alias::champion(), v(1)).await.unwrap();
    r.port.set_alias(&model, &alias("other"), v(1)).await.unwrap();
    for round in 0..4 {
        let ours = async {
            for number in [2, 3, 4] {
                r.port.set_alias(&model, &Alias::champion(), v(number)).await.unwrap();
                r.port.set_stage(&model, v(number), Stage::Production).await.unwrap();
                r.port.set_tag(&model, v(number), "round", &round.to_string()).await.unwrap();
                r.port.set_description(&model, v(number), &format!("ours {round}")).await.unwrap();
            }
        };
        let theirs = async {
            for number in [4, 2, 3] {
                r.others.point(&model, &Alias::champion(), Some(v(number))).await;
                r.others.stage(&model, v(number), Stage::Archived).await;
                r.others.tag(&model, v(number), "theirs", &round.to_string()).await;
                let added = r.others.add(&new(&model)).await;
                r.others.point(&model, &alias("other"), Some(added)).await;
                r.others.delete_version(&model, added).await;
            }
        };
        let reading = async {
            for _ in 0..6 {
                let seen = r.model(&model).await;
                assert!(seen.champion().is_some_and(|v| (1..=4).contains(&v.number())), "{seen:?}");
                assert!(seen.versions.len() >= 6, "{seen:?}");
            }
        };
        futures::join!(ours, theirs, reading);
        let there = r.agrees(&model).await;
        assert_eq!((there.aliases.len(), there.versions.len()), (1, 6), "{there:?}");
        for number in [2, 3, 4] {
            let (stage, text, tags) = &there.versions[&number];
            assert!(["Production", "Archived"].contains(&stage.as_str()), "{there:?}");
            assert_eq!((text, tags["round"].clone()), (&format!("ours {round}"), round.to_string()));
            assert_eq!(tags["theirs"], round.to_string());
        }
    }
}
