//! `guardianflow serve`: pages, REST and jobs in one process, until it is told to stop.

use std::{io::ErrorKind, net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use domain::{Error, Result};

use super::output::print;
use crate::{
    config::Settings,
    demo::Demo,
    http,
    ingest::{Ingest, tail::Watch},
    jobs, startup,
};

/// How long requests may go on after the server was told to stop.
const LAST_WORDS: Duration = Duration::from_secs(10);

pub async fn run(settings: Settings) -> Result<ExitCode> {
    settings.check_address()?;
    settings.check_ingest_dir()?;
    let listener = tokio::net::TcpListener::bind(settings.addr).await.map_err(|e| match e.kind() {
        ErrorKind::AddrInUse => Error::unavailable(format!(
            "cannot serve on {}: another program uses this port; choose another with --addr or GF_ADDR",
            settings.addr
        )),
        ErrorKind::PermissionDenied => {
            Error::unavailable(format!("cannot serve on {}: permission denied", settings.addr))
        }
        _ => Error::unavailable(format!("cannot serve on {}: {e}", settings.addr)),
    })?;
    let address = listener.local_addr().map_err(|e| Error::internal("the socket has no address").with_detail(e))?;
    let was_empty = settings.data_is_empty();
    let parts = startup::open(&settings).await?;
    let demo = Demo { sink: parts.sink.clone(), manifest: parts.manifest.clone(), clock: parts.clock.clone() };
    let readiness = Arc::new(jobs::Readiness::default());
    start_jobs(&settings, was_empty, &parts, demo, &readiness).await?;
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let state = http::State::new(&settings, address, &parts, Arc::clone(&readiness), stopping.clone());
    let router = http::router(state).into_make_service_with_connect_info::<SocketAddr>();
    print(&format!("GuardianFlow is at http://{address}"))?;
    if was_empty && !settings.demo {
        print(&format!(
            "There are no records yet. Take some with `guardianflow ingest FILE --data {}`, or see a simulated fleet with `--demo 1` on an empty folder.",
            settings.data.display()
        ))?;
    }
    let told = async move {
        stop_signal().await;
        // Streams end by themselves only when they hear of it.
        stop.send_replace(true);
        stop.closed().await;
    };
    tokio::spawn(told);
    let asked = |mut stopping: tokio::sync::watch::Receiver<bool>| async move {
        http::events::stopped(&mut stopping).await;
    };
    let served = axum::serve(listener, router).with_graceful_shutdown(asked(stopping.clone()));
    tokio::select! {
        ended = served => ended.map_err(|e| Error::unavailable("the server stopped").with_detail(e))?,
        // Whoever does not read their answer does not keep us.
        () = async { asked(stopping).await; tokio::time::sleep(LAST_WORDS).await } => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn start_jobs(
    settings: &Settings,
    was_empty: bool,
    parts: &startup::Parts,
    demo: Demo,
    readiness: &Arc<jobs::Readiness>,
) -> Result<()> {
    tokio::spawn(jobs::follow_manifest(Arc::clone(&parts.lake)));
    tokio::spawn(jobs::keep_lake(Arc::clone(&parts.lake)));
    if let Some(folder) = &settings.ingest_dir {
        let watch = Watch {
            // Names in the ledger are whole paths, however the folder was given.
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
            ingest: Ingest {
                sink: Arc::clone(&parts.sink),
                ledger: Arc::clone(&parts.ledger),
                clock: Arc::clone(&parts.clock),
                rejected: settings.data.join("rejected"),
            },
            tails: Arc::clone(&parts.tails),
            lock: settings.data.join("ingest-dir.lock"),
        };
        tokio::spawn(watch.run());
    }
    let epoch = match demo.epoch().await? {
        Some(epoch) => Some(epoch),
        None if settings.demo && was_empty => Some(demo.begin().await?),
        None if settings.demo => {
            tracing::info!("the data folder is not empty: the simulated fleet is not added");
            None
        }
        None => None,
    };
    match epoch.filter(|_| settings.demo) {
        Some(epoch) => drop(tokio::spawn(jobs::run_demo(demo, epoch, Arc::clone(readiness)))),
        None => readiness.set_ready(),
    }
    Ok(())
}

/// Ctrl+C or a polite kill.
async fn stop_signal() {
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
