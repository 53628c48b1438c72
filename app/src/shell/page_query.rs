//! What a page is asked: its query as it was read, and the answers that several pages need of it.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    Result,
    metric::Metric,
    model::ModelKey,
    params::{MetricsQuery, QueryParams},
    ports::EventsQuery,
    query::{Comparison, Directory, MetricChange, ModelSummary, Summary, Trend, TrendQuery},
    registry::{EventAct, OperationKind, RegistryEvent, Standing},
    scope::{ExperimentKind, Scope},
    time::{EarlierPeriod, Millis, SECOND, Step, TimeRange},
};

use super::{
    addresses,
    context::{Request, Services},
    words,
};
use crate::{
    panels::{
        PanelContext,
        models::{self, ModelLinks},
        trend::{ChampionChange, ChartLinks, EarlierTrend},
    },
    ui::{
        delta::DeltaView,
        fmt::Fmt,
        links::{self, METRICS_PAGE},
        table::TableView,
    },
};

/// The query of a page, read once.
pub struct PageQuery {
    pub q: MetricsQuery,
    /// Its texts, for links alone.
    pub params: QueryParams,
    pub fmt: Fmt,
    /// The server's clock when it was asked, in ms.
    pub(super) asked_at: Millis,
    /// What there is, with what people have written down about it.
    pub directory: Arc<Directory>,
    /// What the answer knows of, at least: of its scope, and of everything.
    pub(super) generation: i64,
    pub(super) generation_of_all: i64,
}

impl PageQuery {
    /// A change of a metric in a scope, with the way to what it is made of.
    #[must_use]
    pub fn taken_apart(&self, scope: &Scope, change: Option<&MetricChange>, metric: &Metric) -> Option<DeltaView> {
        let shown = self.fmt.change(change, metric)?;
        Some(DeltaView { href: Some(addresses::changes(scope, &metric.key, &self.params)), ..shown })
    }

    /// # Errors
    /// What cannot be read.
    pub async fn read(services: &Services, request: &Request, params: QueryParams) -> Result<Self> {
        // Before anything is read: what comes meanwhile may be missing from the answer, and is told of again.
        let view = services.metrics.view();
        let directory = services.metrics.directory();
        let asked_at = services.clock.now();
        // To the second, and not before what has just come: pages that are told of the same news ask the same query.
        let now = Millis((asked_at.0 + SECOND - 1).div_euclid(SECOND) * SECOND);
        let q = params.read(now, &request.zone)?;
        let [generation, generation_of_all] = [&q.scope, &Scope::default()].map(|scope| view.generation_in(scope));
        Ok(Self {
            fmt: Fmt { lang: request.lang, zone: q.zone.clone() },
            q,
            params,
            asked_at,
            directory,
            generation,
            generation_of_all,
        })
    }

    /// The same on a page that counts this type of records when none is named. Links name it then: it holds where they lead too.
    #[must_use]
    pub fn with_default_kind(mut self, kind: ExperimentKind) -> Self {
        self.q = self.q.with_default_kind(kind);
        self.params.kind = Some(self.q.scope.kind.as_str().to_owned());
        self
    }

    /// The same on a page that is about this metric when none is named.
    #[must_use]
    pub fn with_default_metric(mut self, metric: &str) -> Self {
        self.params.metric = Some(self.q.metric.get_or_insert_with(|| metric.to_owned()).clone());
        self
    }

    /// What panels are made with.
    #[must_use]
    pub fn panel(&self) -> PanelContext<'_> {
        PanelContext {
            fmt: &self.fmt,
            directory: &self.directory,
            scope: &self.q.scope,
            range: self.q.range,
            now: self.q.now,
        }
    }

    /// The place in words.
    #[must_use]
    pub fn title(&self) -> String {
        self.panel().title()
    }

    /// The place in words, and the device where one is chosen.
    #[must_use]
    pub fn scope_text(&self) -> String {
        self.panel().scope_text()
    }

    /// The deepest place of a scope as users call it.
    #[must_use]
    pub fn name_of(&self, scope: &Scope) -> String {
        self.panel().name_of(scope)
    }

    /// The metric behind an answer's number.
    #[must_use]
    pub fn metric(&self, key: &str) -> Metric {
        self.directory.metric_of_answer(key)
    }

    /// The query about a metric, for files.
    #[must_use]
    pub fn query(&self, metric: &str) -> Vec<(String, String)> {
        let mut params = self.params.clone();
        params.metric = Some(metric.to_owned());
        links::pairs(&params, &["sort", "page", METRICS_PAGE, "refresh", "kiosk"])
    }

    /// The period with which numbers are compared.
    #[must_use]
    pub fn earlier(&self) -> TimeRange {
        self.q.against.unwrap_or_default().of(&self.q.range)
    }

    /// When the scope's records begin, where that is well within the earlier period: then its numbers stand on a part of it, and
    /// a reader of a difference has to know.
    #[must_use]
    pub fn earlier_note(&self, summary: &Summary) -> String {
        let earlier = self.earlier();
        let since = summary.since.filter(|o| o.0 - earlier.from().0 > earlier.length() / 20 && *o < earlier.to());
        since.map_or_else(String::new, |o| {
            format!(" {}", words::earlier_since(self.fmt.lang, self.fmt.moment(o, self.q.now)))
        })
    }

    /// Its name in a title, with what it lacks.
    #[must_use]
    pub fn earlier_title(&self, summary: &Summary) -> String {
        format!("{}{}", self.earlier_name(), self.earlier_note(summary))
    }

    /// Its name in a sentence.
    #[must_use]
    pub fn earlier_name(&self) -> &'static str {
        self.earlier_words().0
    }

    /// Its name as a head.
    #[must_use]
    pub fn earlier_head(&self) -> &'static str {
        self.earlier_words().1
    }

    fn earlier_words(&self) -> (&'static str, &'static str) {
        let lang = self.fmt.lang;
        match self.q.against.unwrap_or_default() {
            EarlierPeriod::Previous => (words::earlier_previous(lang), words::against_previous(lang)),
            EarlierPeriod::Week => (words::earlier_week(lang), words::against_week(lang)),
            EarlierPeriod::Year => (words::earlier_year(lang), words::against_year(lang)),
        }
    }

    /// A trend, and the earlier period to lay over it when one was asked for.
    ///
    /// # Errors
    /// As [`usecases::Metrics::trend`].
    pub async fn trend(&self, services: &Services, query: &TrendQuery) -> Result<(Trend, Option<EarlierTrend>)> {
        let (now, then) =
            futures::future::join(services.metrics.trend(query), self.earlier_trend(services, query)).await;
        Ok((now?, then?))
    }

    /// When the champions of these models changed within the range. What cannot be read just now marks nothing.
    pub async fn champion_changes(&self, services: &Services, ran: &[ModelSummary]) -> Vec<ChampionChange> {
        let names: BTreeSet<&str> = ran.iter().filter_map(|m| m.registered_model.as_deref()).collect();
        if names.is_empty() {
            return vec![];
        }
        let (from, to) = (Some(self.q.range.from()), Some(self.q.range.to()));
        let moves = EventsQuery { from, to, only_moves: true, ..EventsQuery::default() };
        let events = services.models.events(&moves).await.unwrap_or_default();
        let change = |event: &RegistryEvent| {
            let (before, after) = (event.before.as_ref(), event.after.as_ref()?);
            let (was, is) = (before.and_then(Standing::champion), after.champion());
            // Of a model that is seen for the first time it is not known since when.
            (was != is && event.act != EventAct::FirstSeen).then(|| ChampionChange {
                at: event.at,
                model: event.model.to_string(),
                version: is.map(|v| v.to_string()),
                back: matches!(event.act, EventAct::Ended(OperationKind::RollBack, _)),
            })
        };
        events.iter().map(|e| &e.event).filter(|e| names.contains(e.model.as_str())).filter_map(change).collect()
    }

    /// The earlier period to lay over a trend, when one was asked for.
    ///
    /// # Errors
    /// As [`usecases::Metrics::trend`].
    pub async fn earlier_trend(&self, services: &Services, query: &TrendQuery) -> Result<Option<EarlierTrend>> {
        let Some(against) = self.q.against else { return Ok(None) };
        let earlier = TrendQuery { range: against.of(&query.range), ..query.clone() };
        let (trend, name) = (services.metrics.trend(&earlier).await?, self.earlier_name().to_owned());
        Ok(Some(EarlierTrend { trend, shift: against.shift(&query.range), name }))
    }

    /// Where the chart of a metric leads; what it links to shows the same steps.
    #[must_use]
    pub fn chart_links(&self, metric: &str, step: Step) -> ChartLinks {
        let mut query = self.query(metric);
        query.retain(|(k, _)| k != "step");
        query.push(("step".into(), step.to_string()));
        let link = addresses::trends(&self.q.scope, metric, &self.params);
        ChartLinks {
            query: Some(query),
            link: Some(format!("{link}&step={step}")),
            details: None,
            records: Some(addresses::records(&self.q.scope, metric, &self.params)),
        }
    }

    /// The file of a table that holds all of it, however the table is turned.
    #[must_use]
    pub fn csv_of(&self, path: &str) -> String {
        links::href(path, &links::pairs(&self.params, &["page", METRICS_PAGE, "sort", "metric", "model"]))
    }

    /// The table of the models that run here, each with a link to its trend.
    #[must_use]
    pub fn models_table(&self, comparison: &Comparison) -> Option<TableView> {
        let trend = |model: &ModelKey| {
            let mut params = self.params.clone();
            params.model = Some(model.key());
            addresses::trends_of_model(&self.q.scope, "mAP50", &params)
        };
        let records = |model: &ModelKey| addresses::records_of_model(&self.q.scope, model, &self.params);
        let links = ModelLinks { model: &trend, records: &records, csv: self.csv_of("/export/models.csv") };
        models::table(self.panel(), comparison, Some(&links))
    }
}
