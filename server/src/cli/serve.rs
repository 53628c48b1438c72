//! `guardianflow serve`: pages, REST and jobs in one process, until it is to stop.

use std::{io::ErrorKind, net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use domain::{Error, Result, error::Sentence};
use tokio_util::sync::CancellationToken;

use super::{output::print, sentences};
use crate::{
    auth::AnonymousAccess,
    config::Settings,
    declarations::{self, DeclarationFiles},
    demo::{self, Demo},
    http,
    ingest::{Ingest, watched_folder::FolderWatch},
    jobs::{self, Readiness, Supervisor},
    startup,
};

/// How long requests may go on after the server was asked to stop.
const REQUEST_DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long jobs may go on after that with what they are at.
const JOB_STOP_TIMEOUT: Duration = Duration::from_secs(5);

pub async fn run(settings: Settings) -> Result<ExitCode> {
    settings.check()?;
    let written = Arc::new(DeclarationFiles::open(&settings, Arc::new(startup::SystemClock))?);
    let listener = tokio::net::TcpListener::bind(settings.serve.addr).await.map_err(|e| match e.kind() {
        ErrorKind::AddrInUse => Error::unavailable(Sentence::only_english(format!(
            "cannot serve on {}: another program uses this port; choose another with --addr or GF_ADDR",
            settings.serve.addr
        ))),
        ErrorKind::PermissionDenied => Error::unavailable(Sentence::only_english(format!(
            "cannot serve on {}: permission denied",
            settings.serve.addr
        ))),
        _ => Error::unavailable(Sentence::only_english(format!("cannot serve on {}: {e}", settings.serve.addr))),
    })?;
    let address = listener
        .local_addr()
        .map_err(|e| Error::internal(Sentence::only_english("the socket has no address")).with_detail(e))?;
    let was_empty = settings.data.is_empty();
    let parts = startup::open(&settings).await?;
    // Before anybody asks: the first page has the names already.
    parts.maintenance.declare(Arc::new(written.declared())).await?;
    if let Err(e) = parts.link_records().await {
        tracing::warn!(error = %e, detail = ?e.detail, "the kept copy of models cannot be read; trying again");
    }
    parts.maintenance.advance_clock().await;
    let mlruns = demo::mlruns_folder(&settings.data.folder);
    let demo = Demo {
        simulated: parts.simulated.clone(),
        clock: parts.clock.clone(),
        mlruns,
        registry: parts.demo_registry.clone(),
    };
    let readiness = Arc::new(Readiness::default());
    let stop = CancellationToken::new();
    let jobs = Supervisor::new(stop.clone());
    start_jobs(&jobs, &settings, was_empty, &parts, &written, demo, &readiness).await?;
    let state = http::AppState::new(
        &settings,
        address,
        &parts,
        written,
        Arc::clone(&readiness),
        jobs.job_board(),
        stop.clone(),
    );
    state.authenticator.follow().await?;
    let anonymous_access = state.authenticator.anonymous_access();
    let authenticator = Arc::clone(&state.authenticator);
    let title = sentences::follow_access();
    jobs.add("access", title, move |job| jobs::follow_access(Arc::clone(&authenticator), job));
    let evidence = parts.evidence.clone();
    jobs.add("looks", sentences::note_looks(), move |job| jobs::note_looks(evidence.clone(), job));
    let router = http::router(state).into_make_service_with_connect_info::<SocketAddr>();
    print(&format!("GuardianFlow is at http://{address}"))?;
    if was_empty && !settings.demo.on {
        print(&format!(
            "There are no records yet. Take some with `guardianflow ingest FILE --data {}`, or see a simulated fleet with `--demo 1` on an empty folder.",
            settings.data.folder.display()
        ))?;
    }
    match anonymous_access {
        AnonymousAccess::Nobody => {}
        AnonymousAccess::Viewer => tracing::warn!(
            "GF_HOSTS is set without GF_OPERATOR_TOKEN: everybody who reaches this server can read everything, and nobody can send records"
        ),
        AnonymousAccess::Local => print(
            "Whoever can connect from this machine is the operator: not behind a proxy. With one, set GF_OPERATOR_TOKEN and GF_HOSTS.",
        )?,
    }
    let told = stop.clone();
    tokio::spawn(async move {
        stop_signal().await;
        // Streams end on their own only when they hear of it, and jobs too.
        told.cancel();
    });
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        ended = served => ended.map_err(|e| Error::unavailable(Sentence::only_english("the server stopped")).with_detail(e))?,
        // Whoever does not read their answer does not keep us.
        () = async { stop.cancelled().await; tokio::time::sleep(REQUEST_DRAIN_TIMEOUT).await } => {}
    }
    jobs.stop(JOB_STOP_TIMEOUT).await;
    parts.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Each job by one line: its name for programs, what it does for people, and how it begins.
async fn start_jobs(
    jobs: &Supervisor,
    settings: &Settings,
    was_empty: bool,
    parts: &startup::AppServices,
    written: &Arc<DeclarationFiles>,
    demo: Demo,
    readiness: &Arc<Readiness>,
) -> Result<()> {
    let maintenance = Arc::clone(&parts.maintenance);
    let title = sentences::follow_manifest();
    jobs.add("manifest", title, move |job| jobs::follow_manifest(Arc::clone(&maintenance), job));
    let maintenance = Arc::clone(&parts.maintenance);
    let title = sentences::merge_files();
    jobs.add("merge", title, move |job| jobs::merge_files(Arc::clone(&maintenance), job));
    let maintenance = Arc::clone(&parts.maintenance);
    let title = sentences::heal_files();
    jobs.add("heal", title, move |job| jobs::retry_unreadable_files(Arc::clone(&maintenance), job));
    let (files, maintenance) = (Arc::clone(written), Arc::clone(&parts.maintenance));
    let title = sentences::follow_declared();
    jobs.add("declared", title, move |job| declarations::follow(Arc::clone(&files), Arc::clone(&maintenance), job));
    let registry = Arc::clone(&parts.registry);
    jobs.add("models", sentences::copy_models(), move |job| {
        let registry = Arc::clone(&registry);
        jobs::copy_models(async move { registry.run().await }, job)
    });
    let (models, maintenance) = (parts.models.clone(), Arc::clone(&parts.maintenance));
    let title = sentences::link_records();
    jobs.add("model_links", title, move |job| jobs::link_records(models.clone(), Arc::clone(&maintenance), job));
    let models = parts.models.clone();
    jobs.add("model_log", sentences::follow_models(), move |job| jobs::follow_models(models.clone(), job));
    let webhooks = parts.webhooks.clone();
    jobs.add("webhooks", sentences::send_webhooks(), move |job| jobs::send_webhooks(webhooks.clone(), job));
    if let Some(copy) = parts.tracking.clone() {
        let title = sentences::copy_tracking();
        jobs.add("tracking", title, move |job| {
            let copy = Arc::clone(&copy);
            jobs::copy_tracking(async move { copy.run().await }, job)
        });
        let (import, runs, files) = (parts.run_import.clone().of_copy(), parts.runs.clone(), Arc::clone(written));
        let title = sentences::import_runs();
        jobs.add("run_import", title, move |job| {
            let files = Arc::clone(&files);
            jobs::import_runs(import.clone(), runs.clone(), move || files.mappings().mlflow, job)
        });
    }
    if let Some(folder) = &settings.ingest.dir {
        let watch = FolderWatch {
            // Names in the ledger are whole paths, however the folder was given.
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
            ingest: Ingest {
                ingestion: parts.ingestion.clone(),
                sources: Arc::clone(&parts.sources),
                clock: Arc::clone(&parts.clock),
                tables: parts.tables,
                rejected: settings.data.folder.join("rejected"),
            },
            file_positions: Arc::clone(&parts.file_positions),
            lock: settings.data.folder.join("ingest-dir.lock"),
        };
        let title = sentences::take_folder();
        jobs.add("folder", title, move |job| watch.clone().run(job));
    }
    let epoch = match demo.simulated.epoch().await? {
        Some(epoch) => Some(epoch),
        None if settings.demo.on && was_empty => Some(demo.begin().await?),
        None if settings.demo.on => {
            tracing::info!("the data folder is not empty: the simulated fleet is not added");
            None
        }
        None => None,
    };
    match epoch.filter(|_| settings.demo.on) {
        Some(epoch) => {
            let readiness = Arc::clone(readiness);
            let title = sentences::grow_demo();
            jobs.add("demo", title, move |job| jobs::run_demo(demo.clone(), epoch, Arc::clone(&readiness), job));
        }
        None => readiness.set_ready(),
    }
    Ok(())
}

/// Waits for SIGINT or SIGTERM.
pub(super) async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
            return;
        }
    }
    let _ = interrupt.await;
}
