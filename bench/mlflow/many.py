#!/usr/bin/env python3
"""Ten times the runs of a database that an MLflow server made, as SQL into a copy of it: many.py FROM.db TO.db

Copies get ids of their own (the id turned by so many digits as the number of the copy), names, and values, parameters and hashes
that differ, so that nothing is kept once for ten. The long history is not copied, its newest values are.
"""
import os, sqlite3, sys

COPIES = range(1, 10)
# Tables of other things that hang on a run are left as they are: only runs are asked for.
TURNED = "substr({0}, {1} + 1) || substr({0}, 1, {1})"


def multiply(source, target):
    part = target + ".part"
    if os.path.exists(part):
        os.remove(part)
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as old, sqlite3.connect(part) as new:
        old.backup(new)
    db = sqlite3.connect(part)
    db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;"
                     "CREATE TEMP TABLE original AS SELECT run_uuid FROM runs; CREATE UNIQUE INDEX temp.originals ON original(run_uuid);"
                     "CREATE TEMP TABLE long AS SELECT run_uuid FROM metrics GROUP BY run_uuid HAVING count(*) > 1000;")

    def copy(table, k, changed, where=""):
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        changed = {"run_uuid": TURNED.format("t.run_uuid", k), **changed}
        values = ", ".join(changed.get(n, f't."{n}"') for n in names)
        columns = ", ".join(f'"{n}"' for n in names)
        db.execute(f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} t JOIN original o ON o.run_uuid = t.run_uuid {where}")

    for k in COPIES:
        copy("runs", k, {"name": f"t.name || '-{k}'"})
        copy("params", k, {"value": f"CASE WHEN t.\"key\" IN ('lr', 'weight_decay') THEN printf('%.6g', CAST(t.value AS REAL) * (1 + 0.01 * {k})) ELSE t.value END"})
        copy("tags", k, {"value": f"CASE t.\"key\" WHEN 'git_sha' THEN {TURNED.format('t.value', k)} WHEN 'mlflow.runName' THEN t.value || '-{k}' ELSE t.value END"})
        copy("latest_metrics", k, {"value": f"t.value * (1 - 0.000001 * {k})"})
        copy("metrics", k, {"value": f"t.value * (1 - 0.000001 * {k})"}, "WHERE t.run_uuid NOT IN (SELECT run_uuid FROM long)")
    db.commit()
    count = db.execute("SELECT count(*) FROM runs").fetchone()[0]
    db.close()
    os.replace(part, target)
    return count


if __name__ == "__main__":
    print(multiply(sys.argv[1], sys.argv[2]), "runs")
