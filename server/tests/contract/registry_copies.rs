//! The contract of [`RegistryCopies`]: what was copied comes back whole, and one source has the place.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    ports::RegistryCopies,
    registry::{Alias, ModelName, ModelVersion, RegistryModel, Stage, Version, VersionStatus},
    time::Millis,
};
use futures::future::join_all;

use crate::{databases::Raw, support::LakeDir};

/// A copy, and a second handle on the same database.
pub struct Copies {
    copies: Arc<dyn RegistryCopies>,
    other: Arc<dyn RegistryCopies>,
    dir: LakeDir,
}

async fn copies(dir: LakeDir) -> Copies {
    Copies { copies: dir.store().await, other: dir.store().await, dir }
}

async fn sqlite() -> Copies {
    copies(crate::support::on_sqlite().await).await
}

async fn postgres() -> Copies {
    copies(crate::support::on_postgres().await).await
}

suite!([on_sqlite = super::sqlite, on_postgres = super::postgres] [
    a_registry_that_was_never_copied_has_nothing,
    models_come_back_as_they_were_copied,
    models_are_replaced_and_removed_by_name,
    a_change_of_nothing_moves_the_age,
    another_source_forgets_the_former_and_says_so,
    many_models_are_kept_at_once,
    processes_that_save_at_once_lose_nothing,
    a_model_that_cannot_be_read_hides_no_other,
]);

pub const SOURCE: &str = "http://mlflow:5000";

pub fn model(name: &str, description: &str) -> Arc<RegistryModel> {
    let version = |number| ModelVersion {
        version: Version::new(number).unwrap(),
        run: (number > 1).then(|| "0f".into()),
        source: "runs:/0f/model 'x'".into(),
        stage: Stage::ALL[number as usize % 4],
        status: [VersionStatus::Ready, VersionStatus::Pending, VersionStatus::Failed][number as usize % 3],
        status_message: "김 \u{202E}<script>\0".into(),
        description: "비율 ".repeat(500),
        tags: BTreeMap::from([("t \0".into(), "\u{1F600}".into())]),
        created: Millis(-1),
        updated: Millis(i64::MAX),
        created_by: String::new(),
    };
    let versions: Vec<ModelVersion> = [1, 2, 3, u32::MAX].map(version).into();
    Arc::new(RegistryModel {
        name: ModelName::parse(name).unwrap(),
        description: description.into(),
        tags: BTreeMap::from([("팀".into(), "a\"b".into())]),
        created: Millis(1),
        updated: Millis(2),
        aliases: BTreeMap::from([
            (Alias::champion(), versions[3].version),
            (Alias::parse("챔피언").unwrap(), versions[0].version),
        ]),
        versions: versions.into_iter().map(|v| (v.version, Arc::new(v))).collect(),
    })
}

fn name(text: &str) -> ModelName {
    ModelName::parse(text).unwrap()
}

impl Copies {
    async fn save(&self, source: &str, changed: &[Arc<RegistryModel>], gone: &[ModelName], as_of: i64) -> bool {
        self.copies.save_models(source, changed, gone, Millis(as_of)).await.unwrap()
    }
    /// Names and descriptions, and of when they are.
    async fn kept(&self, source: &str) -> (Vec<(String, String)>, Option<i64>) {
        let (models, as_of) = self.other.load_models(source).await.unwrap();
        (models.into_iter().map(|m| (m.name.to_string(), m.description)).collect(), as_of.map(|m| m.0))
    }
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(name, description)| ((*name).to_owned(), (*description).to_owned())).collect()
}

async fn a_registry_that_was_never_copied_has_nothing(s: &Copies) {
    assert_eq!(s.copies.load_models(SOURCE).await.unwrap(), (vec![], None));
}

async fn models_come_back_as_they_were_copied(s: &Copies) {
    let all = [model("검출기 'x';-- \"y\"", "d"), model("a b", "")];
    assert!(!s.save(SOURCE, &all, &[], 9).await, "there was none before");
    let found = s.other.load_models(SOURCE).await.unwrap();
    assert_eq!(found, (vec![(*all[1]).clone(), (*all[0]).clone()], Some(Millis(9))));
}

async fn models_are_replaced_and_removed_by_name(s: &Copies) {
    s.save(SOURCE, &[model("a", "old"), model("b", "b"), model("c", "c")], &[], 1).await;
    let changed = [model("a", "new"), model("d", "first"), model("d", "last")];
    assert!(s.save(SOURCE, &changed, &[name("b"), name("unknown")], 2).await);
    assert_eq!(s.kept(SOURCE).await, (pairs(&[("a", "new"), ("c", "c"), ("d", "last")]), Some(2)));
    assert!(s.save(SOURCE, &[], &[name("a"), name("c"), name("d")], 3).await);
    assert_eq!(s.kept(SOURCE).await, (vec![], Some(3)), "a registry may be empty");
}

async fn a_change_of_nothing_moves_the_age(s: &Copies) {
    s.save(SOURCE, &[model("a", "a")], &[], 1).await;
    assert!(s.save(SOURCE, &[], &[], 7).await);
    assert_eq!(s.kept(SOURCE).await, (pairs(&[("a", "a")]), Some(7)));
}

async fn another_source_forgets_the_former_and_says_so(s: &Copies) {
    s.save(SOURCE, &[model("a", "a"), model("b", "b")], &[], 1).await;
    let elsewhere = "http://mlflow:5001";
    assert!(!s.save(elsewhere, &[model("b", "other")], &[], 2).await);
    assert_eq!(s.kept(elsewhere).await, (pairs(&[("b", "other")]), Some(2)));
    assert_eq!(s.kept(SOURCE).await, (vec![], None));
    // Whoever copies the first one learns that what it saved before is gone.
    assert!(!s.save(SOURCE, &[model("c", "c")], &[], 3).await);
    assert_eq!(s.kept(SOURCE).await, (pairs(&[("c", "c")]), Some(3)));
    assert_eq!(s.kept(elsewhere).await, (vec![], None));
}

async fn many_models_are_kept_at_once(s: &Copies) {
    let all: Vec<Arc<RegistryModel>> = (0..1_203).map(|n| model(&format!("m{n:05}"), "same")).collect();
    s.save(SOURCE, &all, &[], 1).await;
    let (found, _) = s.other.load_models(SOURCE).await.unwrap();
    assert!(found.iter().eq(all.iter().map(|m| &**m)));
}

async fn processes_that_save_at_once_lose_nothing(s: &Copies) {
    s.save(SOURCE, &[], &[], 1).await;
    let saves = (0..8).map(|n| {
        let copies = if n % 2 == 0 { &s.copies } else { &s.other };
        let shared = (0..20).map(|m| model(&format!("shared{:02}", (m + n) % 20), "shared"));
        let all: Vec<Arc<RegistryModel>> = std::iter::once(model(&format!("own{n}"), "own")).chain(shared).collect();
        async move { copies.save_models(SOURCE, &all, &[], Millis(2)).await.unwrap() }
    });
    assert!(join_all(saves).await.iter().all(|there| *there));
    assert_eq!(s.kept(SOURCE).await.0.len(), 28);
}

async fn a_model_that_cannot_be_read_hides_no_other(s: &Copies) {
    s.save(SOURCE, &[model("a", "a"), model("b", "b")], &[], 1).await;
    let mut raw = Raw::of(&s.dir).await;
    let broken = match &raw {
        Raw::Sqlite(_) => "UPDATE registry_copy_model SET body = x'00' WHERE name = 'a'",
        Raw::Postgres(_) => "UPDATE registry_copy_model SET body = '\\x00' WHERE name = 'a'",
    };
    raw.execute(broken).await;
    assert_eq!(s.kept(SOURCE).await, (pairs(&[("b", "b")]), Some(1)));
}
