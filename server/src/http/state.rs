//! What handlers share. Records and places are reached through [`Seen`] alone, which knows who asks.

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
    auth::Gate,
    config::Settings,
    declared::Files,
    jobs::{Board, Readiness},
    startup::Parts,
};

#[derive(Clone)]
pub struct State {
    pub leptos: LeptosOptions,
    services: Services,
    pub readiness: Arc<Readiness>,
    pub gate: Arc<Gate>,
    pub hosts: Arc<middleware::Hosts>,
    /// Cancelled when the server is told to stop.
    pub stop: CancellationToken,
    /// Free places for listeners.
    pub listeners: Arc<Semaphore>,
    /// The way of records from programs into the lake.
    pub intake: records::Intake,
}

impl FromRef<State> for LeptosOptions {
    fn from_ref(state: &State) -> Self {
        state.leptos.clone()
    }
}

impl State {
    #[must_use]
    pub fn new(
        settings: &Settings,
        address: SocketAddr,
        parts: &Parts,
        written: Arc<Files>,
        readiness: Arc<Readiness>,
        jobs: Board,
        stop: CancellationToken,
    ) -> Self {
        let filling = Arc::clone(&readiness);
        let leptos = files::leptos_options(address);
        Self {
            services: Services {
                files: Arc::new(files::found(&leptos)),
                metrics: Arc::clone(&parts.metrics),
                sources: Arc::clone(&parts.sources),
                views: Arc::new(parts.views.clone()),
                clock: Arc::clone(&parts.clock),
                filling: Arc::new(move || filling.demo_days()),
                jobs: Arc::new(move || jobs.reports()),
                written: Arc::new(move || written.states()),
            },
            leptos,
            readiness,
            gate: Arc::new(Gate::new(settings, parts.access.clone(), Arc::clone(&parts.clock))),
            hosts: Arc::new(middleware::Hosts::new(&settings.serve.hosts, address)),
            stop,
            listeners: Arc::new(Semaphore::new(events::MOST_LISTENERS)),
            intake: records::Intake::start(parts.taking.clone(), Arc::clone(&parts.clock)),
        }
    }

    #[must_use]
    pub fn now(&self) -> Millis {
        self.services.clock.now()
    }

    /// What runs beside requests.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobReport> {
        (self.services.jobs)()
    }

    /// Saved views, as far as an actor may see and change them.
    #[must_use]
    pub fn views_for(&self, actor: &Actor) -> usecases::Views {
        self.services.views.seen_by(actor)
    }

    /// What an actor may use. Whoever is bound to one customer is not told how the installation does.
    #[must_use]
    pub fn services_for(&self, actor: &Actor) -> Services {
        let all = self.services.clone();
        let seen = Services {
            metrics: Arc::new(all.metrics.seen_by(actor)),
            sources: Arc::new(all.sources.seen_by(actor)),
            views: Arc::new(all.views.seen_by(actor)),
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
pub struct Seen(pub Services);

/// Saved views, as far as the sender of a request may see and change them.
pub struct SeenViews(pub usecases::Views);

/// Who sent a request.
pub struct Asker(pub Actor);

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Self::Rejection> {
        // The gate has put it there; without it nobody is known.
        Ok(Self(head.extensions.get::<Request>().map_or(Actor::Anonymous, |r| r.actor.clone())))
    }
}

impl FromRequestParts<State> for Seen {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(head: &mut Head, state: &State) -> Result<Self, Self::Rejection> {
        let Asker(actor) = Asker::from_request_parts(head, state).await?;
        Ok(Self(state.services_for(&actor)))
    }
}

impl FromRequestParts<State> for SeenViews {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(head: &mut Head, state: &State) -> Result<Self, Self::Rejection> {
        let Asker(actor) = Asker::from_request_parts(head, state).await?;
        Ok(Self(state.views_for(&actor)))
    }
}
