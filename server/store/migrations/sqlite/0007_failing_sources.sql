-- Since when the reads of a source fail. Stays while the source is read again, until that read has come to its end.
ALTER TABLE source ADD COLUMN failing_ms INTEGER;
UPDATE source SET failing_ms = last_ms WHERE error IS NOT NULL;
CREATE INDEX source_failing ON source (name) WHERE failing_ms IS NOT NULL;
