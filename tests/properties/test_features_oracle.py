"""The kernel equals a slow oracle on worlds full of edges, and what is known later changes nothing."""

import math
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from features.assembly.build_matrix import features_at
from features.catalog.build_catalog import build_catalog
from features.catalog.feature import Catalog, Feature, FeatureType
from features.schema.conditions import Between, IsMissing, Matches, OneOf
from features.schema.operations import (
    ActivityCount,
    ActivityRecency,
    ActivityRows,
    ActivityValueSum,
    AnswerAge,
    AnswerCount,
    AnswerValue,
    ColumnValue,
    Constant,
    CurrentStage,
    LinearSum,
    Params,
)
from features.schema.vocabulary import Dimension, Topic
from tests.reference.features_oracle import Oracle
from tests.reference.worlds import DAY, SECOND, SOURCE, T0, World, frames, moment

AS_OF = (T0, T0 + 7 * DAY)
BORDERS = (0, 7, 14, 30, 56, 90, 365)
EDGES = sorted(
    {T0 - border * DAY + shift for border in BORDERS for shift in (-1, 0, 1)}
    | {AS_OF[1] - border * DAY + shift for border in (0, 7, 30) for shift in (-1, 0, 1)}
    | {T0 - 3 * DAY + s * SECOND + shift for s in (0, 3, 5, 10) for shift in (-1, 0, 1)}
)
LEADS = ("a1", "a2", "b1", "lone")


def extra(name: str, params: Params, when_empty: float | None = 0.0) -> Feature:
    return Feature(
        name=name,
        family="rules",
        dimension=Dimension.FIT,
        topic=Topic.CONTEXT,
        type=FeatureType.NUMBER,
        when_empty=when_empty,
        doc=name,
        unit="count",
        known_when="",
        params=params,
    )


EXTRAS = (
    extra("x_linear", LinearSum(rows=ActivityRows(kinds=("page_view",)), lifespan_days=30)),
    extra("x_sum", ActivityValueSum(rows=ActivityRows(kinds=("page_view", "demo")), window_days=30)),
    extra("x_assets", ActivityCount(rows=ActivityRows(kinds=("page_view",)), distinct_assets=True)),
    extra("x_raw_clicks", ActivityCount(rows=ActivityRows(kinds=("email_click",), exclude_bots=False))),
    extra("x_account_clicks", ActivityCount(rows=ActivityRows(kinds=("email_click",), scope="account"))),
    extra("x_reps", ActivityRecency(rows=ActivityRows(kinds=("call",), actors=("rep",))), None),
    extra("x_fresh", AnswerAge(question="budget", condition=Between(None, 30))),
    extra("x_no_budget", AnswerValue(question="budget", condition=IsMissing(True))),
    extra("x_in_mql", CurrentStage(OneOf(("MQL", "sal")))),
    extra("x_title", ColumnValue(table="leads", column="job_title", condition=Matches("vp*"))),
    extra("x_big", ColumnValue(table="accounts", column="revenue", condition=Between(5, 10))),
    extra("x_seats", AnswerCount(questions=("seats",), channel="form")),
    extra("x_constant", Constant(2.0)),
    extra("x_interests", ColumnValue(table="leads", column="interests", read_as="items")),
    extra("x_crm", ColumnValue(table="leads", column="interests", read_as="items", holds="CRM")),
    extra("x_crm_or_none", ColumnValue(table="leads", column="interests", read_as="items", holds="crm"), None),
    extra("x_said_yes", AnswerValue(question="budget", read_as="items", holds="yes")),
)
CATALOG = Catalog.of(build_catalog(SOURCE), EXTRAS)

times = st.one_of(st.sampled_from(EDGES), st.integers(T0 - 400 * DAY, T0 + 8 * DAY))
lags = st.one_of(st.sampled_from([0, 0, 0, 1, DAY, 40 * DAY, -DAY]), st.integers(0, 20 * DAY))
owners = st.sampled_from(LEADS)
now = st.sampled_from([at + shift for at in AS_OF for shift in (-1, 0, 1)])


@st.composite
def known(draw: st.DrawFn, happened: int) -> int:
    """When a row became known: at once, late, early, or right at a moment that is asked about."""
    return draw(now) if draw(st.integers(0, 3)) == 0 else happened + draw(lags)


@st.composite
def activities(draw: st.DrawFn) -> dict[str, Any]:
    happened = draw(times)
    return {
        "lead_id": draw(owners),
        "activity_id": draw(st.sampled_from([None, None, "e1", "e2"])),
        "kind": draw(st.sampled_from(["page_view", "demo", "email_click", "email_click", "email_send", "call"])),
        "happened_at": happened,
        "known_at": draw(known(happened)),
        "actor": draw(st.sampled_from(["lead", "lead", "rep", None])),
        "asset": draw(st.sampled_from(["pricing/eu", "blog", "docs", None])),
        "channel": draw(st.sampled_from(["web", "mail", None])),
        "value": draw(st.sampled_from([None, 1.0, 2.5])),
    }


@st.composite
def bursts(draw: st.DrawFn) -> list[dict[str, Any]]:
    start, lead_id = draw(times), draw(owners)
    return [
        {
            "lead_id": lead_id,
            "kind": draw(st.sampled_from(["email_click", "email_click", "email_send"])),
            "happened_at": start + draw(st.sampled_from([0, 1, 5, 10])) * SECOND + draw(st.sampled_from([-1, 0, 1])),
            "known_at": start + draw(st.sampled_from([20 * SECOND, 2 * DAY])),
            "actor": "lead",
        }
        for _ in range(draw(st.integers(2, 6)))
    ]


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    happened = draw(times)
    question = draw(st.sampled_from(["budget", "seats", "go_live", "website"]))
    values = {"budget": ["yes", "no", None], "seats": ["5", "12", "many", None], "website": ["shop", None]}
    return {
        "lead_id": draw(owners),
        "question": question,
        "value": draw(st.sampled_from(values.get(question, ["2024-12-01", None]))),
        "happened_at": happened,
        "known_at": draw(known(happened)),
        "channel": draw(st.sampled_from(["form", "call", None])),
    }


@st.composite
def stages(draw: st.DrawFn) -> dict[str, Any]:
    entered = draw(times)
    stage = draw(st.sampled_from(["mql", "sal", "recycled", "lost"]))
    return {"lead_id": draw(owners), "stage": stage, "entered_at": entered, "known_at": draw(known(entered))}


@st.composite
def outcomes(draw: st.DrawFn) -> dict[str, Any]:
    closed = draw(times)
    return {
        "opportunity_id": "o",
        "lead_id": draw(st.sampled_from([*LEADS, None])),
        "account_id": draw(st.sampled_from(["A", "B", None])),
        "closed_at": closed,
        "known_at": draw(known(closed)),
        "won": draw(st.booleans()),
        "product": draw(st.sampled_from(["core", "Core Plus", "plus", None])),
    }


@st.composite
def worlds(draw: st.DrawFn) -> World:
    titles = st.sampled_from(["VP Sales", "CEO", "Kierownik IT", "wizard", None])
    leads = [
        {
            "lead_id": name,
            "created_at": (known := draw(st.sampled_from([T0 - 300 * DAY, T0 - 1, T0, T0 - 5 * DAY]))),
            "known_at": known,
            "account_id": account,
            "job_title": draw(titles),
            "industry": draw(st.sampled_from(["tools", None])),
            "interests": draw(st.sampled_from([None, "", "CRM", "HR; crm;HR", '["CRM, old", "HR"]', "CRM|AI", "a,b"])),
            "employees": draw(st.sampled_from([None, 10.0])),
            "trial_from": draw(st.sampled_from([None, T0 - 10 * DAY])),
        }
        for name, account in zip(LEADS, ("A", "A", "B", None), strict=True)
    ]
    snapshots = [
        {"account_id": draw(st.sampled_from(["A", "B", "C"])), "known_at": at, "revenue": draw(st.sampled_from([4, 6]))}
        for at in draw(st.lists(st.sampled_from([None, T0 - DAY, T0 - 1, T0, T0 + 1]), unique=True, max_size=4))
    ]
    events = draw(st.lists(activities(), max_size=14))
    for burst in draw(st.lists(bursts(), max_size=2)):
        events += burst
    return {
        "leads": leads,
        "accounts": snapshots,
        "activities": events,
        "answers": draw(st.lists(answers(), max_size=6)),
        "stages": draw(st.lists(stages(), max_size=4)),
        "outcomes": draw(st.lists(outcomes(), max_size=4)),
    }


def cells(world: World) -> tuple[list[str], pd.Series, pd.DataFrame]:
    names = [name for name in LEADS for _ in AS_OF]
    when = pd.Series([moment(t) for _ in LEADS for t in AS_OF]).astype("datetime64[us]")
    return names, when, features_at(frames(world), SOURCE, CATALOG, names, when).values


def same(fast: Any, slow: Any) -> bool:
    if slow is None:
        return bool(pd.isna(fast))
    if isinstance(slow, str):
        return bool(fast == slow)
    return not pd.isna(fast) and math.isclose(fast, slow, rel_tol=1e-11, abs_tol=1e-12)


@seed(20241004)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_kernel_equals_oracle(world: World) -> None:
    names, when, values = cells(world)
    oracle = Oracle(world, SOURCE)
    records = values.to_dict(orient="records")
    for name, at, fast in zip(names, when, records, strict=True):
        slow = oracle.row(CATALOG, name, int(np.datetime64(at, "us").astype(np.int64)))
        different = {k: (fast[k], slow[k]) for k in slow if not same(fast[k], slow[k])}
        assert not different, (name, at, different)


@seed(20241005)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.lists(activities(), max_size=6), st.lists(answers(), max_size=3), st.lists(stages(), max_size=2))
def test_rows_known_later_change_nothing(world: World, more: list[Any], said: list[Any], entered: list[Any]) -> None:
    _, _, before = cells(world)
    later = {"activities": more, "answers": said, "stages": entered}
    grown = {
        table: rows
        + [{**row, "known_at": max(row["known_at"], AS_OF[1]), "activity_id": None} for row in later.get(table, [])]
        for table, rows in world.items()
    }
    _, _, after = cells(grown)
    pd.testing.assert_frame_equal(before, after, check_exact=True)


@seed(20241006)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(world: World, random: Any) -> None:
    _, _, before = cells(world)
    shuffled = {table: random.sample(rows, len(rows)) for table, rows in world.items()}
    _, _, after = cells(shuffled)
    pd.testing.assert_frame_equal(before, after, check_exact=True)


@seed(20241007)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_one_lead_with_its_account_gives_the_same_bits(world: World) -> None:
    names, when, batch = cells(world)
    for position, (name, at) in enumerate(zip(names, when, strict=True)):
        account = {"a1": "A", "a2": "A", "b1": "B", "lone": None}[name]
        own = {r["lead_id"] for r in world["leads"] if r["lead_id"] == name or (account and r["account_id"] == account)}
        alone = {
            table: [
                row
                for row in rows
                if (row.get("lead_id") in own or row.get("account_id", "?") == account)
                and not (table == "outcomes" and row["lead_id"] not in own and row["account_id"] != account)
            ]
            for table, rows in world.items()
        }
        one = features_at(frames(alone), SOURCE, CATALOG, [name], at).values
        pd.testing.assert_frame_equal(one, batch.iloc[[position]].reset_index(drop=True), check_exact=True)
