"""The columns of a catalog in polars, joins, filters and aggregations: what the kernel is measured against."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.catalog.feature import Catalog, Feature, FeatureType
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY as DAY
from features.schema.operation_records import params_record
from features.schema.source import BotFilter

if TYPE_CHECKING:
    import polars as pl


def with_polars(tables: dict[str, pd.DataFrame], cohort: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """The columns over a lead's events by a join, a filter and one aggregation; no bot filter."""
    import polars as pl

    left, events = _moments(cohort), pl.from_pandas(tables["activities"]).lazy().filter(pl.col("actor") == "lead")
    found = _over(left, events, "lead_id", "happened_at", catalog)
    frame = left.select("row").join(found, on="row", how="left").sort("row").collect().drop("row").to_pandas()
    counted = [f.name for f in catalog if f.when_empty == 0.0]
    return frame.assign(**{name: frame[name].astype(float).fillna(0.0) for name in counted})


def whole_by_polars(
    tables: dict[str, pd.DataFrame], cohort: pd.DataFrame, catalog: Catalog, titles: pd.DataFrame, bots: BotFilter
) -> pd.DataFrame:
    """Every column of a catalog: one join, filter and aggregation per table and scope, then one row per moment.

    Asked as :func:`tests.benchmarks.catalog_sql.whole_by_duckdb`.
    """
    import polars as pl

    frame = {name: pl.from_pandas(table).lazy() for name, table in tables.items()}
    told = pl.from_pandas(titles).lazy().rename({"seniority": "role", "function": "func"})
    people = frame["leads"].join(told, on="job_title", how="left").rename({"known_at": "lead_known_at"})
    events = _judged(frame["activities"].with_row_index("event"), bots).collect().lazy()
    left = _moments(cohort)
    mine = left.join(people.select("lead_id", "account_id"), on="lead_id").select("row", "as_of", "account_id")
    contacts = people.select("lead_id", "account_id", "role", "lead_known_at").drop_nulls("account_id")
    known = mine.join(contacts, on="account_id").filter(pl.col("lead_known_at") < pl.col("as_of"))
    groups = [
        _over(left, events, "lead_id", "happened_at", _of(catalog, "activities", "lead")),
        _over(left, frame["answers"], "lead_id", "happened_at", _of(catalog, "answers", "lead")),
        _over(left, frame["stages"], "lead_id", "entered_at", _of(catalog, "stages", "lead")),
        _over(known, events, "lead_id", "happened_at", _of(catalog, "activities", "account")),
        known.group_by("row").agg([_aggregate(f).alias(f.name) for f in _of(catalog, "contacts", "account")]),
        _over(mine, frame["outcomes"], "account_id", "closed_at", _of(catalog, "outcomes", "account")),
    ]
    accounts = frame["accounts"].rename({"known_at": "account_known_at"})
    own = left.join(people, on="lead_id", how="left").join(accounts, on="account_id", how="left")
    made = [group.collect().lazy() for group in groups]  # one by one: all at once needs far more memory
    joined = reduce(lambda one, more: one.join(more, on="row", how="left"), made, own).sort("row")
    return joined.select([_column(f).alias(f.name) for f in catalog]).collect().to_pandas()


def _moments(cohort: pd.DataFrame) -> "pl.LazyFrame":
    import polars as pl

    return pl.from_pandas(cohort.assign(row=np.arange(len(cohort)))).lazy().select("row", "lead_id", "as_of")


def _of(catalog: Catalog, table: str, scope: str) -> list[Feature]:
    written = [(f, params_record(f.params)) for f in catalog if f.params.table == table]
    return [f for f, params in written if params.get("scope", "lead") == scope]


def _over(
    left: "pl.LazyFrame", rows: "pl.LazyFrame", key: str, happened: str, features: Iterable[Feature]
) -> "pl.LazyFrame":
    """Aggregates over the rows of each moment's lead or account that are known by then."""
    import polars as pl

    known = pl.col("known_at") < pl.col("as_of")
    if "bot_at" in rows.collect_schema().names():
        known &= pl.col("bot_at").is_null() | (pl.col("bot_at") >= pl.col("as_of"))
    age = (pl.col("as_of") - pl.col(happened)).dt.total_microseconds().alias("age")
    joined = left.join(rows, on=key).filter(known).with_columns(age).filter(pl.col("age") > 0)
    return joined.group_by("row").agg([_aggregate(feature).alias(feature.name) for feature in features])


def _judged(activities: "pl.LazyFrame", bots: BotFilter) -> "pl.LazyFrame":
    """The leads' own events, and from when on each counts as a scanner's: a send before it, or a click beside it."""
    import polars as pl

    after, beside = timedelta(seconds=bots.seconds_after_send), timedelta(seconds=bots.burst_seconds)
    prone = activities.filter(pl.col("kind") == "kind_0").select("event", "lead_id", "happened_at", "known_at")
    sends = activities.filter(pl.col("kind") == "mail_sent").select("lead_id", "happened_at", "known_at")
    ago = pl.col("happened_at") - pl.col("happened_at_right")
    late = prone.join(sends, on="lead_id").filter(ago.is_between(timedelta(0), after))
    near = prone.join(prone, on="lead_id").filter(
        (pl.col("event") != pl.col("event_right")) & ago.is_between(-beside, beside)
    )
    pairs = pl.concat([late.select("event", "known_at_right"), near.select("event", "known_at_right")])
    flagged = pairs.group_by("event").agg(pl.col("known_at_right").min().alias("bot_at"))
    kept = activities.filter(pl.col("actor") == "lead").join(flagged, on="event", how="left")
    return kept.select("lead_id", "kind", "happened_at", "known_at", "asset", "channel", "bot_at")


def _column(feature: Feature) -> Any:
    """A feature's column in the last join: what is empty where, what is read from the lead or account itself."""
    import polars as pl

    params = params_record(feature.params)
    if params["table"] in ("leads", "accounts"):
        clock = pl.col("lead_known_at" if params["table"] == "leads" else "account_known_at")
        if params.get("op") == "age":
            found: Any = (pl.col("as_of") - pl.col("created_at")).dt.total_microseconds() / DAY
        else:
            found = pl.col({"seniority": "role", "function": "func"}.get(params.get("derive", ""), params["column"]))
        return pl.when(clock < pl.col("as_of")).then(found)
    found = pl.col(feature.name)
    if feature.type is FeatureType.NUMBER:
        found = found.cast(pl.Float64)
    if params.get("scope") == "account" and feature.when_empty is None:
        return pl.when(pl.col("account_id").is_not_null()).then(found.fill_null(0.0))
    return found.fill_null(0.0) if feature.when_empty == 0.0 else found


def _aggregate(feature: Feature) -> Any:
    """The feature as an aggregate over the joined rows of its table (age in microseconds: ``age``)."""
    table = params_record(feature.params)["table"]
    makers = {"answers": _answer, "stages": _stage, "contacts": _contact, "outcomes": _outcome}
    return makers.get(table, _activity)(feature)


def _activity(feature: Feature) -> Any:
    import polars as pl

    params, age = params_record(feature.params), pl.col("age")
    keep = pl.col("kind").is_in(list(params["kinds"])) & (age > 0)
    inside = keep & (age <= params["window_days"] * DAY) if params.get("window_days") else keep
    op = params["op"]
    if op == "decayed":
        lives = params.get("half_lives") or {params["kinds"][0]: params["half_life_days"]}
        rate = pl.col("kind").replace_strict({k: 1 / (d * DAY) for k, d in lives.items()}, default=0.0)
        return (2.0 ** (-age * rate)).filter(keep).sum()
    if op == "streak":
        weeks = ((age - 1) // (7 * DAY)).filter(keep & (age <= 52 * 7 * DAY)).unique().sort()
        return (weeks == pl.int_range(weeks.len())).sum()
    if op == "trend":
        short, long = (d * DAY for d in params["windows_days"])
        recent, both = (keep & (age <= short)).sum(), (keep & (age <= long)).sum()
        ratio = (recent + 1) / ((both.cast(pl.Float64) - recent) * (short / (long - short)) + 1)
        return pl.when(both > 0).then(ratio.log(2)).otherwise(0.0)
    counted = pl.col({"lead": "lead_id", "role": "role"}.get(params.get("item", ""), "asset"))
    if params.get("roles"):
        inside = inside & pl.col("role").is_in(list(params["roles"]))
    known: dict[str, Callable[[], Any]] = {
        "count": lambda: inside.sum(),
        "recency": lambda: age.filter(keep).min() / DAY,
        "breadth": lambda: counted.filter(inside).drop_nulls().n_unique(),
        "active_days": lambda: ((age - 1) // DAY).filter(inside).n_unique(),
        "first_channel": lambda: pl.col("channel").filter(keep).sort_by(age.filter(keep)).last(),
        "last_channel": lambda: pl.col("channel").filter(keep).sort_by(age.filter(keep)).first(),
    }
    if op not in known:
        raise NotImplementedError(f"no query for '{op}': add it to _activity in {__file__}")
    return known[op]()


def _answer(feature: Feature) -> Any:
    import polars as pl

    params, age = params_record(feature.params), pl.col("age")
    if params["op"] == "count":
        by = pl.lit(True) if params["channel"] is None else pl.col("channel") == params["channel"]
        asked = [((pl.col("question") == name) & by).any().cast(pl.Float64) for name in params["questions"]]
        return pl.sum_horizontal(asked)
    mine = pl.col("question") == params["question"]
    if params["op"] == "age":
        return age.filter(mine).min() / DAY
    value, test = pl.col("value").filter(mine).sort_by(age.filter(mine)).first(), params.get("test")
    if test and "values" in test:
        return value.is_in(list(test["values"]))
    number = value.cast(pl.Float64, strict=False)
    if test:
        return number >= test["minimum"]
    return value if feature.type is FeatureType.CATEGORY else number


def _stage(feature: Feature) -> Any:
    import polars as pl

    return {
        "current_known": lambda: pl.col("stage").sort_by("age").first(),
        "time_in_stage": lambda: pl.col("age").min() / DAY,
        "recycles": lambda: (pl.col("stage") == "recycled").sum(),
    }[params_record(feature.params)["op"]]()


def _contact(feature: Feature) -> Any:
    import polars as pl

    roles = params_record(feature.params).get("roles")
    if params_record(feature.params)["op"] == "breadth":
        return pl.col("role").drop_nulls().n_unique()
    count = pl.col("role").is_in(list(roles)).sum() if roles else pl.len()
    return count < 1 if params_record(feature.params).get("test") else count


def _outcome(feature: Feature) -> Any:
    import polars as pl

    params, keep = params_record(feature.params), pl.lit(True)
    for won in params.get("won") or ():
        keep = keep & (pl.col("won") == (won == "true"))
    for product in params.get("products") or ():
        keep = keep & (pl.col("product") == product)
    if params["op"] == "breadth":
        return pl.col("product").filter(keep).n_unique()
    count = keep.sum()
    return count >= 1 if params.get("test") else count
