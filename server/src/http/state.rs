//! What handlers share. Records and places are reached through [`ActorServices`] alone, which knows who asks.

use std::{net::SocketAddr, sync::Arc};

use app::shell::context::{Request, Services};
use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts as Head,
};
use domain::{access::Actor, ports::JobReport, time::Millis};
use leptos::config::LeptosOptions;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{events, files, middleware, records};
use crate::{
    auth::Authenticator,
    config::Settings,
    declarations::DeclarationFiles,
    jobs::{JobBoard, Readiness},
    startup::AppServices,
    thumbnails::Thumbnails,
};

/// What every handler and layer is given, many times a request: one counted pointer.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

impl std::ops::Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

pub struct Shared {
    pub leptos: LeptosOptions,
    services: Services,
    pub readiness: Arc<Readiness>,
    pub authenticator: Arc<Authenticator>,
    pub hosts: Arc<middleware::Hosts>,
    /// Cancelled when the server is to stop.
    pub stop: CancellationToken,
    /// Free places for listeners.
    pub listeners: Arc<Semaphore>,
    /// The way of records from programs into the lake.
    pub intake: records::RecordIntake,
    /// Small pictures of the images of runs.
    pub thumbnails: Arc<Thumbnails>,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}

impl AppState {
    #[must_use]
    pub fn new(
        settings: &Settings,
        address: SocketAddr,
        parts: &AppServices,
        written: Arc<DeclarationFiles>,
        readiness: Arc<Readiness>,
        jobs: JobBoard,
        stop: CancellationToken,
    ) -> Self {
        let filling = Arc::clone(&readiness);
        let leptos = files::leptos_options(address);
        let rules = Arc::clone(&written);
        Self(Arc::new(Shared {
            services: Services {
                files: Arc::new(files::site_files(&leptos)),
                metrics: Arc::clone(&parts.metrics),
                sources: Arc::clone(&parts.sources),
                views: Arc::new(parts.views.clone()),
                evidence: Arc::new(parts.evidence.clone()),
                runs: Arc::new(parts.runs.clone()),
                models: Arc::new(parts.models.clone()),
                webhooks: Arc::new(parts.webhooks.clone()),
                run_import: Arc::new(parts.run_import.clone().of_copy()),
                mappings: Arc::new(move || rules.mappings()),
                // What cannot be read was refused before.
                mlflow_url: settings.tracking.public_url().ok().flatten().map(Into::into),
                clock: Arc::clone(&parts.clock),
                filling: Arc::new(move || filling.demo_days()),
                jobs: Arc::new(move || jobs.reports()),
                written: Arc::new(move || written.states()),
            },
            leptos,
            readiness,
            authenticator: Arc::new(Authenticator::new(settings, parts.access.clone(), Arc::clone(&parts.clock))),
            hosts: Arc::new(middleware::Hosts::new(&settings.serve.hosts, address)),
            stop,
            listeners: Arc::new(Semaphore::new(events::MAX_LISTENERS)),
            intake: records::RecordIntake::start(parts.ingestion.clone(), Arc::clone(&parts.clock)),
            thumbnails: Arc::default(),
        }))
    }

    #[must_use]
    pub fn now(&self) -> Millis {
        self.services.clock.now()
    }

    /// What runs in the background.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobReport> {
        (self.services.jobs)()
    }

    /// Saved views, as far as an actor may see and change them.
    #[must_use]
    pub fn views_for(&self, actor: &Actor) -> usecases::Views {
        self.services.views.for_actor(actor)
    }

    /// What an actor may use. An actor bound to one customer does not see the installation's status.
    #[must_use]
    pub fn services_for(&self, actor: &Actor) -> Services {
        let all = self.services.clone();
        let seen = Services {
            metrics: Arc::new(all.metrics.for_actor(actor)),
            sources: Arc::new(all.sources.for_actor(actor)),
            views: Arc::new(all.views.for_actor(actor)),
            evidence: Arc::new(all.evidence.for_actor(actor)),
            runs: Arc::new(all.runs.for_actor(actor)),
            models: Arc::new(all.models.for_actor(actor)),
            webhooks: Arc::new(all.webhooks.for_actor(actor)),
            run_import: Arc::new(all.run_import.for_actor(actor)),
            ..all
        };
        match actor.customer() {
            None => seen,
            Some(_) => {
                Services { filling: Arc::new(|| None), jobs: Arc::new(Vec::new), written: Arc::new(Vec::new), ..seen }
            }
        }
    }
}

/// What the sender of a request may use.
pub struct ActorServices(pub Services);

/// Saved views, as far as the sender of a request may see and change them.
pub struct SeenViews(pub usecases::Views);

/// Who sent a request.
pub struct RequestActor(pub Actor);

impl<S: Sync> FromRequestParts<S> for RequestActor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Self::Rejection> {
        // The authentication layer has put it there; without it the sender is unknown.
        Ok(Self(head.extensions.get::<Request>().map_or(Actor::Anonymous, |r| r.actor.clone())))
    }
}

impl FromRequestParts<AppState> for ActorServices {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(head: &mut Head, state: &AppState) -> Result<Self, Self::Rejection> {
        let RequestActor(actor) = RequestActor::from_request_parts(head, state).await?;
        Ok(Self(state.services_for(&actor)))
    }
}

impl FromRequestParts<AppState> for SeenViews {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(head: &mut Head, state: &AppState) -> Result<Self, Self::Rejection> {
        let RequestActor(actor) = RequestActor::from_request_parts(head, state).await?;
        Ok(Self(state.views_for(&actor)))
    }
}
