"""Segments: lines shrunk to the common one, bars that add up, own models only where they win, the same in a bundle."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from features.assembly.frameless_rows import PlainRows
from features.catalog.segment_feature import segment_feature
from features.cohort.splits import Chop
from features.errors import SourceError
from features.matrix import Matrix
from features.schema.load_source import parse_source
from features.schema.source import Capacity
from models.bundle import Bundle, load_bundle, save_bundle
from models.calibration.segment_levels import COMMON, SegmentLevels, SegmentLine, fit_segment_levels
from models.candidates.segmented import SegmentedModel
from models.explaining.framework import load_framework
from models.explaining.model_bars import SEGMENT_LEVEL, segment_contribution
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.scoring import score
from models.settings import TrainSettings
from models.training.fit_bundle import fit_bundle
from models.training.recipe import Recipe, backtest_candidates
from models.training.segment_decision import judge_segments
from models.training.segment_models import OwnTried, largest_segments, slope_apart
from models.training.segmentation import Segmentation
from models.training.twin import common_model, evaluate_twin, fit_twin
from models.training.verdict import Decision, decide
from tests.reference.segment_worlds import Differences, segment_matrix, segment_world
from tests.reference.toy import CATALOG, toy_chop, toy_matrix

SETTINGS = TrainSettings.tiny()
META = {"source": "toy", "horizon_days": 90}
CAPACITY = SnapshotCapacity(Capacity(share=0.1))
DIFFER = [Differences(level=0.6), Differences(slope=0.5), Differences(level=0.6, snapshots=4)]
LINES = SegmentLevels(
    lines={
        "boss": SegmentLine(shift=0.7, factor=1.3, middle=-0.5, variance=0.02),
        "clerk": SegmentLine(shift=-0.4, factor=0.8, middle=-1.5, variance=0.01),
    },
    between=0.2,
)


@cache
def judged(opposed: bool) -> tuple[Matrix, Chop, Recipe]:
    """A matrix of three segments, and the decision on them."""
    matrix = segment_matrix(1600, seed=3, opposed=opposed)
    chop = toy_chop(len(matrix))
    found = backtest_candidates(matrix, chop, SETTINGS)
    # the linear model alone: the booster learns what sets segments apart, and then nothing is left to show
    decision = replace(decide(matrix, found, SETTINGS), winner="linear", weights={"linear": 1.0})
    recipe = Recipe(backtest=found, decision=decision, settings=SETTINGS)
    segments = judge_segments(matrix, chop, found, common_model(recipe), SETTINGS, feature="title", capacity=CAPACITY)
    return matrix, chop, replace(recipe, decision=replace(decision, segments=segments))


def with_lines(recipe: Recipe) -> Recipe:
    decided = recipe.decision.segments
    assert decided is not None
    return replace(recipe, decision=replace(recipe.decision, segments=replace(decided, levels=LINES)))


@cache
def bundled(opposed: bool) -> tuple[Matrix, Bundle]:
    matrix, chop, recipe = judged(opposed)
    return matrix, fit_bundle(matrix, chop.final.train, with_lines(recipe), meta=META, facts={})


@pytest.mark.parametrize("segments", [3, 12])
def test_segments_that_do_not_differ_cost_next_to_nothing(segments: int) -> None:
    """Mean regret over seeds under a thousandth of log loss, even without the rule that asks for a gain out of fold."""
    regret = []
    for seed in range(8):
        world = segment_world(4000, segments, Differences(), seed)
        lines = fit_segment_levels(world.rows, 1.0)
        regret.append(world.loss(lines.apply(world.log_odds, world.segment)) - world.loss(world.log_odds))
    assert np.mean(regret) < 0.001 and max(regret) < 0.004


@pytest.mark.parametrize(
    "differ", [Differences(level=0.6), Differences(slope=0.5), Differences(level=0.6, snapshots=4)]
)
def test_segments_that_differ_gain(differ: Differences) -> None:
    gain = []
    for seed in range(6):
        world = segment_world(6000, 12, differ, seed)
        lines = fit_segment_levels(world.rows, 1.0)
        gain.append(world.loss(world.log_odds) - world.loss(lines.apply(world.log_odds, world.segment)))
    assert np.mean(gain) > 0.004


def test_snapshots_of_one_lead_are_not_taken_for_many_leads() -> None:
    """Eight rows a lead and no difference: as rows of their own they would look like segments far apart."""
    between = [
        fit_segment_levels(segment_world(3200, 10, Differences(snapshots=8), seed).rows, 1.0).between
        for seed in range(8)
    ]
    assert np.mean(between) < 0.05


def test_an_own_model_must_win_in_most_blocks_beyond_what_many_tries_allow_and_by_enough() -> None:
    wins = OwnTried(slope=1.0, saved=0.03, ci=(0.01, 0.05), better=3, blocks=4, rows=900, won=90, least=0.002)
    assert wins.wins
    assert not replace(wins, better=2).wins
    assert not replace(wins, ci=(-0.001, 0.061)).wins
    assert not replace(wins, tried=40).wins
    assert replace(wins, least=0.04).beyond_noise and not replace(wins, least=0.04).wins
    assert not replace(wins, ci=(None, None)).wins


@pytest.mark.parametrize("blocks", [4, 1])
def test_an_own_model_is_judged_by_a_slope_that_other_rows_show(blocks: int) -> None:
    """Whatever becomes of the leads of a block, what they are judged by is the same; weeks of a lead go together."""
    rows = segment_world(2000, 3, Differences(snapshots=2), 0, blocks=blocks).rows
    raw = 2.0 * rows.log_odds
    sloped = slope_apart(rows, raw, seed=0)
    assert ((sloped / raw > 0.3) & (sloped / raw < 0.9)).all(), "twice too steep, so it is drawn in"
    for block in np.unique(rows.block)[:3]:
        mine = rows.block == block if blocks > 1 else rows.lead == rows.lead[0]
        other = replace(rows, won=np.where(mine, 1.0 - rows.won, rows.won))
        again = slope_apart(other, raw, seed=0)
        assert (again[mine] == sloped[mine]).all() and (again[~mine] != sloped[~mine]).any()


def test_a_segment_of_few_rows_is_drawn_to_the_common_line_and_one_never_seen_follows_it() -> None:
    world = segment_world(6000, 12, Differences(level=0.8), 1)
    few = np.flatnonzero(world.rows.segment == "segment 0")[:5]
    rows = world.rows.take(np.r_[np.flatnonzero(world.rows.segment != "segment 0"), few])
    rows = replace(rows, won=np.where(rows.segment == "segment 0", 1.0, rows.won))
    lines = fit_segment_levels(rows, 1.0)
    large = max(abs(line.shift) for line in lines.lines.values())
    assert lines.lines["segment 0"].variance > 0.4 * lines.between and large < 3
    never = np.array(["elsewhere", ""], dtype=object)
    assert lines.apply(np.array([0.3, -0.4]), never).tolist() == [0.3, -0.4]
    assert lines.variance(never).tolist() == [lines.between] * 2


def test_a_segment_of_few_leads_or_of_one_account_has_no_line_however_often_it_is_looked_at() -> None:
    """Weekly looks at one lead of a town would put the town's name into bundle and report."""
    world = segment_world(6000, 12, Differences(level=0.8), 1)
    at = np.flatnonzero(world.rows.segment == "segment 0")[:40]
    rows = world.rows.take(np.r_[np.flatnonzero(world.rows.segment != "segment 0"), at])
    mine, apart = rows.segment == "segment 0", 10_000 + np.arange(len(rows.won))
    for leads, accounts, named in ((1, 1, False), (4, 4, False), (5, 5, True), (5, 2, True), (40, 1, False)):
        looked = replace(
            rows,
            lead=np.where(mine, apart % leads, apart),
            group=np.where(mine, apart % accounts, apart),
        )
        assert ("segment 0" in fit_segment_levels(looked, 1.0).lines) == named
        assert ("segment 0" in largest_segments(looked)) == named
        assert "segment 1" in largest_segments(looked)


def test_a_segment_without_a_win_stays_finite() -> None:
    world = segment_world(3000, 4, Differences(level=0.5), 2)
    rows = replace(world.rows, won=np.where(world.rows.segment == "segment 1", 0.0, world.rows.won))
    line = fit_segment_levels(rows, 1.0).lines["segment 1"]
    assert -4 < line.shift < 0 and line.factor > 0


def test_one_segment_is_the_common_one() -> None:
    world = segment_world(500, 3, Differences(level=1.0), 0)
    rows = replace(world.rows, segment=np.full(len(world.rows.won), "all", dtype=object))
    assert fit_segment_levels(rows, 1.0) is COMMON


def test_the_decision_says_per_segment_what_and_why_and_survives_its_record() -> None:
    decided = judged(False)[2].decision.segments
    assert decided is not None
    assert Segmentation.restore(decided.record()) == decided
    assert {one.segment for one in decided.findings} == {"boss", "clerk", "student"}
    for one in decided.findings:
        assert one.rows > one.won > 0 and one.why
    assert not decided.own, decided.record()
    assert "title" in decided.sentence and "standard error" in decided.sentence


def test_a_segment_that_wins_by_what_speaks_against_others_gets_its_own_model() -> None:
    matrix, chop, recipe = judged(True)
    decided = recipe.decision.segments
    assert decided is not None and "student" in decided.own
    finding = next(one for one in decided.findings if one.segment == "student")
    assert finding.own_gain is not None and finding.own_gain > 0.05 and finding.own_ci is not None
    assert finding.own_ci[0] is not None and finding.own_ci[0] > 0
    assert "A model of its own" in finding.why and f"{finding.won:,} won" in finding.why

    twin = fit_twin(matrix, chop, recipe.backtest, SETTINGS)
    plain = replace(recipe, decision=replace(recipe.decision, segments=None))
    losses = [evaluate_twin(twin, matrix, chop, one, CAPACITY).figures["linear"]["log_loss"] for one in (plain, recipe)]
    assert losses[1] < losses[0] - 0.02


@pytest.mark.parametrize("opposed", [False, True])
def test_bars_add_up_and_the_segment_has_its_own(opposed: bool) -> None:
    matrix, bundle = bundled(opposed)
    model = bundle.components[SegmentedModel.name]
    assert isinstance(model, SegmentedModel) and bool(model.own) is opposed
    raw, parts = bundle.explain(matrix.values)
    assert parts.names[-1] == segment_contribution("title")
    assert np.abs(parts.log_odds - bundle.log_odds(matrix.values)).max() < 1e-9
    assert np.abs(bundle.raw_log_odds(matrix.values) - raw).max() < 1e-12

    scored = score(bundle, matrix.take(np.arange(200)), load_framework("bant"))
    frame = scored.frame
    points = [name for name in frame.columns if name.startswith("points_")]
    assert points[-2:] == [f"points_{SEGMENT_LEVEL}", "points_clip"]
    assert (50 + frame[points].sum(axis=1) == frame["score"]).all()
    assert (frame["probability_low"] <= frame["probability"]).all()
    card = scored.card(int(np.argmax(np.abs(frame[f"points_{SEGMENT_LEVEL}"]))))
    bar = next(row for row in card["criteria"] if row["id"] == SEGMENT_LEVEL)
    assert bar["label"] == "Level of the segment" and "status" not in bar
    assert f"leads of this title win {'more' if bar['points'] > 0 else 'less'} often" in bar["facts"][0]["text"]
    assert 50 + card["points_base"] + card["points_clip"] + sum(c["points"] for c in card["criteria"]) == card["score"]


def test_the_slope_of_a_segment_scales_its_contributions() -> None:
    matrix, bundle = bundled(False)
    model = bundle.components[SegmentedModel.name]
    assert isinstance(model, SegmentedModel)
    plain = model.components["linear"].contributions(matrix.values)
    parts = bundle.contributions(matrix.values)
    for title, factor in (("boss", 1.3), ("clerk", 0.8), ("student", 1.0)):
        rows = (matrix.values["title"] == title).to_numpy()
        assert np.allclose(parts.values[rows, :-1], bundle.calibration.slope * factor * plain.values[rows])
    assert np.ptp(parts.values[(matrix.values["title"] == "student").to_numpy(), -1]) == 0.0


@pytest.mark.parametrize("opposed", [False, True])
def test_one_lead_alone_scores_bit_by_bit_as_among_others(opposed: bool) -> None:
    matrix, bundle = bundled(opposed)
    raw, parts = bundle.explain(matrix.values)
    variance = bundle.level_variance(matrix.values)
    assert variance is not None
    for row in (0, 1, 2, 3, 17, 40):
        one = PlainRows.of(matrix.values.iloc[[row]], CATALOG)
        alone, its = bundle.explain(one)
        assert alone[0] == raw[row] and its.names == parts.names
        assert (its.values[0] == parts.values[row]).all()
        assert bundle.chances(alone, bundle.level_variance(one)) == tuple(
            end[row : row + 1] for end in bundle.chances(raw, variance)
        )


@pytest.mark.parametrize("opposed", [False, True])
def test_a_bundle_with_segments_survives_the_disk(opposed: bool, tmp_path: Path) -> None:
    matrix, bundle = bundled(opposed)
    assert save_bundle(bundle, tmp_path) == load_bundle(tmp_path).hash
    again = load_bundle(tmp_path)
    assert (again.log_odds(matrix.values) == bundle.log_odds(matrix.values)).all()
    assert again.meta["segments"]["feature"] == "title"


def test_the_level_of_an_own_model_is_known_the_less_the_fewer_rows_it_has(tmp_path: Path) -> None:
    matrix, chop, recipe = judged(True)
    assert recipe.decision.segments is not None
    own_alone = replace(
        recipe, decision=replace(recipe.decision, segments=replace(recipe.decision.segments, levels=COMMON))
    )
    student = (matrix.values["title"] == "student").to_numpy()
    train = chop.final.train
    few = np.r_[train[~student[train]], train[student[train]][::5]]
    unknown, width = [], []
    for place, rows in enumerate((train, np.sort(few))):
        bundle = fit_bundle(matrix, rows, own_alone, meta=META, facts={})
        model = bundle.components[SegmentedModel.name]
        assert isinstance(model, SegmentedModel) and "student" in model.own
        variance = model.level_variance(matrix.values)
        assert np.ptp(variance[student]) == 0.0
        _, low, high = bundle.probability(matrix.values)
        without = bundle.chances(bundle.raw_log_odds(matrix.values))
        assert ((high - low)[student] > (without[2] - without[1])[student]).all()
        unknown.append(float(variance[student][0]))
        width.append(float((high - low)[student].mean()))

        save_bundle(bundle, tmp_path / str(place))
        assert (load_bundle(tmp_path / str(place)).probability(matrix.values)[1] == low).all()
    assert unknown[1] > 2 * unknown[0] > 0 and width[1] > width[0]


def test_an_older_bundle_s_own_model_is_as_certain_as_its_line() -> None:
    matrix, bundle = bundled(True)
    model = bundle.components[SegmentedModel.name]
    assert isinstance(model, SegmentedModel)
    state = model.state()
    for own in state["own"].values():
        del own["variance"]
    old = SegmentedModel.restore(state, model.files())
    assert old.state() == state
    assert (old.level_variance(matrix.values) == LINES.variance(matrix.values["title"].to_numpy(dtype=object))).all()


def test_a_probability_of_an_unknown_segment_is_less_certain() -> None:
    matrix, bundle = bundled(False)
    known = matrix.values.iloc[:50].assign(title="clerk").astype(matrix.values.dtypes)
    strange = known.assign(title="astronaut").astype(matrix.values.dtypes)
    width = [high - low for _, low, high in (bundle.probability(known), bundle.probability(strange))]
    assert width[1].mean() > width[0].mean()


def declare(segment: str) -> str:
    return (
        "name: toy\nkind: flat\nflat: {target: {column: status, won: [w], lost: [l]}}\n"
        f"model: {{segment: {segment}}}\n"
        "tables: {leads: {location: {file: f.csv},\n"
        "  columns: {title: {}, visits: {type: number}, status: {role: display}}}}\n"
    )


def test_a_segment_is_a_category_the_model_may_know() -> None:
    found = segment_feature(CATALOG, parse_source(declare("title")))
    assert found is not None and found.name == "title"
    for wrong in ("visits", "country"):
        with pytest.raises(SourceError, match=r"line \d+|model, segment") as refused:
            segment_feature(CATALOG, parse_source(declare(wrong), where="toy.yaml"))
        assert f"'{wrong}'" in refused.value.message and "title" in refused.value.message
    plain = parse_source(declare("title").replace("model: {segment: title}\n", ""))
    assert segment_feature(CATALOG, plain) is None and "model" not in plain.model_dump()


def test_a_decision_without_segments_writes_the_same_bundle() -> None:
    matrix = toy_matrix(600, seed=4)
    found = backtest_candidates(matrix, toy_chop(600), SETTINGS)
    decision: Decision = decide(matrix, found, SETTINGS)
    bundle = fit_bundle(
        matrix, np.arange(600), Recipe(backtest=found, decision=decision, settings=SETTINGS), meta=META, facts={}
    )
    assert SegmentedModel.name not in bundle.components and "segments" not in bundle.meta
    assert bundle.level_variance(matrix.values) is None
