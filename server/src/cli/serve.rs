//! `guardianflow serve`: pages, REST and jobs in one process, until it is told to stop.

use std::{io::ErrorKind, net::SocketAddr, process::ExitCode, sync::Arc};

use domain::{Error, Result};

use super::output::print;
use crate::{config::Settings, demo::Demo, http, jobs, startup};

pub async fn run(settings: Settings) -> Result<ExitCode> {
    settings.check_address()?;
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
    let state = http::State::new(&settings, address, &parts, Arc::clone(&readiness));
    let router = http::router(state).into_make_service_with_connect_info::<SocketAddr>();
    print(&format!("GuardianFlow is at http://{address}"))?;
    if was_empty && !settings.demo {
        print(&format!(
            "There are no records yet. Take some with `guardianflow ingest FILE --data {}`, or see a simulated fleet with `--demo 1` on an empty folder.",
            settings.data.display()
        ))?;
    }
    axum::serve(listener, router)
        .with_graceful_shutdown(stop_signal())
        .await
        .map_err(|e| Error::unavailable("the server stopped").with_detail(e))?;
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
