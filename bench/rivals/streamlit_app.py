"""The demo fleet's dashboard as one would write it in Streamlit in an afternoon: headline numbers, customers, one trend by
hour with a metric to choose, models. Reads GuardianFlow's Parquet with DuckDB; bench/browser starts it and measures it.
"""
import os
import altair as alt
import duckdb
import streamlit as st

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


@st.cache_data(ttl=60)
def fleet():
    return query(f"SELECT {mean('detection_map50')} AS m, count(detection_map50) AS n {WEEK}").iloc[0]


@st.cache_data(ttl=60)
def customers():
    return query(f"""SELECT customer AS "Customer", {mean('detection_map50')} AS "mAP50", {mean('mot_hota')} AS "HOTA",
        quantile_cont(system_inference_time_ms, 0.95) AS "Latency p95", count(*) AS n,
        count(DISTINCT site) AS "Sites", max("timestamp" AT TIME ZONE 'UTC') AS "Newest"
        {WEEK} GROUP BY customer ORDER BY customer""")


@st.cache_data(ttl=60)
def models():
    return query(f"""SELECT concat_ws(' ', model_architecture, model_version) AS "Model",
        count(DISTINCT (customer, site, zone)) AS "Zones", {mean('detection_map50')} AS "mAP50", {mean('mot_hota')} AS "HOTA",
        {mean('system_inference_time_ms')} AS "Latency", count(*) AS n,
        min("timestamp" AT TIME ZONE 'UTC') AS "First", max("timestamp" AT TIME ZONE 'UTC') AS "Last"
        {WEEK} GROUP BY 1 ORDER BY n DESC""")


@st.cache_data(ttl=60)
def trend(metric):
    return query(f"""SELECT date_trunc('hour', "timestamp" AT TIME ZONE 'UTC') AS hour, {mean(METRICS[metric])} AS value
        {WEEK} AND {METRICS[metric]} IS NOT NULL GROUP BY 1 ORDER BY 1""")


st.set_page_config(page_title="Fleet", layout="wide")
st.title("Fleet, last 7 days")
per_customer = customers()
cards = st.columns(1 + len(per_customer))
cards[0].metric("Fleet mAP50", f"{fleet().m:.3f}")
for card, row in zip(cards[1:], per_customer.itertuples()):
    card.metric(f"{row.Customer} mAP50", f"{row.mAP50:.3f}")

digits = {c: st.column_config.NumberColumn(format="%.3f") for c in ("mAP50", "HOTA")}
digits |= {c: st.column_config.NumberColumn(format="%.1f ms") for c in ("Latency", "Latency p95")}
st.subheader("Customers")
st.dataframe(per_customer, hide_index=True, column_config=digits)

st.subheader("Trend")
metric = st.selectbox("Metric", METRICS)
st.altair_chart(
    alt.Chart(trend(metric)).mark_line().encode(
        x=alt.X("hour:T", title=None),
        y=alt.Y("value:Q", title=f"{metric}, mean by hour", scale=alt.Scale(zero=False)),
        tooltip=["hour:T", alt.Tooltip("value:Q", format=".3f")],
    ).properties(height=300),
)

st.subheader("Models in the field")
st.dataframe(models(), hide_index=True, column_config=digits)
