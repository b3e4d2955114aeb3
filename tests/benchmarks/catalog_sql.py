"""The columns of a catalog in SQL, range joins and aggregations in DuckDB: what the kernel is measured against."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.catalog.feature import Catalog, Feature, FeatureType
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY as DAY
from features.schema.operation_records import params_record
from features.schema.source import BotFilter

if TYPE_CHECKING:
    import duckdb

AGE = "epoch_us(c.as_of) - epoch_us(e.{}) AS age"


def with_duckdb(tables: dict[str, pd.DataFrame], cohort: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """The columns over a lead's events by one range join and one aggregation; no bot filter."""
    connection = _connection({"activities": tables["activities"], "cohort": cohort})
    connection.execute("CREATE VIEW events AS SELECT * FROM activities WHERE actor = 'lead'")
    return pd.DataFrame(connection.execute(f"{_engagement(catalog)} ORDER BY row").df().drop(columns="row"))


def whole_by_duckdb(
    tables: dict[str, pd.DataFrame], cohort: pd.DataFrame, catalog: Catalog, titles: pd.DataFrame, bots: BotFilter
) -> pd.DataFrame:
    """Every column of a catalog: one range join per table and scope, then one row per moment.

    Parameters
    ----------
    titles : job_title, seniority, function of each distinct title (free of charge)
    bots : with ``burst_count`` 2, as a burst is a pair here
    """
    connection = _connection({**tables, "cohort": cohort, "titles": titles})
    connection.execute("""
        CREATE VIEW people AS SELECT l.*, t.seniority AS role, t.function AS func
        FROM leads l LEFT JOIN titles t ON t.job_title = l.job_title
    """)
    connection.execute(_events(bots))
    groups = {
        "engaged": _engagement(_of(catalog, "activities", "lead"), "AND (e.bot_at IS NULL OR e.bot_at >= c.as_of)"),
        "answered": _answers(_of(catalog, "answers", "lead")),
        "staged": _STAGES,
        "committee": _committee(_of(catalog, "activities", "account")),
        "contacts": _contacts(_of(catalog, "contacts", "account")),
        "bought": _outcomes(_of(catalog, "outcomes", "account")),
    }
    for name, query in groups.items():
        connection.execute(f"CREATE TEMP TABLE {name} AS {query}")
    columns = ",\n".join(f'{_column(feature)} AS "{feature.name}"' for feature in catalog)
    joins = " ".join(f"LEFT JOIN {name} ON {name}.row = c.row" for name in groups)
    return pd.DataFrame(
        connection.execute(f"""
            SELECT {columns} FROM cohort c
            LEFT JOIN people l ON l.lead_id = c.lead_id AND l.known_at < c.as_of
            LEFT JOIN accounts a ON a.account_id = l.account_id AND a.known_at < c.as_of
            {joins} ORDER BY c.row
        """).df()
    )


def _connection(frames: dict[str, pd.DataFrame]) -> "duckdb.DuckDBPyConnection":
    """The frames as tables, rows of the cohort numbered."""
    import duckdb

    connection = duckdb.connect(config={"threads": os.cpu_count() or 1})
    for name, frame in frames.items():
        numbered = frame.assign(row=np.arange(len(frame))) if name in ("cohort", "activities") else frame
        connection.register(name, numbered)
    return connection


def _of(catalog: Catalog, table: str, scope: str) -> list[Feature]:
    written = [(f, params_record(f.params)) for f in catalog if f.params.table == table]
    return [f for f, params in written if params.get("scope", "lead") == scope]


def _column(feature: Feature) -> str:
    """A feature's column in the last join: what is empty where, what is read from the lead or account itself."""
    params = params_record(feature.params)
    if params["table"] in ("leads", "accounts"):
        if params.get("op") == "age":
            return f"(epoch_us(c.as_of) - epoch_us(l.created_at)) / {DAY}.0"
        own = {"seniority": "role", "function": "func"}.get(params.get("derive", ""), params["column"])
        return f"{params['table'][0]}.{own}"
    if params.get("scope") == "account" and feature.when_empty is None:
        return f'CASE WHEN l.account_id IS NOT NULL THEN coalesce("{feature.name}", 0.0) END'
    return f'coalesce("{feature.name}", 0.0)' if feature.when_empty == 0.0 else f'"{feature.name}"'


def _texts(values: Iterable[Any]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _engagement(features: Iterable[Feature], visible: str = "") -> str:
    columns = ",\n".join(f'{_expression(f)} AS "{f.name}"' for f in features)
    return f"""
        WITH joined AS (
            SELECT c.row, e.kind, e.asset, e.channel, {AGE.format("happened_at")} FROM cohort c
            LEFT JOIN events e ON e.lead_id = c.lead_id AND e.known_at < c.as_of {visible}
        ) SELECT row, {columns} FROM joined e GROUP BY row
    """


def _expression(feature: Feature) -> str:
    """The feature as a SQL aggregate over the join of cohort c and events e (age in microseconds: ``age``)."""
    params = params_record(feature.params)
    keep = f"e.kind IN ({_texts(params['kinds'])}) AND age > 0"
    op = params["op"]
    window = f" AND age <= {params['window_days'] * DAY}" if params.get("window_days") else ""
    if op == "count":
        return f"count(*) FILTER ({keep}{window})::DOUBLE"
    if op == "recency":
        return f"min(age) FILTER ({keep}) / {DAY}.0"
    if op == "decayed":
        lives = params.get("half_lives") or {params["kinds"][0]: params["half_life_days"]}
        rates = " ".join(f"WHEN '{kind}' THEN {1 / (days * DAY)!r}" for kind, days in lives.items())
        return f"coalesce(sum(pow(2.0, -age * CASE e.kind {rates} END)) FILTER ({keep}), 0.0)"
    if op == "breadth":
        counted = {"lead": "lead_id", "role": "role"}.get(params.get("item", ""), "asset")
        buyers = f" AND e.role IN ({_texts(params['roles'])})" if params.get("roles") else ""
        return f"count(DISTINCT e.{counted}) FILTER ({keep}{window}{buyers})::DOUBLE"
    if op == "active_days":
        return f"count(DISTINCT (age - 1) // {DAY}) FILTER ({keep}{window})::DOUBLE"
    if op == "streak":
        weeks = (
            f"coalesce(bit_or(1::BIGINT << ((age - 1) // {7 * DAY})::INT) FILTER ({keep} AND age <= {364 * DAY}), 0)"
        )
        return f"bit_count(xor({weeks}, {weeks} + 1) >> 1)::DOUBLE"
    if op == "trend":
        short, long = (days * DAY for days in params["windows_days"])
        recent, both = (f"count(*) FILTER ({keep} AND age <= {w})" for w in (short, long))
        expected = f"({both} - {recent}) * {short / (long - short)!r}"
        return f"CASE WHEN {both} > 0 THEN log2(({recent} + 1) / ({expected} + 1)) ELSE 0 END"
    which = {"first_channel": "arg_max", "last_channel": "arg_min"}.get(op)
    if which is None:
        raise NotImplementedError(f"no query for '{op}': add it to _expression in {__file__}")
    return f"{which}(e.channel, age) FILTER ({keep} AND e.channel IS NOT NULL)"


def _events(bots: BotFilter) -> str:
    """The leads' own events, and from when on each counts as a scanner's: a send before it, or a click beside it."""
    after, beside = (f"INTERVAL {round(s * 1000)} MILLISECONDS" for s in (bots.seconds_after_send, bots.burst_seconds))
    return f"""
        CREATE TEMP TABLE events AS WITH prone AS (SELECT * FROM activities WHERE kind = 'kind_0'),
        pairs AS (
            SELECT p.row, s.known_at FROM prone p JOIN activities s ON s.kind = 'mail_sent' AND s.lead_id = p.lead_id
                AND s.happened_at BETWEEN p.happened_at - {after} AND p.happened_at
            UNION ALL SELECT p.row, q.known_at FROM prone p JOIN prone q ON q.lead_id = p.lead_id AND q.row <> p.row
                AND q.happened_at BETWEEN p.happened_at - {beside} AND p.happened_at + {beside}
        ), flagged AS (SELECT row, min(known_at) AS bot_at FROM pairs GROUP BY row)
        SELECT e.lead_id, e.kind, e.happened_at, e.known_at, e.asset, e.channel, f.bot_at
        FROM activities e LEFT JOIN flagged f ON f.row = e.row WHERE e.actor = 'lead'
    """


def _committee(features: list[Feature]) -> str:
    columns = ",\n".join(f'{_expression(f)} AS "{f.name}"' for f in features)
    return f"""
        WITH joined AS (
            SELECT c.row, e.lead_id, e.kind, l.role, {AGE.format("happened_at")}
            FROM cohort c JOIN leads me ON me.lead_id = c.lead_id
            JOIN people l ON l.account_id = me.account_id AND l.known_at < c.as_of
            JOIN events e ON e.lead_id = l.lead_id AND e.known_at < c.as_of
                AND (e.bot_at IS NULL OR e.bot_at >= c.as_of)
        ) SELECT row, {columns} FROM joined e GROUP BY row
    """


def _contacts(features: list[Feature]) -> str:
    def column(feature: Feature) -> str:
        params = params_record(feature.params)
        roles = f" FILTER (l.role IN ({_texts(params['roles'])}))" if params.get("roles") else ""
        if params["op"] == "breadth":
            return "count(DISTINCT l.role)::DOUBLE"
        return f"(count(*){roles} < 1)::DOUBLE" if params.get("test") else f"count(*){roles}::DOUBLE"

    columns = ",\n".join(f'{column(f)} AS "{f.name}"' for f in features)
    return f"""
        SELECT c.row, {columns} FROM cohort c JOIN leads me ON me.lead_id = c.lead_id
        JOIN people l ON l.account_id = me.account_id AND l.known_at < c.as_of GROUP BY c.row
    """


def _outcomes(features: list[Feature]) -> str:
    def column(feature: Feature) -> str:
        params = params_record(feature.params)
        kept = [f"e.won = {won}" for won in params.get("won") or ()]
        kept += [f"e.product = '{product}'" for product in params.get("products") or ()]
        what = "DISTINCT e.product" if params["op"] == "breadth" else "*"
        count = f"count({what}) FILTER ({' AND '.join(kept)})"
        return f"({count} >= 1)::DOUBLE" if params.get("test") else f"{count}::DOUBLE"

    columns = ",\n".join(f'{column(f)} AS "{f.name}"' for f in features)
    return f"""
        SELECT c.row, {columns} FROM cohort c JOIN leads me ON me.lead_id = c.lead_id
        JOIN outcomes e ON e.account_id = me.account_id AND e.known_at < c.as_of AND e.closed_at < c.as_of
        GROUP BY c.row
    """


def _answers(features: list[Feature]) -> str:
    columns = ",\n".join(f'{_answer(f)} AS "{f.name}"' for f in features)
    return f"""
        WITH joined AS (
            SELECT c.row, e.question, e.value, e.channel, {AGE.format("happened_at")} FROM cohort c
            JOIN answers e ON e.lead_id = c.lead_id AND e.known_at < c.as_of AND e.happened_at < c.as_of
        ) SELECT row, {columns} FROM joined GROUP BY row
    """


def _answer(feature: Feature) -> str:
    params = params_record(feature.params)
    if params["op"] == "count":
        by = f" AND channel = '{params['channel']}'" if params["channel"] else ""
        counts = (f"(count(*) FILTER (question = '{name}'{by}) > 0)::DOUBLE" for name in params["questions"])
        return " + ".join(counts)
    asked = f"FILTER (question = '{params['question']}')"
    if params["op"] == "age":
        return f"min(age) {asked} / {DAY}.0"
    value, test = f"arg_min(value, age) {asked}", params.get("test")
    if test and "values" in test:
        return f"({value} IN ({_texts(test['values'])}))::DOUBLE"
    number = f"TRY_CAST({value} AS DOUBLE)"
    if test:
        return f"({number} >= {test['minimum']})::DOUBLE"
    return value if feature.type is FeatureType.CATEGORY else number


_STAGES = f"""
    WITH joined AS (
        SELECT c.row, e.stage, {AGE.format("entered_at")} FROM cohort c
        JOIN stages e ON e.lead_id = c.lead_id AND e.known_at < c.as_of AND e.entered_at < c.as_of
    ) SELECT row, arg_min(stage, age) AS current_stage, min(age) / {DAY}.0 AS time_in_stage,
        count(*) FILTER (stage = 'recycled')::DOUBLE AS recycles FROM joined GROUP BY row
"""
