-- The Korean words for `error`; NULL where there are none, as in rows written before this.
ALTER TABLE source ADD COLUMN error_ko TEXT;
