//! The contract of [`EmbeddedModels`]: numbers of versions are given once and in order, an alias leads to one version that is there, and whatever
//! changes moves the revision.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    Error, ErrorKind, Result,
    ports::{EmbeddedModels, NewVersion},
    registry::{Alias, ModelName, ModelVersion, RegistryModel, Stage, Version, VersionStatus},
    time::Millis,
};
use futures::future::join_all;
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};

use crate::{databases::Raw, soak, support::LakeDir};

/// Our own registry, and a second handle on the same database.
pub struct Models {
    models: Arc<dyn EmbeddedModels>,
    other: Arc<dyn EmbeddedModels>,
    dir: LakeDir,
}

async fn models(dir: LakeDir) -> Models {
    Models { models: dir.store().await, other: dir.store().await, dir }
}

async fn sqlite() -> Models {
    models(crate::support::on_sqlite().await).await
}

async fn postgres() -> Models {
    models(crate::support::on_postgres().await).await
}

suite!([on_sqlite = super::sqlite, on_postgres = super::postgres] [
    a_new_registry_is_empty,
    a_version_comes_back_as_it_was_registered,
    versions_registered_at_once_get_consecutive_numbers,
    the_number_of_a_deleted_version_is_not_given_again,
    an_alias_leads_to_one_version_and_moves,
    an_alias_leads_to_no_version_that_is_missing,
    deletion_takes_its_aliases_along_and_no_other,
    a_deleted_model_is_gone_with_its_versions_and_no_other,
    one_version_moves_to_a_stage,
    tags_set_at_once_are_all_kept,
    a_description_is_replaced,
    what_is_missing_is_not_found,
    the_revision_moves_with_every_change_and_with_nothing_else,
    the_last_change_of_a_model_moves_where_the_clock_does_not,
    a_model_that_cannot_be_read_is_not_taken_for_deleted,
]);

/// Names as people give them.
const NAMES: [&str; 4] = ["검출기 2호", "a b \"c\"", "'; DROP TABLE model; --", "yolo%v8_m"];

pub fn name(text: &str) -> ModelName {
    ModelName::parse(text).unwrap()
}

fn alias(text: &str) -> Alias {
    Alias::parse(text).unwrap()
}

fn v(number: u32) -> Version {
    Version::new(number).unwrap()
}

pub fn new(model: &str, at: i64) -> NewVersion {
    NewVersion {
        model: name(model),
        run: Some("0f'".into()),
        source: "runs:/0f/모델".into(),
        description: "\"첫\" 버전".into(),
        tags: vec![("t".into(), "old".into()), ("팀 'x'\0".into(), "\u{1F600}".into()), ("t".into(), "new".into())],
        created_by: "김민수".into(),
        at: Millis(at),
    }
}

/// The version that [`new`] makes.
fn made(number: u32, at: i64) -> ModelVersion {
    ModelVersion {
        version: v(number),
        run: Some("0f'".into()),
        source: "runs:/0f/모델".into(),
        stage: Stage::None,
        status: VersionStatus::Ready,
        status_message: String::new(),
        description: "\"첫\" 버전".into(),
        tags: BTreeMap::from([("t".into(), "new".into()), ("팀 'x'\0".into(), "\u{1F600}".into())]),
        created: Millis(at),
        updated: Millis(at),
        created_by: "김민수".into(),
    }
}

fn not_found<T: std::fmt::Debug>(result: Result<T>, says: &str) {
    let refused: Error = result.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::NotFound, "{refused}");
    assert!(refused.message.en.contains(says) && refused.message.ko.as_ref().unwrap().contains(says), "{refused:?}");
}

impl Models {
    async fn add(&self, model: &str, at: i64) -> u32 {
        self.models.add_version(&new(model, at)).await.unwrap().version.number()
    }
    async fn of(&self, model: &str) -> RegistryModel {
        self.other.one_model(&name(model)).await.unwrap()
    }
    async fn aliases(&self, model: &str) -> Vec<(String, u32)> {
        self.of(model).await.aliases.iter().map(|(a, v)| (a.to_string(), v.number())).collect()
    }
    async fn point(&self, model: &str, text: &str, version: Option<u32>) -> Result<()> {
        self.models.point_alias(&name(model), &alias(text), version.map(v)).await
    }
    async fn revision(&self) -> i64 {
        self.other.models_revision().await.unwrap()
    }
}

async fn a_new_registry_is_empty(s: &Models) {
    assert_eq!((s.models.all_models().await.unwrap(), s.revision().await), (vec![], 0));
    not_found(s.models.one_model(&name("검출기")).await, "검출기");
}

async fn a_version_comes_back_as_it_was_registered(s: &Models) {
    for (n, model) in NAMES.into_iter().enumerate() {
        let at = 10 * n as i64;
        assert_eq!(s.models.add_version(&new(model, at)).await.unwrap(), made(1, at));
        let second = NewVersion { run: None, tags: vec![], ..new(model, at + 5) };
        let second = s.other.add_version(&second).await.unwrap();
        assert_eq!(second, ModelVersion { run: None, tags: BTreeMap::new(), ..made(2, at + 5) });
        let expected = RegistryModel {
            name: name(model),
            description: String::new(),
            tags: BTreeMap::new(),
            created: Millis(at),
            updated: Millis(at + 5),
            aliases: BTreeMap::new(),
            versions: [made(1, at), second].map(|v| (v.version, Arc::new(v))).into(),
        };
        assert_eq!(s.of(model).await, expected);
    }
    let all = s.other.all_models().await.unwrap();
    let mut names = NAMES.map(name);
    names.sort();
    assert!(all.iter().map(|m| &m.name).eq(&names), "by name");
    for model in all {
        assert_eq!(s.of(model.name.as_str()).await, model);
    }
    // Text of others: Postgres keeps no character zero.
    let odd = NewVersion { source: "a\0b".into(), description: "\0".into(), ..new("a", 1) };
    let kept = s.models.add_version(&odd).await.unwrap();
    assert_eq!((&*kept.source, &*kept.description), ("a\u{fffd}b", "\u{fffd}"));
    assert_eq!(**s.of("a").await.version(v(1)).unwrap(), kept);
}

async fn versions_registered_at_once_get_consecutive_numbers(s: &Models) {
    let writers = (0..32).map(|n| {
        let models = if n % 2 == 0 { s.models.clone() } else { s.other.clone() };
        let model = if n % 4 == 3 { "b" } else { "a" };
        tokio::spawn(async move { (model, models.add_version(&new(model, n)).await.unwrap().version.number()) })
    });
    let mut given: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for done in join_all(writers).await {
        let (model, number) = done.unwrap();
        assert!(given.entry(model).or_default().insert(number), "{number} of {model} was given twice");
    }
    assert!(given["a"].iter().copied().eq(1..=24) && given["b"].iter().copied().eq(1..=8), "{given:?}");
    assert!(s.of("a").await.versions.keys().map(|v| v.number()).eq(1..=24));
    assert_eq!(s.revision().await, 32);
}

async fn the_number_of_a_deleted_version_is_not_given_again(s: &Models) {
    for _ in 0..3 {
        s.add("a", 1).await;
    }
    for number in [3, 1] {
        s.models.delete_version(&name("a"), v(number)).await.unwrap();
    }
    assert_eq!(s.add("a", 1).await, 4);
    assert!(s.of("a").await.versions.keys().map(|v| v.number()).eq([2, 4]));
    for number in [2, 4] {
        s.models.delete_version(&name("a"), v(number)).await.unwrap();
    }
    assert!(s.of("a").await.versions.is_empty(), "the model stays");
    assert_eq!(s.add("a", 1).await, 5);
}

async fn an_alias_leads_to_one_version_and_moves(s: &Models) {
    for model in ["a", "b", "a"] {
        s.add(model, 1).await;
    }
    for (model, text, version) in
        [("a", "champion", 1), ("a", "Champion", 1), ("a", "챔피언", 2), ("a", "champion", 2), ("b", "champion", 1)]
    {
        s.point(model, text, Some(version)).await.unwrap();
    }
    let pairs = |all: &[(&str, u32)]| all.iter().map(|(a, n)| ((*a).to_owned(), *n)).collect::<Vec<_>>();
    assert_eq!(s.aliases("a").await, pairs(&[("Champion", 1), ("champion", 2), ("챔피언", 2)]));
    s.point("a", "champion", None).await.unwrap();
    s.point("a", "unknown", None).await.unwrap();
    assert_eq!(s.aliases("a").await, pairs(&[("Champion", 1), ("챔피언", 2)]));
    assert_eq!(s.aliases("b").await, pairs(&[("champion", 1)]));
    let all = s.other.all_models().await.unwrap();
    assert_eq!((all[0].aliases.len(), all[1].champion()), (2, Some(v(1))));
}

async fn an_alias_leads_to_no_version_that_is_missing(s: &Models) {
    s.add("a", 1).await;
    s.add("b", 1).await;
    s.add("b", 1).await;
    s.point("a", "champion", Some(1)).await.unwrap();
    not_found(s.point("a", "champion", Some(2)).await, "2");
    not_found(s.point("없음", "champion", Some(1)).await, "없음");
    assert_eq!(s.aliases("a").await, [("champion".to_owned(), 1)], "it leads where it led");
    s.models.delete_version(&name("b"), v(2)).await.unwrap();
    not_found(s.point("b", "champion", Some(2)).await, "2");
}

async fn deletion_takes_its_aliases_along_and_no_other(s: &Models) {
    for model in ["a", "a", "b", "b"] {
        s.add(model, 1).await;
    }
    for (model, text, version) in [("a", "champion", 2), ("a", "other", 2), ("a", "rollback", 1), ("b", "champion", 2)]
    {
        s.point(model, text, Some(version)).await.unwrap();
    }
    s.other.delete_version(&name("a"), v(2)).await.unwrap();
    assert_eq!(s.aliases("a").await, [("rollback".to_owned(), 1)]);
    assert_eq!(s.aliases("b").await, [("champion".to_owned(), 2)]);
    // A new version has none of them.
    s.add("a", 1).await;
    assert_eq!(s.aliases("a").await, [("rollback".to_owned(), 1)]);
}

async fn a_deleted_model_is_gone_with_its_versions_and_no_other(s: &Models) {
    for model in ["a", "a", "b"] {
        s.add(model, 1).await;
    }
    s.point("a", "champion", Some(2)).await.unwrap();
    s.point("b", "champion", Some(1)).await.unwrap();
    s.other.delete_model(&name("a")).await.unwrap();
    let left: Vec<String> = s.models.all_models().await.unwrap().iter().map(|m| m.name.to_string()).collect();
    assert_eq!((left, s.aliases("b").await), (vec!["b".to_owned()], vec![("champion".to_owned(), 1)]));
    assert_eq!(s.models.delete_model(&name("a")).await.unwrap_err().kind, ErrorKind::NotFound);
    // One of its name begins anew.
    assert_eq!(s.add("a", 2).await, 1);
    assert_eq!(s.aliases("a").await, []);
}

async fn one_version_moves_to_a_stage(s: &Models) {
    for at in 1..=4 {
        s.add("a", at).await;
    }
    for (number, stage) in (1..).zip(Stage::ALL) {
        s.models.move_to_stage(&name("a"), v(number), stage, Millis(9)).await.unwrap();
    }
    s.models.move_to_stage(&name("a"), v(2), Stage::Production, Millis(11)).await.unwrap();
    let model = s.of("a").await;
    let stages: Vec<(Stage, i64)> = model.versions.values().map(|v| (v.stage, v.updated.0)).collect();
    assert_eq!(stages, [(Stage::None, 9), (Stage::Production, 11), (Stage::Production, 9), (Stage::Archived, 9)]);
    assert!(model.versions.values().map(|v| v.created.0).eq(1..=4));
}

async fn tags_set_at_once_are_all_kept(s: &Models) {
    s.add("a", 1).await;
    s.add("a", 1).await;
    let writers = (0..16).map(|n| {
        let models = if n % 2 == 0 { s.models.clone() } else { s.other.clone() };
        async move { models.tag_version(&name("a"), v(2), &format!("키 {n}\0"), &format!("\"{n}\"")).await.unwrap() }
    });
    join_all(writers).await;
    s.models.tag_version(&name("a"), v(2), "t", "").await.unwrap();
    let model = s.of("a").await;
    let mut expected = made(1, 1).tags;
    assert_eq!(model.version(v(1)).unwrap().tags, expected);
    expected.insert("t".into(), String::new());
    expected.extend((0..16).map(|n| (format!("키 {n}\0"), format!("\"{n}\""))));
    assert_eq!(model.version(v(2)).unwrap().tags, expected);
}

async fn a_description_is_replaced(s: &Models) {
    s.add("a", 1).await;
    s.add("a", 1).await;
    s.models.describe_version(&name("a"), v(2), "새 설명\0 '\"", Millis(5)).await.unwrap();
    let model = s.of("a").await;
    let second = model.version(v(2)).unwrap();
    assert_eq!((&*second.description, second.updated), ("새 설명\u{fffd} '\"", Millis(5)));
    assert_eq!(**model.version(v(1)).unwrap(), made(1, 1));
}

async fn what_is_missing_is_not_found(s: &Models) {
    s.add("a", 1).await;
    let before = s.revision().await;
    for (model, number, says) in [("a", 2, "2"), ("없음 'x'", 1, "없음 'x'")] {
        let (model, version) = (name(model), v(number));
        not_found(s.models.move_to_stage(&model, version, Stage::Staging, Millis(9)).await, says);
        not_found(s.models.tag_version(&model, version, "k", "v").await, says);
        not_found(s.models.describe_version(&model, version, "d", Millis(9)).await, says);
        not_found(s.models.delete_version(&model, version).await, says);
        not_found(s.models.point_alias(&model, &Alias::champion(), Some(version)).await, says);
    }
    not_found(s.point("없음 'x'", "champion", None).await, "없음 'x'");
    assert_eq!((s.revision().await, s.of("a").await.updated), (before, Millis(1)));
}

async fn the_revision_moves_with_every_change_and_with_nothing_else(s: &Models) {
    let a = name("a");
    let mut seen = s.revision().await;
    for step in 0..8 {
        match step {
            0 | 1 => drop(s.add("a", step).await),
            2 => s.point("a", "champion", Some(1)).await.unwrap(),
            3 => s.models.move_to_stage(&a, v(1), Stage::Staging, Millis(9)).await.unwrap(),
            4 => s.models.tag_version(&a, v(1), "k", "v").await.unwrap(),
            5 => s.models.describe_version(&a, v(1), "d", Millis(9)).await.unwrap(),
            6 => s.point("a", "champion", None).await.unwrap(),
            _ => s.models.delete_version(&a, v(1)).await.unwrap(),
        }
        let now = s.revision().await;
        assert_eq!(now, seen + 1, "step {step}");
        seen = now;
    }
    s.point("a", "champion", None).await.unwrap();
    drop((s.of("a").await, s.other.all_models().await.unwrap()));
    assert_eq!(s.revision().await, seen);
}

async fn the_last_change_of_a_model_moves_where_the_clock_does_not(s: &Models) {
    let a = name("a");
    let mut seen = vec![];
    for step in 0..5 {
        match step {
            0..=2 => drop(s.add("a", if step == 2 { 3 } else { 7 }).await),
            3 => s.models.move_to_stage(&a, v(1), Stage::Staging, Millis(7)).await.unwrap(),
            _ => s.models.delete_version(&a, v(1)).await.unwrap(),
        }
        seen.push(s.of("a").await.updated.0);
    }
    assert_eq!(seen, [7, 8, 9, 10, 11]);
    s.models.tag_version(&a, v(2), "k", "v").await.unwrap();
    s.point("a", "champion", Some(2)).await.unwrap();
    assert_eq!(s.of("a").await.updated, Millis(11));
    s.add("a", 100).await;
    assert_eq!(s.of("a").await.updated, Millis(100));
}

async fn a_model_that_cannot_be_read_is_not_taken_for_deleted(s: &Models) {
    for model in ["검출기", "b"] {
        s.add(model, 1).await;
    }
    let mut raw = Raw::of(&s.dir).await;
    raw.execute("UPDATE model_version SET stage = 'Later' WHERE model = '검출기'").await;
    for refused in [s.models.all_models().await.unwrap_err(), s.models.one_model(&name("검출기")).await.unwrap_err()]
    {
        assert_eq!(refused.kind, ErrorKind::Internal);
        assert!(refused.message.en.contains("검출기") && refused.message.ko.is_some(), "{refused:?}");
    }
    assert_eq!(s.of("b").await.versions.len(), 1);
    raw.execute("UPDATE model_version SET stage = 'None', status = 'later'").await;
    assert!(s.models.all_models().await.is_err());
    raw.execute("UPDATE model_version SET status = 'ready', tags = '[]'").await;
    assert!(s.models.all_models().await.is_err());
}

#[derive(Debug, Clone)]
enum Step {
    Add(usize),
    /// Model, alias, version.
    Point(usize, usize, Option<u32>),
    Stage(usize, u32, usize),
    Tag(usize, u32, u8),
    Describe(usize, u32, u8),
    Delete(usize, u32),
}

const ALIASES: [&str; 3] = ["champion", "Champion", "챔피언"];

fn step() -> impl Strategy<Value = Step> {
    let (model, version) = (0..3_usize, 1..6_u32);
    prop_oneof![
        3 => model.clone().prop_map(Step::Add),
        3 => (model.clone(), 0..ALIASES.len(), prop::option::weighted(0.8, version.clone()))
            .prop_map(|(m, a, v)| Step::Point(m, a, v)),
        1 => (model.clone(), version.clone(), 0..4_usize).prop_map(|(m, v, s)| Step::Stage(m, v, s)),
        1 => (model.clone(), version.clone(), any::<u8>()).prop_map(|(m, v, t)| Step::Tag(m, v, t)),
        1 => (model.clone(), version.clone(), any::<u8>()).prop_map(|(m, v, t)| Step::Describe(m, v, t)),
        1 => (model, version).prop_map(|(m, v)| Step::Delete(m, v)),
    ]
}

/// What the registry should be, worked out in memory.
#[derive(Default)]
struct Reference {
    models: BTreeMap<ModelName, (u32, RegistryModel)>,
}

impl Reference {
    fn version(&mut self, model: usize, number: u32) -> Option<&mut ModelVersion> {
        let (_, model) = self.models.get_mut(&name(NAMES[model]))?;
        model.versions.get_mut(&v(number)).map(Arc::make_mut)
    }

    /// The moment of a model's last change moves.
    fn touch(&mut self, model: usize, at: i64) {
        if let Some((_, model)) = self.models.get_mut(&name(NAMES[model])) {
            model.updated = Millis(at.max(model.updated.0 + 1));
        }
    }

    /// Does it; false when it cannot be done.
    fn take(&mut self, step: &Step, at: i64) -> bool {
        match *step {
            Step::Add(n) => {
                self.touch(n, at);
                let empty = RegistryModel {
                    name: name(NAMES[n]),
                    description: String::new(),
                    tags: BTreeMap::new(),
                    created: Millis(at),
                    updated: Millis(at),
                    aliases: BTreeMap::new(),
                    versions: BTreeMap::new(),
                };
                let (last, model) = self.models.entry(name(NAMES[n])).or_insert((0, empty));
                *last += 1;
                model.versions.insert(v(*last), Arc::new(made(*last, at)));
            }
            Step::Point(n, to, None) => match self.models.get_mut(&name(NAMES[n])) {
                Some((_, model)) => {
                    model.aliases.remove(ALIASES[to]);
                }
                None => return false,
            },
            Step::Point(n, _, Some(number))
            | Step::Stage(n, number, _)
            | Step::Tag(n, number, _)
            | Step::Describe(n, number, _)
            | Step::Delete(n, number)
                if self.version(n, number).is_none() =>
            {
                return false;
            }
            Step::Point(n, from, Some(number)) => {
                if let Some((_, model)) = self.models.get_mut(&name(NAMES[n])) {
                    model.aliases.insert(alias(ALIASES[from]), v(number));
                }
            }
            Step::Stage(n, number, stage) => {
                if let Some(version) = self.version(n, number) {
                    (version.stage, version.updated) = (Stage::ALL[stage], Millis(at));
                }
                self.touch(n, at);
            }
            Step::Tag(n, number, value) => {
                if let Some(version) = self.version(n, number) {
                    version.tags.insert((value % 4).to_string(), value.to_string());
                }
            }
            Step::Describe(n, number, text) => {
                if let Some(version) = self.version(n, number) {
                    (version.description, version.updated) = (text.to_string(), Millis(at));
                }
            }
            Step::Delete(n, number) => {
                if let Some((_, model)) = self.models.get_mut(&name(NAMES[n])) {
                    model.versions.remove(&v(number));
                    model.aliases.retain(|_, to| *to != v(number));
                }
                self.touch(n, i64::MIN);
            }
        }
        true
    }
}

async fn done(models: &dyn EmbeddedModels, step: &Step, at: i64) -> Result<()> {
    let at = Millis(at);
    match *step {
        Step::Add(n) => models.add_version(&new(NAMES[n], at.0)).await.map(drop),
        Step::Point(n, alias, to) => models.point_alias(&name(NAMES[n]), &self::alias(ALIASES[alias]), to.map(v)).await,
        Step::Stage(n, number, stage) => models.move_to_stage(&name(NAMES[n]), v(number), Stage::ALL[stage], at).await,
        Step::Tag(n, number, value) => {
            models.tag_version(&name(NAMES[n]), v(number), &(value % 4).to_string(), &value.to_string()).await
        }
        Step::Describe(n, number, text) => {
            models.describe_version(&name(NAMES[n]), v(number), &text.to_string(), at).await
        }
        Step::Delete(n, number) => models.delete_version(&name(NAMES[n]), v(number)).await,
    }
}

/// Whatever is done in whatever order, all models are as a reference says.
async fn play(s: &Models, steps: &[(Step, i64)]) -> std::result::Result<(), TestCaseError> {
    let mut reference = Reference::default();
    for (step, at) in steps {
        let expected = reference.take(step, *at);
        let found = done(&*s.models, step, *at).await;
        prop_assert_eq!(found.is_ok(), expected, "{:?} {:?}", step, found);
        let models: Vec<RegistryModel> = reference.models.values().map(|(_, m)| m.clone()).collect();
        prop_assert_eq!(s.other.all_models().await.unwrap(), models, "{:?}", step);
    }
    Ok(())
}

fn random_changes<F: Future<Output = Models>>(open: impl Fn() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config =
        Config { cases: 8 * soak::times(), max_shrink_iters: 40, source_file: Some(file!()), ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec((step(), 0_i64..50), 1..40), |steps| {
            runtime.block_on(async { play(&open().await, &steps).await })
        })
        .unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn random_changes_agree_with_a_reference_on_sqlite() {
    random_changes(sqlite);
}

#[test]
fn random_changes_agree_with_a_reference_on_postgres() {
    random_changes(postgres);
}
