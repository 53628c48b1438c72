"""The demo fleet's dashboard as one would write it in Panel in an afternoon: headline numbers, customers, one trend by hour
with a metric to choose, models. Reads GuardianFlow's Parquet with DuckDB; bench/browser starts it and measures it.
"""
import os
import duckdb
import hvplot.pandas  # noqa: F401, gives data frames their .hvplot
import panel as pn
from bokeh.models import NumberFormatter

pn.extension("tabulator")

FILES = os.path.join(os.environ["GF_BENCH_DATA"], "lake/day=*/*.parquet").replace("'", "''")
METRICS = {
    "mAP50": "detection_map50", "mAP50-95": "detection_map50_95", "Precision": "detection_precision",
    "Recall": "detection_recall", "MOTA": "mot_mota", "IDF1": "mot_idf1", "HOTA": "mot_hota",
    "Latency (ms)": "system_inference_time_ms", "FPS": "system_fps", "GPU utilisation (%)": "system_gpu_util",
    "GPU memory (MB)": "system_gpu_mem_mb", "CPU (%)": "system_cpu_util",
}
# The folder's name lets DuckDB leave out the files of other days; whole days, so that it never cuts the week short.
WEEK = f"""FROM read_parquet('{FILES}', hive_partitioning = true)
    WHERE day >= current_date - 8 AND "timestamp" >= now() - INTERVAL 7 DAY AND "timestamp" < now()
    AND (experiment_type IS NULL OR experiment_type = 'production')"""


def mean(column):
    """Weighted by samples; a record without their number counts once."""
    return f"sum({column} * coalesce(samples, 1)) / sum(coalesce(samples, 1)) FILTER (WHERE {column} IS NOT NULL)"


def query(sql):
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        return db.execute(sql).df()


@pn.cache(ttl=60)
def fleet():
    return query(f"SELECT {mean('detection_map50')} AS m, count(detection_map50) AS n {WEEK}").iloc[0]


@pn.cache(ttl=60)
def customers():
    return query(f"""SELECT customer AS "Customer", {mean('detection_map50')} AS "mAP50", {mean('mot_hota')} AS "HOTA",
        quantile_cont(system_inference_time_ms, 0.95) AS "Latency p95", count(*) AS n,
        count(DISTINCT site) AS "Sites", max("timestamp" AT TIME ZONE 'UTC') AS "Newest"
        {WEEK} GROUP BY customer ORDER BY customer""")


@pn.cache(ttl=60)
def models():
    return query(f"""SELECT concat_ws(' ', model_architecture, model_version) AS "Model",
        count(DISTINCT (customer, site, zone)) AS "Zones", {mean('detection_map50')} AS "mAP50", {mean('mot_hota')} AS "HOTA",
        {mean('system_inference_time_ms')} AS "Latency", count(*) AS n,
        min("timestamp" AT TIME ZONE 'UTC') AS "First", max("timestamp" AT TIME ZONE 'UTC') AS "Last"
        {WEEK} GROUP BY 1 ORDER BY n DESC""")


@pn.cache(ttl=60)
def trend(metric):
    return query(f"""SELECT date_trunc('hour', "timestamp" AT TIME ZONE 'UTC') AS hour, {mean(METRICS[metric])} AS value
        {WEEK} AND {METRICS[metric]} IS NOT NULL GROUP BY 1 ORDER BY 1""")


def drawn(metric):
    return trend(metric).hvplot.line(
        x="hour", y="value", xlabel="", ylabel=f"{metric}, mean by hour", height=300, responsive=True, grid=True,
    )


def number(name, value):
    return pn.indicators.Number(name=name, value=round(value, 3), format="{value:.3f}", font_size="32pt", title_size="14pt")


def table(frame):
    formats = {"mAP50": "0.000", "HOTA": "0.000", "Latency": "0.0", "Latency p95": "0.0"}
    return pn.widgets.Tabulator(
        frame, show_index=False, disabled=True, sizing_mode="stretch_width",
        formatters={c: NumberFormatter(format=f) for c, f in formats.items() if c in frame},
    )


per_customer = customers()
metric = pn.widgets.Select(name="Metric", options=list(METRICS))
# Of the usual templates the one that asks no other host for fonts.
pn.template.BootstrapTemplate(
    title="Fleet, last 7 days",
    main=[
        pn.Row(number("Fleet mAP50", fleet().m), *(number(f"{r.Customer} mAP50", r.mAP50) for r in per_customer.itertuples())),
        pn.Column("## Customers", table(per_customer)),
        pn.Column("## Trend", metric, pn.bind(drawn, metric)),
        pn.Column("## Models in the field", table(models())),
    ],
).servable()
