//! The statements that both databases understand. Each is a constant, so that a test prepares all of them on the migrated
//! tables (server/tests/contract/statements.rs).

/// Constants, and `ALL` with the name and text of each.
macro_rules! statements {
    ($($name:ident = $text:literal;)+) => {
        $(pub const $name: &str = $text;)+
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}
pub(crate) use statements;

statements! {
    // The manifest.
    GENERATION = "SELECT generation FROM lake_state";
    LAST_SEQ = "SELECT last_seq FROM lake_state";
    SET_LAST_SEQ = "UPDATE lake_state SET last_seq = $1";
    NEXT_GENERATION = "UPDATE lake_state SET generation = generation + 1 RETURNING generation";
    FILES = "SELECT id, path, day, rows, bytes, from_ms, to_ms, simulated, received_ms FROM lake_file ORDER BY id";
    PUBLISH_FILE =
        "INSERT INTO lake_file (path, day, rows, bytes, from_ms, to_ms, simulated, received_ms, place_index)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id";
    RETIRE_FILE = "DELETE FROM lake_file WHERE id = $1";
    ADD_CHANGE = "INSERT INTO lake_change (generation, published, retired, touched) VALUES ($1, $2, $3, $4)";
    FORGET_CHANGES = "DELETE FROM lake_change WHERE generation <= $1";
    CHANGES_SINCE = "SELECT retired, touched FROM lake_change WHERE generation > $1 ORDER BY generation";

    // Notes.
    NOTE = "SELECT value FROM lake_note WHERE key = $1";
    SET_NOTE =
        "INSERT INTO lake_note (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    FORGET_NOTE = "DELETE FROM lake_note WHERE key = $1";

    // The ledger of sources.
    SOURCES =
        "SELECT kind, name, first_ms, last_ms, newest_ms, taken, duplicate, corrected, withdrawn, error, error_ko, finished
         FROM source s
         ORDER BY error IS NULL,
                  NOT EXISTS (SELECT 1 FROM source_refused r WHERE r.kind = s.kind AND r.name = s.name AND r.rows > 0),
                  last_ms DESC, name";
    REFUSED = "SELECT kind, name, reason, rows FROM source_refused";
    // A file that was read by hand and in the watched folder too is as its later read has left it.
    FAILING =
        "SELECT name, max(failing_ms) FROM source s
         WHERE failing_ms IS NOT NULL AND kind IN ('file', 'folder') AND NOT EXISTS (
             SELECT 1 FROM source o WHERE o.name = s.name AND o.kind IN ('file', 'folder')
             AND o.failing_ms IS NULL AND o.last_ms > s.last_ms)
         GROUP BY name ORDER BY name";
    FAILING_SINCE = "SELECT failing_ms FROM source WHERE kind = $1 AND name = $2";
    TOUCH_SOURCE =
        "INSERT INTO source (kind, name, first_ms, last_ms) VALUES ($1, $2, $3, $3)
         ON CONFLICT (kind, name) DO UPDATE
         SET last_ms = CASE WHEN excluded.last_ms > source.last_ms THEN excluded.last_ms ELSE source.last_ms END";
    FORGET_LAST_READ = "UPDATE source SET duplicate = 0, error = NULL, finished = 0 WHERE kind = $1 AND name = $2";
    FORGET_REFUSED = "DELETE FROM source_refused WHERE kind = $1 AND name = $2";
    CAUGHT_UP = "UPDATE source SET error = NULL, finished = 1 WHERE kind = $1 AND name = $2";
    NOT_FAILING = "UPDATE source SET failing_ms = NULL WHERE kind = $1 AND name = $2";
    BOOK =
        "UPDATE source SET taken = taken + $1, duplicate = duplicate + $2, corrected = corrected + $3, withdrawn = withdrawn + $4,
                newest_ms = CASE WHEN newest_ms IS NULL OR $5 > newest_ms THEN $5 ELSE newest_ms END
         WHERE kind = $6 AND name = $7";
    REFUSE =
        "INSERT INTO source_refused (kind, name, reason, rows) VALUES ($1, $2, $3, $4)
         ON CONFLICT (kind, name, reason) DO UPDATE SET rows = source_refused.rows + excluded.rows";
    MARK =
        "UPDATE source SET error = $1, error_ko = $2, finished = $3, failing_ms = $4 WHERE kind = $5 AND name = $6";
    SOURCE_ITEMS = "SELECT item, state FROM source_item WHERE kind = $1 AND name = $2 ORDER BY item";
    KEEP_SOURCE_ITEMS =
        "INSERT INTO source_item (kind, name, item, state) VALUES ($1, $2, $3, $4)
         ON CONFLICT (kind, name, item) DO UPDATE SET state = excluded.state";
    FORGET_DEMO = "DELETE FROM source WHERE kind = 'demo'";

    // Positions.
    POSITIONS = "SELECT id, state FROM tail ORDER BY id";
    KEEP_POSITION = "INSERT INTO tail (id, state) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET state = excluded.state";
    FORGET_POSITION = "DELETE FROM tail WHERE id = $1";

    // Tokens and sessions.
    REVISION = "SELECT revision FROM access_state";
    MOVE_ACCESS = "UPDATE access_state SET revision = revision + 1";
    TOKENS = "SELECT name, role, created_ms, used_ms, revoked_ms FROM token ORDER BY id";
    LIVE_TOKENS = "SELECT id, name, role, hash FROM token WHERE revoked_ms IS NULL";
    FIND_TOKEN = "SELECT id, name, role, hash FROM token WHERE hash = $1 AND revoked_ms IS NULL";
    ADD_TOKEN =
        "INSERT INTO token (name, role, hash, created_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) WHERE revoked_ms IS NULL DO NOTHING";
    REVOKE_TOKEN = "UPDATE token SET revoked_ms = $1 WHERE name = $2 AND revoked_ms IS NULL RETURNING id";
    NOTE_USE = "UPDATE token SET used_ms = $1 WHERE id = $2 AND (used_ms IS NULL OR used_ms < $1)";
    // A token that is being revoked gets no session that opens after it.
    BEGIN_SESSION =
        "INSERT INTO session (hash, token, created_ms, expires_ms)
         SELECT $1, id, $3, $4 FROM token WHERE id = $2 AND revoked_ms IS NULL";
    BEGIN_OPERATOR_SESSION = "INSERT INTO session (hash, proof, created_ms, expires_ms) VALUES ($1, $2, $3, $4)";
    SESSION =
        "SELECT t.id, t.name, t.role, t.hash, s.proof, s.expires_ms FROM session s
         LEFT JOIN token t ON t.id = s.token AND t.revoked_ms IS NULL
         WHERE s.hash = $1 AND s.expires_ms > $2 AND (s.proof IS NOT NULL OR t.id IS NOT NULL)";
    END_SESSION = "DELETE FROM session WHERE hash = $1";
    END_SESSIONS_OF = "DELETE FROM session WHERE token = $1";
    FORGET_SESSIONS = "DELETE FROM session WHERE expires_ms <= $1";

    // Saved views.
    VIEWS =
        "SELECT id, owner, name, link, shared, created_ms, changed_ms FROM saved_view
         WHERE owner = $1 OR shared = 1 ORDER BY name, id";
    VIEW = "SELECT id, owner, name, link, shared, created_ms, changed_ms FROM saved_view WHERE id = $1";
    VIEWS_OF =
        "SELECT count(*), coalesce(sum(CASE WHEN name = $1 THEN 1 ELSE 0 END), 0) FROM saved_view WHERE owner = $2";
    ADD_VIEW =
        "INSERT INTO saved_view (owner, name, link, shared, created_ms, changed_ms) VALUES ($1, $2, $3, $4, $5, $5)
         RETURNING id";
    CHANGE_VIEW =
        "UPDATE saved_view SET name = $1, shared = $2, changed_ms = $3 WHERE id = $4 AND owner = $5 AND shared = $6";
    DELETE_VIEW = "DELETE FROM saved_view WHERE id = $1 AND owner = $2 AND shared = $3";
    START_VIEW =
        "SELECT v.id, v.owner, v.name, v.link, v.shared, v.created_ms, v.changed_ms
         FROM start_view s JOIN saved_view v ON v.id = s.view_id
         WHERE s.owner = $1 AND (v.owner = $1 OR v.shared = 1)";
    SET_START_VIEW =
        "INSERT INTO start_view (owner, view_id) SELECT $1, id FROM saved_view WHERE id = $2 AND (owner = $1 OR shared = 1)
         ON CONFLICT (owner) DO UPDATE SET view_id = excluded.view_id";
    FORGET_START_VIEW = "DELETE FROM start_view WHERE owner = $1";
    WRITE_KEY = "SELECT request, answer FROM write_key WHERE owner = $1 AND key = $2";
    KEEP_WRITE_KEY = "INSERT INTO write_key (owner, key, request, answer, at_ms) VALUES ($1, $2, $3, $4, $5)";
    FORGET_WRITE_KEYS = "DELETE FROM write_key WHERE at_ms < $1";

    // The copy of experiments and runs.
    COPY = "SELECT progress, as_of_ms FROM tracking_copy WHERE source = $1";
    COPIED_EXPERIMENTS = "SELECT body FROM tracking_experiment ORDER BY id";
    COPIED_RUNS = "SELECT body FROM tracking_run ORDER BY id";
    MOVE_COPY = "UPDATE tracking_copy SET progress = $1, as_of_ms = $2 WHERE source = $3";
    BEGIN_COPY = "INSERT INTO tracking_copy (source, progress, as_of_ms) VALUES ($1, $2, $3)";
    FORGET_COPIES = "DELETE FROM tracking_copy";
    FORGET_COPIED_EXPERIMENTS = "DELETE FROM tracking_experiment";
    FORGET_COPIED_RUNS = "DELETE FROM tracking_run";
    FORGET_COPIED_EXPERIMENT = "DELETE FROM tracking_experiment WHERE id = $1";
    FORGET_COPIED_RUN = "DELETE FROM tracking_run WHERE id = $1";
    KEEP_EXPERIMENTS = "INSERT INTO tracking_experiment (id, body) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body";
    KEEP_RUNS = "INSERT INTO tracking_run (id, body) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body";

    // Registered comparisons. In force is the one of a question that no other supersedes.
    IN_FORCE =
        "SELECT c.id, c.body, c.supersedes, n.id,
                (SELECT count(*) FROM comparison_look l WHERE l.comparison = c.id),
                (SELECT max(l.day) FROM comparison_look l WHERE l.comparison = c.id), v.body, v.made_ms
         FROM comparison c
         LEFT JOIN comparison n ON n.supersedes = c.id
         LEFT JOIN comparison_verdict v ON v.comparison = c.id
         WHERE c.question = $1 AND n.id IS NULL";
    COMPARISON =
        "SELECT c.id, c.body, c.supersedes, n.id,
                (SELECT count(*) FROM comparison_look l WHERE l.comparison = c.id),
                (SELECT max(l.day) FROM comparison_look l WHERE l.comparison = c.id), v.body, v.made_ms
         FROM comparison c
         LEFT JOIN comparison n ON n.supersedes = c.id
         LEFT JOIN comparison_verdict v ON v.comparison = c.id
         WHERE c.id = $1";
    COMPARISONS =
        "SELECT c.id, c.body, c.supersedes, n.id,
                (SELECT count(*) FROM comparison_look l WHERE l.comparison = c.id),
                (SELECT max(l.day) FROM comparison_look l WHERE l.comparison = c.id), v.body, v.made_ms
         FROM comparison c
         LEFT JOIN comparison n ON n.supersedes = c.id
         LEFT JOIN comparison_verdict v ON v.comparison = c.id
         ORDER BY c.id DESC";
    // The unique indexes decide between two at the same time: the later one keeps nothing.
    REGISTER =
        "INSERT INTO comparison (question, body, registered_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id";
    SUPERSEDE =
        "INSERT INTO comparison (question, supersedes, body, registered_ms)
         SELECT question, id, $3, $4 FROM comparison WHERE question = $1 AND id = $2
         ON CONFLICT DO NOTHING RETURNING id";
    LOOK = "SELECT count(*) FROM comparison_look WHERE comparison = $1 AND day = $2";
    NOTE_LOOK =
        "INSERT INTO comparison_look (comparison, day) SELECT id, $2 FROM comparison WHERE id = $1 ON CONFLICT DO NOTHING";
    KEEP_VERDICT =
        "INSERT INTO comparison_verdict (comparison, body, made_ms) SELECT id, $2, $3 FROM comparison WHERE id = $1
         ON CONFLICT DO NOTHING";
    VERDICT = "SELECT body, made_ms FROM comparison_verdict WHERE comparison = $1";

    // What models are judged by.
    POLICY = "SELECT model, body, changed_ms, changed_by FROM model_policy WHERE model = $1";
    POLICIES = "SELECT model, body, changed_ms, changed_by FROM model_policy ORDER BY model";
    ADD_POLICY =
        "INSERT INTO model_policy (model, body, changed_ms, changed_by) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    // The moment of the change tells one from the next, so it moves also where the clock does not.
    CHANGE_POLICY =
        "UPDATE model_policy SET body = $2, changed_ms = CASE WHEN $3 > changed_ms THEN $3 ELSE changed_ms + 1 END, changed_by = $4
         WHERE model = $1 AND changed_ms = $5";

    // The registry of models. Whoever writes to its log or to our own registry takes the one row first.
    TAKE_REGISTRY = "UPDATE registry_head SET last_event = last_event RETURNING last_event";
    MOVE_LAST_EVENT = "UPDATE registry_head SET last_event = $1";
    LAST_EVENT = "SELECT last_event FROM registry_head";
    EVENT_HASH = "SELECT hash FROM registry_event WHERE number = $1";
    LOG_EVENTS = "INSERT INTO registry_event (number, model, at_ms, moves, body, hash) VALUES ($1, $2, $3, $4, $5, $6)";
    EVENTS =
        "SELECT number, body, hash FROM registry_event WHERE number > $1 AND moves >= $2 ORDER BY number LIMIT $3";
    // By the index of times: the sum keeps SQLite from going through the whole log by number.
    EVENTS_BETWEEN =
        "SELECT number, body, hash FROM registry_event
         WHERE number + 0 > $1 AND moves >= $2 AND at_ms BETWEEN $4 AND $5 ORDER BY number + 0 LIMIT $3";
    EVENTS_OF =
        "SELECT number, body, hash FROM registry_event
         WHERE model = $6 AND number > $1 AND moves >= $2 AND at_ms BETWEEN $4 AND $5 ORDER BY number LIMIT $3";
    LAST_STANDINGS =
        "SELECT number, body, hash FROM registry_event
         WHERE number IN (SELECT max(number) FROM registry_event WHERE moves = 1 GROUP BY model) ORDER BY number";
    LAST_STANDING =
        "SELECT number, body, hash FROM registry_event WHERE model = $1 AND moves = 1 ORDER BY number DESC LIMIT 1";
    RAW_EVENTS =
        "SELECT number, body, model, at_ms, moves, hash FROM registry_event WHERE number > $1 ORDER BY number LIMIT $2";
    BEGIN_OPERATION =
        "INSERT INTO registry_operation (model, pending, owner, key, request, body, begun_ms)
         VALUES ($1, 1, $2, $3, $4, $5, $6) RETURNING id";
    END_OPERATION =
        "UPDATE registry_operation SET pending = NULL, outcome = $2, ended_ms = $3 WHERE id = $1 AND pending = 1";
    OPERATION = "SELECT id, body, outcome, ended_ms FROM registry_operation WHERE id = $1";
    OPERATION_OF_KEY =
        "SELECT id, body, outcome, ended_ms, request FROM registry_operation WHERE owner = $1 AND key = $2";
    PENDING_OPERATION = "SELECT id, body, outcome, ended_ms FROM registry_operation WHERE model = $1 AND pending = 1";
    PENDING_OPERATIONS = "SELECT id, body, outcome, ended_ms FROM registry_operation WHERE pending = 1 ORDER BY id";
    ADD_REQUEST =
        "INSERT INTO promotion_request (model, open, body, state, asked_ms, expires_ms) VALUES ($1, $2, $3, $4, $5, $6)
         RETURNING id";
    END_REQUEST = "UPDATE promotion_request SET open = $2, state = $3 WHERE id = $1 AND open = 1";
    REQUEST = "SELECT id, body, state FROM promotion_request WHERE id = $1";
    REQUESTS = "SELECT id, body, state FROM promotion_request WHERE open >= $1 ORDER BY id DESC";
    REQUESTS_OF = "SELECT id, body, state FROM promotion_request WHERE open >= $1 AND model = $2 ORDER BY id DESC";

    // Our own registry.
    MODELS_REVISION = "SELECT models_revision FROM registry_head";
    MOVE_MODELS = "UPDATE registry_head SET models_revision = models_revision + 1";
    MODELS = "SELECT name, description, tags, created_ms, updated_ms FROM model ORDER BY name";
    MODEL = "SELECT name, description, tags, created_ms, updated_ms FROM model WHERE name = $1";
    MODEL_VERSIONS =
        "SELECT model, version, run, source, stage, status, status_message, description, tags, created_ms, updated_ms, created_by
         FROM model_version";
    VERSIONS_OF_MODEL =
        "SELECT model, version, run, source, stage, status, status_message, description, tags, created_ms, updated_ms, created_by
         FROM model_version WHERE model = $1";
    MODEL_ALIASES = "SELECT model, alias, version FROM model_alias";
    ALIASES_OF_MODEL = "SELECT model, alias, version FROM model_alias WHERE model = $1";
    // The moment of the last change moves also where the clock does not: whoever copies models compares it.
    NEXT_VERSION =
        "INSERT INTO model (name, description, tags, created_ms, updated_ms, last_version) VALUES ($1, '', '{}', $2, $2, 1)
         ON CONFLICT (name) DO UPDATE
         SET last_version = model.last_version + 1,
             updated_ms =
                 CASE WHEN excluded.updated_ms > model.updated_ms THEN excluded.updated_ms ELSE model.updated_ms + 1 END
         RETURNING last_version";
    ADD_VERSION =
        "INSERT INTO model_version (model, version, run, source, stage, status, status_message, description, tags, created_ms, updated_ms, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)";
    POINT_ALIAS =
        "INSERT INTO model_alias (model, alias, version)
         SELECT model, $2, version FROM model_version WHERE model = $1 AND version = $3
         ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version";
    DELETE_ALIAS = "DELETE FROM model_alias WHERE model = $1 AND alias = $2";
    MOVE_STAGE = "UPDATE model_version SET stage = $3, updated_ms = $4 WHERE model = $1 AND version = $2";
    TOUCH_MODEL = "UPDATE model SET updated_ms = CASE WHEN $2 > updated_ms THEN $2 ELSE updated_ms + 1 END WHERE name = $1";
    VERSION_TAGS = "SELECT tags FROM model_version WHERE model = $1 AND version = $2";
    SET_VERSION_TAGS = "UPDATE model_version SET tags = $3 WHERE model = $1 AND version = $2";
    DESCRIBE_VERSION = "UPDATE model_version SET description = $3, updated_ms = $4 WHERE model = $1 AND version = $2";
    // The aliases that lead to it go along.
    DELETE_VERSION = "DELETE FROM model_version WHERE model = $1 AND version = $2";
    DELETE_VERSIONS = "DELETE FROM model_version WHERE model = $1";
    DELETE_MODEL = "DELETE FROM model WHERE name = $1";

    // The copy of another registry.
    REGISTRY_COPY = "SELECT as_of_ms FROM registry_copy WHERE source = $1";
    COPIED_MODELS = "SELECT body FROM registry_copy_model ORDER BY name";
    MOVE_REGISTRY_COPY = "UPDATE registry_copy SET as_of_ms = $1 WHERE source = $2";
    BEGIN_REGISTRY_COPY = "INSERT INTO registry_copy (source, as_of_ms) VALUES ($1, $2)";
    FORGET_REGISTRY_COPIES = "DELETE FROM registry_copy";
    FORGET_COPIED_MODELS = "DELETE FROM registry_copy_model";
    FORGET_COPIED_MODEL = "DELETE FROM registry_copy_model WHERE name = $1";
    KEEP_MODELS = "INSERT INTO registry_copy_model (name, body) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET body = excluded.body";

    // Webhooks.
    ADD_WEBHOOK =
        "INSERT INTO webhook (url, events, model, secret, created_ms, created_by) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING RETURNING id";
    WEBHOOKS =
        "SELECT w.id, w.url, w.events, w.model, w.paused, w.created_ms, w.created_by,
                (SELECT count(*) FROM webhook_delivery d WHERE d.webhook = w.id AND d.state = 'pending'),
                (SELECT count(*) FROM webhook_delivery d WHERE d.webhook = w.id AND d.state = 'dead')
         FROM webhook w ORDER BY w.id";
    WEBHOOK_SECRET = "SELECT secret FROM webhook WHERE id = $1";
    // What is on its way to it goes along.
    REMOVE_WEBHOOK = "DELETE FROM webhook WHERE id = $1";
    PAUSE_WEBHOOK = "UPDATE webhook SET paused = $2 WHERE id = $1";
    MAKE_DUE = "UPDATE webhook_delivery SET due_ms = $2 WHERE webhook = $1 AND state = 'pending' AND due_ms > $2";
    // The bit of an event is tested without operators that the databases write differently: events / bit is odd.
    ADD_DELIVERIES =
        "INSERT INTO webhook_delivery (webhook, message, model, kind, body, state, attempts, created_ms, due_ms)
         SELECT id, $1, $2, $3, $4, 'pending', 0, $5, $5 FROM webhook
         WHERE (events / $6) % 2 = 1 AND (model IS NULL OR model = $2) ORDER BY id";
    DELIVERIES =
        "SELECT d.id, d.webhook, d.message, d.kind, d.model, d.state, d.attempts, d.created_ms, d.due_ms, d.tried_ms, d.status, d.error FROM webhook_delivery d
         WHERE ($1 = 0 OR d.webhook = $1) AND ($2 = '' OR d.state = $2) AND d.id < $3 ORDER BY d.id DESC LIMIT $4";
    DELIVERY = "SELECT d.id, d.webhook, d.message, d.kind, d.model, d.state, d.attempts, d.created_ms, d.due_ms, d.tried_ms, d.status, d.error FROM webhook_delivery d WHERE d.id = $1";
    LAST_DELIVERIES =
        "SELECT d.id, d.webhook, d.message, d.kind, d.model, d.state, d.attempts, d.created_ms, d.due_ms, d.tried_ms, d.status, d.error
         FROM webhook_delivery d
         WHERE d.id IN (SELECT max(o.id) FROM webhook_delivery o GROUP BY o.webhook) ORDER BY d.webhook";
    // Cheap, and waits for no writer: mostly nothing is due.
    ANY_DUE =
        "SELECT count(*) FROM (
             SELECT 1 FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook
             WHERE d.state = 'pending' AND d.due_ms <= $1 AND (d.lease_ms IS NULL OR d.lease_ms <= $1) AND w.paused IS NULL
             AND NOT EXISTS (
                 SELECT 1 FROM webhook_delivery e
                 WHERE e.webhook = d.webhook AND e.model = d.model AND e.state = 'pending' AND e.id < d.id AND e.attempts < $2)
             LIMIT 1) AS due";
    // The conditions on the row stand outside as well: two who found the same row take turns, and the second finds it taken.
    CLAIM_DELIVERIES =
        "UPDATE webhook_delivery SET lease = $2, lease_ms = $3
         WHERE state = 'pending' AND (lease_ms IS NULL OR lease_ms <= $1) AND id IN (
             SELECT d.id FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook
             WHERE d.state = 'pending' AND d.due_ms <= $1 AND (d.lease_ms IS NULL OR d.lease_ms <= $1) AND w.paused IS NULL
             AND NOT EXISTS (
                 SELECT 1 FROM webhook_delivery e
                 WHERE e.webhook = d.webhook AND e.model = d.model AND e.state = 'pending' AND e.id < d.id AND e.attempts < $5)
             ORDER BY d.due_ms, d.id LIMIT $4)";
    CLAIMED_DELIVERIES =
        "SELECT d.id, d.webhook, d.message, d.kind, d.model, d.state, d.attempts, d.created_ms, d.due_ms, d.tried_ms, d.status, d.error, w.url, w.secret, d.body
         FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook WHERE d.lease = $1 ORDER BY d.id";
    FINISH_DELIVERY =
        "UPDATE webhook_delivery
         SET state = $3, attempts = attempts + 1, due_ms = $4, tried_ms = $5, status = $6, error = $7, lease = NULL, lease_ms = NULL
         WHERE id = $1 AND lease = $2";
    REPLAY_DELIVERY =
        "UPDATE webhook_delivery SET state = 'pending', attempts = 0, due_ms = $2 WHERE id = $1 AND state = 'dead'";
    FORGET_DELIVERIES =
        "DELETE FROM webhook_delivery
         WHERE (state = 'sent' AND tried_ms < $1) OR (state = 'dead' AND tried_ms < $2)";

    // The data folder that this is the database of.
    IDENTITY = "SELECT folder_id, database_id, copied_from FROM data_folder";
    SET_IDENTITY =
        "INSERT INTO data_folder (only_row, folder_id, database_id, copied_from) VALUES (1, $1, $2, $3)
         ON CONFLICT (only_row) DO UPDATE
         SET folder_id = excluded.folder_id, database_id = excluded.database_id, copied_from = excluded.copied_from";

    SCHEMA = "SELECT max(version) FROM _sqlx_migrations WHERE success";
    UNFINISHED = "SELECT count(*) FROM _sqlx_migrations WHERE NOT success";

    // For inspection.
    FILE_NAMES = "SELECT path FROM lake_file";
    NEWEST_RECORD = "SELECT max(to_ms) FROM lake_file";
}

/// The statement that keeps so many rows at once, made of the one for a single row of so many columns.
pub fn of_rows(one: &str, columns: usize, rows: usize) -> String {
    let row = |first: usize| {
        let places: Vec<String> = (0..columns).map(|column| format!("${}", first + column)).collect();
        format!("({})", places.join(", "))
    };
    let places: Vec<String> = (0..rows).map(|n| row(columns * n + 1)).collect();
    one.replace(&row(1), &places.join(", "))
}
