-- Webhooks, and what is on its way to them.

CREATE TABLE webhook (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    url        TEXT    NOT NULL,
    -- The sum of what it tells of: 1 requests, 2 approvals and rejections, 4 promotions, 8 rollbacks.
    events     INTEGER NOT NULL CHECK (events BETWEEN 1 AND 15),
    -- NULL for all models.
    model      TEXT,
    -- Encrypted with the key in the data folder (webhook.key).
    secret     BLOB    NOT NULL,
    -- Why nothing is sent: a person paused it, or the receiver is gone.
    paused     TEXT    CHECK (paused IN ('person', 'gone')),
    created_ms INTEGER NOT NULL,
    created_by TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX webhook_once ON webhook (url, events, coalesce(model, ''));

-- The outbox: written in the transaction of the event that it tells of.
CREATE TABLE webhook_delivery (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook    INTEGER NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    -- The webhook-id: the same for every try.
    message    TEXT    NOT NULL,
    model      TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    -- What is sent, as JSON.
    body       TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('pending', 'sent', 'dead')),
    attempts   INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    due_ms     INTEGER NOT NULL,
    -- Who is sending it, and until when nobody else does.
    lease      TEXT,
    lease_ms   INTEGER,
    tried_ms   INTEGER,
    status     INTEGER,
    -- Why the last try was in vain, as JSON.
    error      TEXT,
    UNIQUE (webhook, message),
    CHECK ((lease IS NULL) = (lease_ms IS NULL))
) STRICT;
CREATE INDEX webhook_delivery_due ON webhook_delivery (due_ms) WHERE state = 'pending';
CREATE INDEX webhook_delivery_order ON webhook_delivery (webhook, model, id) WHERE state = 'pending';
CREATE INDEX webhook_delivery_state ON webhook_delivery (webhook, state, id);
CREATE INDEX webhook_delivery_lease ON webhook_delivery (lease) WHERE lease IS NOT NULL;
