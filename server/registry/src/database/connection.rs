//! A look at the database: opened for one call, read-only.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use domain::{
    error::{Error, Result, Sentence},
    ports::RunSelection,
    scope::clip_text,
    tracking::{Experiment, ExperimentId, Extremes, LoggedModel, MadeVersion, MetricPoint, Run, RunId, Text},
};
use sqlx::{
    ConnectOptions, Connection as _, FromRow, Sqlite, SqliteConnection,
    query::QueryAs,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow},
};

use super::rows::{self, Bytes, RunRow};
use crate::local::{blocking, is_sqlite, sentences};

/// How long MLflow's writing is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// How long a call may take.
const LONGEST_CALL: Duration = Duration::from_secs(30);

/// So many operations of SQLite pass between two looks at the clock.
const OPERATIONS_BETWEEN_LOOKS: i32 = 10_000;

/// The longest history of a metric, in points.
const LONGEST_HISTORY: i64 = 5_000_000;

/// Runs with more points tell no extremes: looking at each point would take long and keep MLflow waiting.
const MOST_POINTS_OF_RUN: i64 = 400_000;

/// So many points one statement about extremes looks at, but for a single run.
const POINTS_OF_STATEMENT: i64 = 200_000;

/// So many points are looked at for a page; further runs of it tell no extremes.
const POINTS_OF_PAGE: i64 = 2_000_000;

/// The tables without which a database is none of MLflow's.
const NEEDED: [&str; 6] = ["experiments", "runs", "latest_metrics", "metrics", "params", "tags"];

const TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table'";
const EXPERIMENTS: &str = "SELECT CAST(experiment_id AS TEXT), name, lifecycle_stage, artifact_location, \
                           creation_time, last_update_time FROM experiments ORDER BY experiment_id";
const EXPERIMENT_TAGS: &str = "SELECT CAST(experiment_id AS TEXT), key, value FROM experiment_tags ORDER BY key";
// A list of ids is one JSON text. ?5 is what a moment is compared with; which one, ?4 says.
const RUNS: &str = "SELECT run_uuid, CAST(experiment_id AS TEXT), name, user_id, status, start_time, end_time, artifact_uri, \
                    lifecycle_stage FROM runs WHERE lifecycle_stage = 'active' \
                    AND experiment_id IN (SELECT value FROM json_each(?1)) AND run_uuid > ?2 \
                    AND CASE ?4 WHEN 'running' THEN status IN ('RUNNING', 'SCHEDULED') WHEN 'started' THEN start_time > ?5 \
                    WHEN 'ended' THEN end_time > ?5 ELSE 1 END ORDER BY run_uuid LIMIT ?3";
const RUN: &str = "SELECT run_uuid, CAST(experiment_id AS TEXT), name, user_id, status, start_time, end_time, artifact_uri, \
                   lifecycle_stage FROM runs WHERE run_uuid = ?1";
const LATEST: &str = "SELECT run_uuid, key, value, step, timestamp, COALESCE(is_nan, 0) <> 0 FROM latest_metrics \
                      WHERE run_uuid IN (SELECT value FROM json_each(?1))";
const PARAMS: &str = "SELECT run_uuid, key, value FROM params WHERE run_uuid IN (SELECT value FROM json_each(?1))";
const TAGS: &str = "SELECT run_uuid, key, value FROM tags WHERE run_uuid IN (SELECT value FROM json_each(?1))";
const DATASETS: &str = "SELECT i.destination_id, d.name, d.digest, t.value, d.dataset_source FROM inputs i \
                        JOIN datasets d ON d.dataset_uuid = i.source_id \
                        LEFT JOIN input_tags t ON t.input_uuid = i.input_uuid AND t.name = 'mlflow.data.context' \
                        WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' \
                        AND i.destination_id IN (SELECT value FROM json_each(?1)) ORDER BY d.name, d.digest, t.value";
const POINTS: &str =
    "SELECT run_uuid, COUNT(*) FROM metrics WHERE run_uuid IN (SELECT value FROM json_each(?1)) GROUP BY run_uuid";
const EXTREMES: &str = "SELECT run_uuid, key, MIN(CASE WHEN COALESCE(is_nan, 0) = 0 THEN value END), \
                        MAX(CASE WHEN COALESCE(is_nan, 0) = 0 THEN value END), COUNT(*) FROM metrics \
                        WHERE run_uuid IN (SELECT value FROM json_each(?1)) GROUP BY run_uuid, key";
const HISTORY: &str = "SELECT step, timestamp, value, COALESCE(is_nan, 0) <> 0 FROM metrics WHERE run_uuid = ?1 AND key = ?2 \
                       ORDER BY timestamp, step, value LIMIT ?3";
const LOGGED_MODELS: &str = "SELECT model_id, name, CAST(status AS TEXT), model_type, creation_timestamp_ms FROM logged_models \
                             WHERE source_run_id = ?1 AND CAST(experiment_id AS TEXT) = ?2 \
                             AND lifecycle_stage IS NOT 'deleted' ORDER BY creation_timestamp_ms, model_id";
const MODEL_VERSIONS: &str = "SELECT name, CAST(version AS TEXT) FROM model_versions \
                              WHERE run_id = ?1 AND current_stage IS NOT 'Deleted_Internal' ORDER BY name, version";

/// The database, as long as one call takes.
pub(super) struct Connection {
    db: SqliteConnection,
    path: PathBuf,
    tables: HashSet<String>,
}

impl Connection {
    /// # Errors
    /// `Unavailable` when it cannot be opened or is none of MLflow's.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = {
            let path = path.to_owned();
            blocking(move || options(&path)).await?
        };
        let deadline = Instant::now() + LONGEST_CALL;
        let opened = async {
            let mut db = options.disable_statement_logging().connect().await?;
            db.lock_handle().await?.set_progress_handler(OPERATIONS_BETWEEN_LOOKS, move || Instant::now() < deadline);
            let tables: Vec<(String,)> = sqlx::query_as(TABLES).fetch_all(&mut db).await?;
            Ok((db, tables))
        };
        let (db, tables) = opened.await.map_err(|e| failed(path, &e))?;
        let tables: HashSet<String> = tables.into_iter().map(|t| t.0).collect();
        if !NEEDED.iter().all(|needed| tables.contains(*needed)) {
            return Err(Error::unavailable(sentences::not_a_database(path.display())));
        }
        Ok(Self { db, path: path.to_owned(), tables })
    }

    /// Ends the look before it answers: whoever closes a database last tidies it up, and that is to be MLflow.
    pub async fn done<T>(self, answer: Result<T>) -> Result<T> {
        if let Err(e) = self.db.close().await {
            tracing::debug!(error = %e, "a database did not close");
        }
        answer
    }

    async fn rows<T>(&mut self, query: QueryAs<'_, Sqlite, T, SqliteArguments>) -> Result<Vec<T>>
    where
        T: Send + Unpin + for<'r> FromRow<'r, SqliteRow>,
    {
        query.fetch_all(&mut self.db).await.map_err(|e| failed(&self.path, &e))
    }

    /// Databases of older MLflow lack some tables; then there is nothing of that kind.
    fn has(&self, tables: &[&str]) -> bool {
        tables.iter().all(|t| self.tables.contains(*t))
    }

    pub async fn experiments(&mut self) -> Result<Vec<Experiment>> {
        let mut experiments: Vec<Experiment> =
            self.rows(sqlx::query_as(EXPERIMENTS)).await?.into_iter().filter_map(rows::experiment).collect();
        if self.has(&["experiment_tags"]) {
            let mut tags: HashMap<String, Vec<(Text, Text)>> = HashMap::new();
            for (id, key, value) in self.rows::<(String, Bytes, Bytes)>(sqlx::query_as(EXPERIMENT_TAGS)).await? {
                tags.entry(id).or_default().push((rows::text(key), rows::text(value)));
            }
            for experiment in &mut experiments {
                experiment.tags = tags.remove(experiment.id.as_str()).unwrap_or_default();
                experiment.tags.sort();
            }
        }
        Ok(experiments)
    }

    /// At most `most` active runs by id, those behind `after`, and the id behind which the next ones come.
    pub async fn runs(
        &mut self,
        experiments: &[ExperimentId],
        which: &RunSelection,
        most: usize,
        after: &str,
    ) -> Result<(Vec<Run>, Option<String>)> {
        // Ids of MLflow's databases are numbers.
        let experiments: Vec<i64> = experiments.iter().filter_map(|id| id.as_str().parse().ok()).collect();
        let (kind, moment) = match which {
            RunSelection::All => ("all", 0),
            RunSelection::Running => ("running", 0),
            RunSelection::StartedAfter(moment) => ("started", moment.0),
            RunSelection::EndedAfter(moment) => ("ended", moment.0),
        };
        let query = sqlx::query_as(RUNS)
            .bind(json(&experiments))
            .bind(after)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .bind(kind)
            .bind(moment);
        let found: Vec<RunRow> = self.rows(query).await?;
        let next = found.last().filter(|_| found.len() == most).map(rows::id);
        Ok((self.complete(found).await?, next))
    }

    pub async fn run(&mut self, id: &RunId) -> Result<Option<Run>> {
        let found: Vec<RunRow> = self.rows(sqlx::query_as(RUN).bind(id.as_str())).await?;
        Ok(self.complete(found).await?.pop())
    }

    /// Adds what the other tables know of runs.
    async fn complete(&mut self, found: Vec<RunRow>) -> Result<Vec<Run>> {
        let mut runs: Vec<Run> = found.into_iter().filter_map(rows::run).collect();
        let places: HashMap<String, usize> = runs.iter().enumerate().map(|(i, run)| (run.id.to_string(), i)).collect();
        let ids = json(&places.keys().collect::<Vec<_>>());
        let extremes = self.extremes(&ids).await?;
        for row in self.rows::<rows::MetricRow>(sqlx::query_as(LATEST).bind(&ids)).await? {
            let Some(run) = places.get(&row.0).and_then(|i| runs.get_mut(*i)) else { continue };
            run.metrics.push(rows::metric(row, |run, key| extremes.get(run).and_then(|of| of.get(key)).copied()));
        }
        for (id, key, value) in self.rows::<(String, Bytes, Bytes)>(sqlx::query_as(PARAMS).bind(&ids)).await? {
            let Some(run) = places.get(&id).and_then(|i| runs.get_mut(*i)) else { continue };
            run.params.push((rows::text(key), rows::text(value)));
        }
        for (id, key, value) in self.rows::<(String, Bytes, Bytes)>(sqlx::query_as(TAGS).bind(&ids)).await? {
            let Some(run) = places.get(&id).and_then(|i| runs.get_mut(*i)) else { continue };
            run.tags.push((rows::text(key), rows::text(value)));
        }
        if self.has(&["inputs", "input_tags", "datasets"]) {
            for (id, dataset) in
                self.rows::<rows::DatasetRow>(sqlx::query_as(DATASETS).bind(&ids)).await?.into_iter().map(rows::dataset)
            {
                let Some(run) = places.get(&id).and_then(|i| runs.get_mut(*i)) else { continue };
                run.datasets.push(dataset);
            }
        }
        Ok(runs.into_iter().map(|run| rows::named(run.sorted())).collect())
    }

    /// Smallest and largest values of the histories of runs, by run and key; of long histories none.
    async fn extremes(&mut self, ids: &str) -> Result<HashMap<String, HashMap<Text, Extremes>>> {
        let mut found: HashMap<String, HashMap<Text, Extremes>> = HashMap::new();
        let counts: Vec<(String, i64)> = self.rows(sqlx::query_as(POINTS).bind(ids)).await?;
        for ids in statements(counts) {
            let ids = json(&ids);
            for row in self.rows::<rows::ExtremesRow>(sqlx::query_as(EXTREMES).bind(&ids)).await? {
                if let Some((run, key, extremes)) = rows::extremes(row) {
                    found.entry(run).or_default().insert(key, extremes);
                }
            }
        }
        Ok(found)
    }

    pub async fn history(&mut self, run: &RunId, metric: &str) -> Result<Vec<MetricPoint>> {
        let query = sqlx::query_as(HISTORY).bind(run.as_str()).bind(metric).bind(LONGEST_HISTORY + 1);
        let points: Vec<MetricPoint> = self.rows(query).await?.into_iter().map(rows::point).collect();
        if i64::try_from(points.len()).is_ok_and(|n| n <= LONGEST_HISTORY) {
            return Ok(points);
        }
        Err(Error::unavailable(sentences::history_too_long(clip_text(metric), LONGEST_HISTORY)))
    }

    pub async fn logged_models(&mut self, experiment: &ExperimentId, run: &RunId) -> Result<Vec<LoggedModel>> {
        if !self.has(&["logged_models"]) {
            return Ok(vec![]);
        }
        let query = sqlx::query_as(LOGGED_MODELS).bind(run.as_str()).bind(experiment.as_str());
        Ok(self.rows(query).await?.into_iter().map(rows::logged_model).collect())
    }

    pub async fn model_versions(&mut self, run: &RunId) -> Result<Vec<MadeVersion>> {
        if !self.has(&["model_versions"]) {
            return Ok(vec![]);
        }
        let found: Vec<(Bytes, String)> = self.rows(sqlx::query_as(MODEL_VERSIONS).bind(run.as_str())).await?;
        Ok(found.into_iter().map(|(m, v)| MadeVersion { model: rows::text(m), version: v.into() }).collect())
    }
}

/// Puts runs together whose histories are looked at by one statement.
fn statements(counts: Vec<(String, i64)>) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = Vec::new();
    let (mut of_page, mut of_statement) = (0, 0);
    for (run, points) in counts.into_iter().filter(|(_, points)| *points <= MOST_POINTS_OF_RUN) {
        of_page += points;
        if of_page > POINTS_OF_PAGE {
            break;
        }
        match all.last_mut() {
            Some(last) if of_statement + points <= POINTS_OF_STATEMENT => last.push(run),
            _ => {
                of_statement = 0;
                all.push(vec![run]);
            }
        }
        of_statement += points;
    }
    all
}

fn json<T: serde::Serialize>(ids: &[T]) -> String {
    serde_json::to_string(ids).unwrap_or_else(|_| "[]".to_owned())
}

/// How a file is to be opened. One with a write-ahead log that nobody has open is read as it is: SQLite would make files beside it.
#[expect(clippy::disallowed_methods, reason = "runs on a blocking thread")]
fn options(path: &Path) -> Result<SqliteConnectOptions> {
    let unreadable = |e: &std::io::Error| {
        Error::unavailable(sentences::no_database(path.display(), &Sentence::from_io(e))).with_detail(e)
    };
    let mut header = [0; 20];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut header));
    match read {
        Ok(()) if is_sqlite(path) => {}
        Err(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => return Err(unreadable(&e)),
        _ => return Err(Error::unavailable(sentences::not_a_database(path.display()))),
    }
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // Bytes 18 and 19 say which journal is written.
    let closed = header[18..] == [2, 2] && !Path::new(&log).exists();
    Ok(SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .create_if_missing(false)
        .immutable(closed)
        .busy_timeout(BUSY))
}

/// Codes of SQLite: of what a look meets.
const BUSY_CODES: [&str; 2] = ["5", "6"];
const INTERRUPTED: &str = "9";
const NO_DATABASE: &str = "26";

fn failed(path: &Path, e: &sqlx::Error) -> Error {
    let code = e.as_database_error().and_then(|e| e.code());
    // Extended codes hold the plain one in their lowest byte.
    let plain = code.and_then(|c| c.parse::<u32>().ok()).map(|c| (c & 0xff).to_string()).unwrap_or_default();
    let shown = path.display();
    let sentence = if BUSY_CODES.contains(&plain.as_str()) {
        sentences::database_busy(shown)
    } else if plain == INTERRUPTED {
        sentences::database_silent(shown, LONGEST_CALL.as_secs())
    } else if plain == NO_DATABASE {
        sentences::not_a_database(shown)
    } else if e.to_string().contains("no such column") {
        sentences::old_database(shown)
    } else {
        sentences::no_database(shown, &Sentence::from_io(&std::io::Error::other(e.to_string())))
    };
    Error::unavailable(sentence).with_detail(e)
}
