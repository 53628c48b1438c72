//! Every step of a promotion, a rollback and a promotion to staging, killed before and behind it: what a kill leaves is brought to an end by whoever
//! comes next, and then it was done or it was not.

use std::{
    fmt::Write as _,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use domain::{
    ports::{EmbeddedModels, EventsQuery, KeptOperation, NewVersion},
    registry::{Alias, EventAct, ModelName, OperationKind, OutcomeKind, RegistryModel, Stage, Version},
    time::Millis,
};
use usecases::models::{Attempt, PromotionInput};

use crate::{
    mlflow::MlflowProcess,
    postgres::Database,
    process::Folder,
    promotion_asks::{OVER_POSTGRES, OVER_SQLITE, fill_mlflow},
    promotion_child::{ChildRan, Job, Opened, Place, What, When},
    soak,
};

const ALL: [(What, &str); 3] = [(What::Promote, "promotion"), (What::RollBack, "rollback"), (What::Stage, "staging")];
/// Children that run at once.
const AT_ONCE: usize = 3;

fn v(number: u32) -> Version {
    Version::new(number).unwrap()
}

fn alias(text: &str) -> Alias {
    Alias::parse(text).unwrap()
}

/// One line of the table.
#[derive(Debug, Clone)]
struct Case {
    what: What,
    name: &'static str,
    model: String,
    step: u32,
    call: String,
    when: When,
}

async fn add(store: &dyn EmbeddedModels, model: &str, versions: u32) {
    for _ in 0..versions {
        let new = NewVersion {
            model: ModelName::parse(model).unwrap(),
            run: None,
            source: "s3://models/m".into(),
            description: String::new(),
            tags: vec![],
            created_by: "tester".into(),
            at: Millis(crate::fleet::now()),
        };
        store.add_version(&new).await.unwrap();
    }
}

async fn promote(opened: &Opened, model: &str, version: &str, expected: Option<&str>) {
    let input = PromotionInput {
        version: version.into(),
        to: "production".into(),
        expected: expected.map(str::to_owned),
        reason: "before".into(),
        ..PromotionInput::default()
    };
    let done = opened.models.promote(model, &input).await.unwrap();
    let Attempt::Done(done) = done else { panic!("{done:?}") };
    assert_eq!(done.outcome.as_ref().unwrap().kind, OutcomeKind::Applied, "{done:?}");
}

/// Champion 2, rollback 1, challenger 3, and 4 in Staging.
async fn prepare(opened: &Opened, place: &Place, models: &[String]) {
    for model in models {
        match &place.mlflow {
            Some(address) => fill_mlflow(address, model, 4).await,
            None => add(&*opened.store, model, 4).await,
        }
        let name = ModelName::parse(model).unwrap();
        let registry = &opened.registry;
        registry.set_alias(&name, &Alias::champion(), v(1)).await.unwrap();
        registry.set_stage(&name, v(1), Stage::Production).await.unwrap();
        registry.set_stage(&name, v(4), Stage::Staging).await.unwrap();
        registry.set_alias(&name, &Alias::challenger(), v(3)).await.unwrap();
    }
    opened.copy.refresh_for_command().await.unwrap();
    for model in models {
        promote(opened, model, "2", Some("1")).await;
    }
}

/// Aliases and stages, as a line.
fn shape(model: &RegistryModel) -> String {
    let mut text = String::new();
    for (alias, version) in &model.aliases {
        write!(text, "{alias}={version} ").unwrap();
    }
    for (version, stage) in model.versions.iter().map(|(n, v)| (n, v.stage)).filter(|(_, s)| *s != Stage::None) {
        write!(text, "{version}={stage} ").unwrap();
    }
    text
}

const BEFORE: &str = "challenger=3 champion=2 rollback=1 1=Archived 2=Production 4=Staging ";

fn applied(what: What) -> &'static str {
    match what {
        What::Promote => "champion=3 rollback=2 1=Archived 2=Archived 3=Production 4=Staging ",
        What::RollBack => "challenger=3 champion=1 1=Production 2=Archived 4=Staging ",
        What::Stage => "challenger=3 champion=2 rollback=1 1=Archived 2=Production 3=Staging 4=Archived ",
    }
}

/// Runs jobs, a few at once.
async fn run(jobs: Vec<Job>) -> Vec<ChildRan> {
    let binary: Arc<PathBuf> = Arc::new(std::env::current_exe().unwrap());
    let (count, left) = (jobs.len(), Arc::new(Mutex::new(jobs.into_iter().enumerate().collect::<Vec<_>>())));
    let workers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (left, binary) = (left.clone(), binary.clone());
            tokio::task::spawn_blocking(move || {
                let mut ran = vec![];
                loop {
                    let Some((i, job)) = left.lock().unwrap().pop() else { return ran };
                    ran.push((i, job.run(&binary)));
                }
            })
        })
        .collect();
    let mut all = vec![];
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    all.sort_by_key(|(i, _)| *i);
    assert_eq!(all.len(), count);
    all.into_iter().map(|(_, ran)| ran).collect()
}

/// The operation that a child began, if it came so far.
fn begun_by(events: &[domain::registry::LoggedEvent], model: &str, what: What) -> usize {
    let kind = match what {
        What::Promote => OperationKind::Promote(domain::registry::Target::Production),
        What::RollBack => OperationKind::RollBack,
        What::Stage => OperationKind::Promote(domain::registry::Target::Staging),
    };
    // The promotion of the preparation is one too.
    let prepared = usize::from(what == What::Promote);
    let begun =
        |e: &&domain::registry::LoggedEvent| e.event.model.as_str() == model && e.event.act == EventAct::Begun(kind);
    events.iter().filter(begun).count() - prepared
}

/// Kills a child at each step of each operation; of the cases those that `chosen` takes.
async fn walk(title: &str, place: &Place, chosen: impl Fn(usize) -> bool) {
    let unique = format!("{title}-{}", std::process::id());
    // How many steps there are is asked of children that live.
    let calm: Vec<Job> = ALL
        .map(|(what, name)| Job { place: place.clone(), model: format!("{unique} {name} calm"), what, killed: None })
        .into();
    let opened = Opened::at(place, None).await;
    prepare(&opened, place, &calm.iter().map(|j| j.model.clone()).collect::<Vec<_>>()).await;
    let lived = run(calm.clone()).await;
    let mut cases = vec![];
    for ((what, name), ran) in ALL.into_iter().zip(&lived) {
        assert!(ran.success, "{}", ran.said);
        for (call, step) in ran.calls.iter().zip(1..) {
            for when in [When::Before, When::Behind] {
                let model = format!("{unique} {name} {step} {when:?}");
                cases.push(Case { what, name, model, step, call: call.clone(), when });
            }
        }
    }
    let all = cases.len();
    let cases: Vec<Case> = cases.into_iter().enumerate().filter(|(i, _)| chosen(*i)).map(|(_, c)| c).collect();
    prepare(&opened, place, &cases.iter().map(|c| c.model.clone()).collect::<Vec<_>>()).await;
    opened.store.close().await;
    let jobs = cases.iter().map(|c| Job {
        place: place.clone(),
        model: c.model.clone(),
        what: c.what,
        killed: Some((c.step, c.when)),
    });
    let killed = run(jobs.collect()).await;

    // Who comes next.
    let opened = Opened::at(place, None).await;
    let left = opened.store.pending_operations().await.unwrap().len();
    opened.models.follow().await.unwrap();
    assert_eq!(opened.store.pending_operations().await.unwrap(), Vec::<KeptOperation>::new());
    let events = opened.store.events(&EventsQuery::default()).await.unwrap();
    let mut table = format!("{title}: {} of {all} cases, {left} were left pending\n", cases.len());
    for (case, ran) in cases.iter().zip(&killed) {
        let at = format!("{title}, {} killed {:?} step {} ({})", case.name, case.when, case.step, case.call);
        assert_eq!(ran.signal, Some(9), "{at}: {}", ran.said);
        assert_eq!(ran.calls.len(), case.step as usize, "{at}: {}", ran.said);
        let name = ModelName::parse(&case.model).unwrap();
        let now = opened.registry.model(&name).await.unwrap();
        let mine: Vec<_> = events.iter().filter(|e| e.event.model == name).collect();
        let last = &mine.last().unwrap().event;
        let outcome = match (begun_by(&events, &case.model, case.what), &last.act) {
            (0, _) => "not begun",
            (1, EventAct::Ended(_, outcome)) => outcome.as_str(),
            (n, act) => panic!("{at}: begun {n} times, and at last {act:?}"),
        };
        let expected = if outcome == "applied" { applied(case.what) } else { BEFORE };
        assert!(["not begun", "not_applied", "applied"].contains(&outcome), "{at}: {outcome}");
        assert_eq!(shape(&now), expected, "{at}: {outcome}");
        assert_eq!(last.after.as_ref(), Some(&now.standing()), "{at}: {outcome}");
        assert!(mine.iter().all(|e| e.event.act != EventAct::ChangedOutside), "{at}: {mine:?}");
        assert_eq!(now.in_stage(Stage::Production).count(), 1, "{at}");
        writeln!(
            table,
            "{:<9} {:>2} {:<24} {:<6} → {outcome}",
            case.name,
            case.step,
            case.call,
            format!("{:?}", case.when).to_lowercase()
        )
        .unwrap();
    }
    // What is behind what decides, and only that, is applied.
    println!("{table}");
    for case in &cases {
        let champion = opened.models.model(&case.model).unwrap().champion().unwrap();
        promote(&opened, &case.model, "4", Some(&champion.to_string())).await;
        let now = opened.registry.model(&ModelName::parse(&case.model).unwrap()).await.unwrap();
        assert_eq!(now.champion(), Some(v(4)));
        assert_eq!(now.alias("rollback"), Some(champion));
        assert_eq!(now.in_stage(Stage::Production).collect::<Vec<_>>(), [v(4)]);
        assert_eq!(now.aliases.get(&alias("champion")), Some(&v(4)));
    }
    let report = opened.models.verify().await.unwrap();
    assert_eq!((report.broken.clone(), report.right), (None, opened.store.last_event().await.unwrap()), "{report:?}");
    opened.store.close().await;
}

fn place(folder: &Folder, mlflow: Option<&MlflowProcess>) -> Place {
    Place {
        data: folder.data(),
        database: folder.postgres.as_ref().map(Database::url),
        mlflow: mlflow.map(|m| m.address.clone()),
    }
}

/// In CI a quarter of the cases is walked on each, another one with the seed of each commit; all of them in long runs.
fn on(turn: usize) -> impl Fn(usize) -> bool {
    let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0_u64);
    let all = soak::times() > 1;
    move |i| all || soak::random(seed ^ (i as u64)) as usize % 4 == turn
}

#[tokio::test]
async fn a_kill_at_each_step_on_our_own_registry_in_sqlite_leaves_it_done_or_not_done() {
    walk("embedded on SQLite", &place(&Folder::new(), None), |_| true).await;
}

#[tokio::test]
async fn a_kill_at_each_step_on_our_own_registry_in_postgres_leaves_it_done_or_not_done() {
    let folder = Folder::with(Database::durable());
    walk("embedded on Postgres", &place(&folder, None), |_| true).await;
}

#[tokio::test]
async fn a_kill_at_each_step_on_mlflow_over_sqlite_leaves_it_done_or_not_done() {
    let folder = Folder::new();
    walk("MLflow over SQLite", &place(&folder, Some(&OVER_SQLITE)), on(0)).await;
}

#[tokio::test]
async fn a_kill_at_each_step_on_mlflow_over_postgres_leaves_it_done_or_not_done() {
    let folder = Folder::with(Database::durable());
    walk("MLflow over Postgres", &place(&folder, Some(&OVER_POSTGRES)), on(1)).await;
}
