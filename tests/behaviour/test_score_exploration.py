"""Exploration: off by default; when declared, seeded, logged once per week, and weighed when outcomes are known."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from features.cohort.cohort import cutoff_of, keys_of
from features.cohort.labels import label
from models.bundle import Bundle, load_bundle
from pipelines.registry.champion import read_champion
from pipelines.scoring.exploration import LOG, draws_of_week, explore, judge_log, keep_log, places_of
from pipelines.stages.score import run_score
from pipelines.workspace.atomic_files import read_json, read_parquet, write_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.standing_feedback import FEEDBACK
from pipelines.workspace.table_files import load_tables
from tests.reference.tiny_run import TinyRun


@pytest.fixture
def exploring(tiny_demo: TinyRun, tmp_path: Path) -> Context:
    """The tiny run with a quarter of its places drawn at random, and a folder of its own for the log."""
    context = tiny_demo.context
    capacity = context.source.capacity.model_copy(update={"exploration_share": 0.25, "exploration_seed": 5})
    paths = replace(context.paths, data_dir=tmp_path)
    shutil.copytree(context.paths.matrix, paths.matrix)
    return replace(context, source=context.source.model_copy(update={"capacity": capacity}), paths=paths)


def trained_until(bundle: Bundle, moment: pd.Timestamp) -> Bundle:
    """The bundle as if its last label had been known at a moment."""
    return replace(bundle, meta={**bundle.meta, "trained_through": moment.isoformat()})


def worklist(run: TinyRun) -> pd.DataFrame:
    return read_parquet(run.context.paths.score / "worklist.parquet")


def test_nothing_is_drawn_unless_declared(tiny_demo: TinyRun) -> None:
    listed = worklist(tiny_demo)
    assert not len(explore(tiny_demo.context, listed, listed["probability"].to_numpy(), "b"))
    assert read_json(tiny_demo.context.paths.score / "exploration.json") == {"version": 1}
    assert not (tiny_demo.context.paths.root / LOG).exists()
    assert set(listed["place"]) == {""}


def test_a_quarter_of_the_places_is_drawn_logged_once_and_stands(tiny_demo: TinyRun, exploring: Context) -> None:
    listed = worklist(tiny_demo)
    week = explore(exploring, listed, listed["probability"].to_numpy(), "bundle")
    assert len(week) == 20 and week["explored"].sum() == 5
    pd.testing.assert_frame_equal(week, explore(exploring, listed, listed["probability"].to_numpy(), "bundle"))
    assert places_of(listed, week).value_counts().to_dict() == {"": len(listed) - 20, "best": 15, "drawn": 5}
    ours = listed[listed["lead_list"].isin(["to_hand_off", "watching"]).to_numpy()]
    assert set(ours["lead_id"].head(15)) == set(week.loc[~week["explored"], "lead_id"])
    assert set(week["lead_id"]) <= set(ours["lead_id"]), "no place is spent on a lead that sales has"
    first = keep_log(exploring, week)
    again = keep_log(exploring, week.assign(propensity=0.5))
    pd.testing.assert_frame_equal(again, first, check_dtype=False)
    assert len(keep_log(exploring, week.assign(as_of=week["as_of"] + pd.Timedelta(days=7)))) == 40


def test_a_list_made_every_night_hands_out_the_places_of_a_week_once(tiny_demo: TinyRun, exploring: Context) -> None:
    """Whatever the scores of the next night; the Monday after begins another week."""
    listed = worklist(tiny_demo)
    tables, bundle = load_tables(tiny_demo.context.paths), load_bundle(read_champion(tiny_demo.context.paths).folder)
    monday = pd.Timestamp("2026-06-01")
    nights = [monday, monday + pd.Timedelta(days=1), monday + pd.Timedelta(days=6, hours=23)]
    of_night, log = [], pd.DataFrame()
    for night, score in zip(nights, (1.0, -1.0, 0.5), strict=True):
        tonight = listed.assign(as_of=night)
        log = keep_log(exploring, explore(exploring, tonight, score * listed["probability"].to_numpy(), "b"))
        of_night.append(draws_of_week(log, night)["lead_id"].tolist())
    places = exploring.source.capacity.handoffs_per_week
    assert len(log) == places == len(of_night[0])
    assert of_night[0] == of_night[1] == of_night[2]
    assert judge_log(exploring, tables, log, bundle, None)["weeks"] == 1

    after = monday + pd.Timedelta(days=7)
    assert not len(draws_of_week(log, after))
    log = keep_log(exploring, explore(exploring, listed.assign(as_of=after), listed["probability"].to_numpy(), "b"))
    assert len(draws_of_week(log, after)) == places
    assert judge_log(exploring, tables, log, bundle, None)["weeks"] == 2

    nightly = pd.concat([draws_of_week(log, monday).assign(as_of=night) for night in nights])  # as it was kept before
    found = judge_log(exploring, tables, nightly, bundle, None)
    assert (found["weeks"], found["logged"]) == (1, places)


def test_weighed_by_the_chance_the_log_tells_of_all_open_leads(tiny_demo: TinyRun, exploring: Context) -> None:
    """Every open lead of four past weeks is logged, most of them by a rare draw: the truth is known exactly."""
    context = tiny_demo.context
    tables, champion = load_tables(context.paths), read_champion(context.paths)
    keys = load_matrix(context.paths.matrix).keys
    moments = sorted(keys["as_of"].unique())[20:24]
    part = keys[keys["as_of"].isin(moments).to_numpy()].reset_index(drop=True)
    log = pd.DataFrame(
        {
            "lead_id": part["lead_id"],
            "as_of": part["as_of"],
            "explored": part.index % 4 > 0,
            "propensity": [0.2 if k % 4 else 1.0 for k in part.index],
        }
    )
    truth = label(
        keys_of(tables, context.source, log["lead_id"].tolist(), log["as_of"]),
        tables,
        context.source,
        cutoff_of(tables, context.source),
    )["label"]
    before = trained_until(load_bundle(champion.folder), pd.Timestamp(moments[0]))
    found = judge_log(exploring, tables, log, before, -1.0)
    rows = {row["policy"]: row for row in found["estimates"]}
    weight = 1 / log["propensity"]
    assert found["matured"] == len(log)
    assert rows["everybody not yet with sales"]["precision"] == pytest.approx((truth * weight).sum() / weight.sum())
    drawn = log["explored"].to_numpy()
    assert rows["drawn at random from the rest"]["precision"] == pytest.approx(truth[drawn].mean())
    assert rows["handed off for being best"]["leads"] == (~drawn).sum()
    assert rows["the present bundle from its threshold on"]["effective"] < drawn.sum() + (~drawn).sum()
    few = judge_log(exploring, tables, log.head(5), load_bundle(champion.folder), None)
    assert few["estimates"] == [] and "an estimate needs 30" in few["sentence"]
    assert judge_log(exploring, tables, log.head(0), load_bundle(champion.folder), None) == {}


def four_weeks(run: TinyRun) -> pd.DataFrame:
    """A log in which every open lead of four past weeks had a place for sure."""
    keys = load_matrix(run.context.paths.matrix).keys
    part = keys[keys["as_of"].isin(sorted(keys["as_of"].unique())[20:24]).to_numpy()].reset_index(drop=True)
    return pd.DataFrame({"lead_id": part["lead_id"], "as_of": part["as_of"], "explored": False, "propensity": 1.0})


def test_a_bundle_is_not_judged_by_what_it_learned_from(tiny_demo: TinyRun, exploring: Context) -> None:
    tables, bundle = load_tables(tiny_demo.context.paths), load_bundle(read_champion(tiny_demo.context.paths).folder)
    log = four_weeks(tiny_demo)
    log = log.assign(open=log.groupby("as_of")["lead_id"].transform("size"))
    moments, ours = sorted(log["as_of"].unique()), "the present bundle from its threshold on"

    def said(bundle: Bundle) -> tuple[int | None, str]:
        found = judge_log(exploring, tables, log, bundle, -99.0)
        assert found["matured"] == len(log)
        return {row["policy"]: row["leads"] for row in found["estimates"]}.get(ours), found["sentence"]

    leads, sentence = said(bundle)
    assert leads is None and "The present bundle is not judged: it did not learn from the outcome of 0" in sentence
    leads, sentence = said(replace(bundle, meta={**bundle.meta, "trained_through": None}))
    assert leads is None and "is not judged" in sentence
    assert said(trained_until(bundle, moments[0]))[0] == len(log)

    later = moments[2]
    keys = keys_of(tables, exploring.source, log["lead_id"].tolist(), log["as_of"])
    known = label(keys, tables, exploring.source, cutoff_of(tables, exploring.source))["label_known_at"]
    matrix = load_matrix(exploring.paths.matrix)
    learned = set(matrix.keys.loc[(matrix.label_known_at <= later).to_numpy() & matrix.matured, "lead_id"])
    unseen = (known > later) & ((log["as_of"] >= later) | ~log["lead_id"].isin(learned))
    leads, sentence = said(trained_until(bundle, later))
    assert leads == int(unseen.sum()) < len(log)
    assert f"judged on the {leads:,} whose outcome it did not learn from" in sentence


def test_leads_the_source_leaves_out_are_left_out_of_the_estimates(tiny_demo: TinyRun, exploring: Context) -> None:
    tables, bundle = load_tables(tiny_demo.context.paths), load_bundle(read_champion(tiny_demo.context.paths).folder)
    strict = exploring.source.label.model_copy(update={"disqualified": "excluded", "never_worked": "excluded"})
    source, log = exploring.source.model_copy(update={"label": strict}), four_weeks(tiny_demo)
    labels = label(
        keys_of(tables, source, log["lead_id"].tolist(), log["as_of"]), tables, source, cutoff_of(tables, source)
    )
    out = labels["excluded"].to_numpy(dtype=bool)
    found = judge_log(replace(exploring, source=source), tables, log, bundle, None)
    assert found["left_out"] == out.sum() > 0 and found["matured"] == (~out).sum()
    assert found["estimates"][0]["precision"] == pytest.approx(labels["label"][~out].mean())
    assert f"{out.sum():,} more are left out: disqualified or never worked" in found["sentence"]


def test_no_place_is_spent_on_a_lead_that_must_not_be_contacted(tiny_demo: TinyRun, exploring: Context) -> None:
    listed = worklist(tiny_demo)
    week = explore(exploring, listed, listed["probability"].to_numpy(), "bundle")
    quiet = listed.assign(silenced=listed["lead_id"].isin(week["lead_id"]))
    others = explore(exploring, quiet, quiet["probability"].to_numpy(), "bundle")
    assert len(others) == len(week) and not set(others["lead_id"]) & set(week["lead_id"])
    assert set(others["open"]) == {week["open"].iloc[0] - len(week)}
    assert set(places_of(quiet, week)) == {""}, "the log of the week stands, and nobody is sent to them"


def test_no_place_is_spent_on_a_lead_that_sales_put_aside(tiny_copy: TinyRun) -> None:
    capacity = tiny_copy.context.source.capacity.model_copy(update={"exploration_share": 0.25})
    source = tiny_copy.context.source.model_copy(update={"capacity": capacity})
    context, paths = replace(tiny_copy.context, source=source), tiny_copy.context.paths
    names = ["id", "lead_id", "verdict", "expires_at", "undoes", "state", "next_action", "known_at"]

    listed = worklist(tiny_copy)
    week = explore(context, listed, listed["probability"].to_numpy(), "bundle")
    aside = week["lead_id"].tolist()[:6]
    rows = [(at, lead, ("snooze", "reject")[at % 2], *([None] * 5)) for at, lead in enumerate(aside)]
    frame = pd.DataFrame(rows, columns=names).astype({"expires_at": "datetime64[us]", "undoes": "Float64"})
    write_parquet(paths.ingest / FEEDBACK, frame)
    run_score(context)
    drawn = read_parquet(paths.root / LOG)
    assert len(drawn) == len(week) == 20 and not set(drawn["lead_id"]) & set(aside)
    assert set(drawn["open"]) == {week["open"].iloc[0] - len(aside)}

    write_parquet(paths.root / LOG, week.assign(bundle="b"))  # drawn before sales put them aside
    run_score(context)
    placed = worklist(tiny_copy).set_index("lead_id")["place"]
    assert set(placed[placed != ""].index) == set(week["lead_id"]) - set(aside), "the log stands; nobody is sent there"


def test_without_a_draw_nothing_is_said_of_everybody(tiny_demo: TinyRun, exploring: Context) -> None:
    """The best alone do not stand for the leads left over; a week without any left over does."""
    tables, log = load_tables(tiny_demo.context.paths), four_weeks(tiny_demo)
    moments = sorted(log["as_of"].unique())
    bundle = trained_until(load_bundle(read_champion(tiny_demo.context.paths).folder), moments[0])

    def said(log: pd.DataFrame) -> tuple[set[str], str]:
        found = judge_log(exploring, tables, log, bundle, -1.0)
        return {row["policy"] for row in found["estimates"]}, found["sentence"]

    everybody, ours = "everybody not yet with sales", "the present bundle from its threshold on"
    for undrawn in (log, log.assign(open=10_000)):
        policies, sentence = said(undrawn)
        assert policies == {"handed off for being best"}
        assert "describe the best alone and not all open leads" in sentence
    weekly = log.groupby("as_of")["lead_id"].transform("size")
    assert said(log.assign(open=weekly))[0] == {"handed off for being best", everybody, ours}

    drawn = (log["as_of"] == moments[0]) & (log.index % 3 == 0)
    policies, sentence = said(log.assign(explored=drawn, propensity=1.0 - 0.8 * drawn))
    assert everybody in policies and "none could be drawn (3)" in sentence


def test_a_bundle_is_not_judged_by_the_best_alone(tiny_demo: TinyRun, exploring: Context) -> None:
    """All weeks could draw; those with outcomes that the bundle did not learn from happened to draw nobody."""
    tables, log = load_tables(tiny_demo.context.paths), four_weeks(tiny_demo).assign(propensity=0.9)
    later = sorted(log["as_of"].unique())[2]
    bundle = trained_until(load_bundle(read_champion(tiny_demo.context.paths).folder), later)
    everybody, ours = "everybody not yet with sales", "the present bundle from its threshold on"

    def said(drawn: pd.Series) -> tuple[set[str], str]:
        found = judge_log(exploring, tables, log.assign(explored=drawn), bundle, -99.0)
        return {row["policy"] for row in found["estimates"]}, found["sentence"]

    matrix = load_matrix(exploring.paths.matrix)
    learned = matrix.keys.loc[(matrix.label_known_at <= later).to_numpy() & matrix.matured, "lead_id"]
    policies, sentence = said((log["as_of"] < later) & log["lead_id"].isin(learned))
    assert everybody in policies and ours not in policies
    assert "is not judged: of the" in sentence and "none was drawn from leads that the score" in sentence
    policies, sentence = said(pd.Series(log.index % 3 == 0))
    assert ours in policies and "The present bundle is judged on the" in sentence
