"""Score: the open leads of now, ranked and explained; where a flat source has none, the test rows, by the twin."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.assembly.rule_values import rule_values_on
from features.assembly.values_again import require_same_rows
from features.errors import DataError
from features.matrix import Matrix
from features.schema.vocabulary import TRAINED, Role, Verdict
from models.bundle import Bundle, load_bundle
from models.explaining.manual.manual_score import ManualRows
from models.explaining.model_bars import SEGMENT_LEVEL, is_segment_contribution
from models.explaining.points import BASE, CLIP, CONTEXT_WARNING, bar_homes, context_share, sum_by_group
from models.scored_leads import Scored
from models.scoring import Beside, score
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.score_record import (
    OPEN_LEADS,
    TEST_ROWS,
    AccountsRecord,
    BotsRecord,
    Card,
    ExplorationRecord,
    QualificationRecord,
    ScoreRecord,
    write_cards,
)
from pipelines.artifacts.train_record import TrainRecord
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.diagnostics.activity_diagnostics import bot_record
from pipelines.diagnostics.hot_leads import count_hot, keep_hot_count
from pipelines.registry.champion import read_champion
from pipelines.registry.matrix_for_bundle import matrix_for
from pipelines.registry.open_facts import read_open_facts
from pipelines.registry.promotion_gate import scores_untrained
from pipelines.registry.soundness import load_sound
from pipelines.scoring.accounts.account_rollup import accounts_record, expansion_of, roll_up_accounts
from pipelines.scoring.contribution_sample import influence_of
from pipelines.scoring.exploration import draws_of_week, explore, judge_log, keep_log, places_of
from pipelines.scoring.qualification_summary import columns_of, qualification_record
from pipelines.scoring.shown_columns import add_shown_columns, shown_columns
from pipelines.scoring.shown_feedback import mark_card, meanings_in, show_feedback
from pipelines.scoring.state_history import StateHistory, replay_states
from pipelines.workspace.atomic_files import stage_dir, write_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix, load_open, mark_of_split
from pipelines.workspace.people.objecting import without_objecting
from pipelines.workspace.standing_feedback import (
    SILENCED,
    find_leads_spoken_of,
    mark_list,
    read_standing_feedback,
)
from pipelines.workspace.table_files import load_table, load_tables, records_of

CARDS, WANTED_SHOWN = 12, 12  # what the report shows of leads, and of products customers show interest in


def run_score(context: Context) -> ScoreRecord:
    """Write ``worklist.parquet`` (best first, ties by lead id) and ``cards.json`` of the first leads."""
    before = _verdict(context)
    result: dict[str, Any] = {**before.content(), "leads": 0}
    worklist = pd.DataFrame()
    cards: list[Card] = []
    bots: dict[str, Any] = {}
    qualification: dict[str, Any] = {}
    extras = Extras(pd.DataFrame(), pd.DataFrame(), {}, {})
    if before.verdict in TRAINED or scores_untrained(context, before.verdict) is not None:
        bundle, matrix, kind = _subject(context)
        matrix = without_objecting(context, matrix)
        if context.source.kind == "flat":  # what is shown beside a score comes from the tables
            require_same_rows(context.source, load_table(context.paths, "leads"), matrix)
        clocks = kind == OPEN_LEADS and context.source.kind == "relational"
        facts = read_open_facts(context, matrix) if clocks else None
        scored = score(
            bundle,
            matrix,
            context.framework,
            source=context.source,
            policy=context.policy,
            beside=Beside(facts, _manual_rows(context, bundle, matrix) if kind == OPEN_LEADS else None),
        )
        order = rank_rows(scored)

        history = _state_history(context, bundle, scored) if clocks else None
        listed = pd.concat([scored.frame, columns_of(scored, history)], axis=1).iloc[order].reset_index(drop=True)
        worklist = mark_list(context.paths, add_display_columns(context, listed))
        as_shown = show_feedback(worklist, meanings_in(context, by_points=bundle.by_points))
        qualification = qualification_record(as_shown, scored, history)
        if clocks and len(worklist):
            extras = _judge_open_leads(context, bundle, matrix, worklist, scored.log_odds[order])
            _keep_hot_count(context, as_shown, bundle.hash)
        if kind == TEST_ROWS:
            worklist["won"] = matrix.label[order]

        shown = order if SILENCED not in worklist else order[~worklist[SILENCED].to_numpy(dtype=bool)]
        cards = [mark_card(context, scored.card(int(row))) for row in shown[:CARDS]]
        bots = bot_record(context, bundle, scored.frame)
        share = context_share(scored.contributions, bundle.catalog, context.framework)
        result |= {
            "leads": len(worklist),
            "silenced": len(worklist) - len(as_shown),
            "kind": kind,
            "bundle": bundle.hash,
            "as_of": CountsRecord.read(context.paths).as_of,
            "mode": "points" if bundle.by_points else "model",
            "context_share": share,
            "context_warning": share > CONTEXT_WARNING,
            "reference_probability": cards[0]["reference_probability"] if cards else None,
            "too_old": _count_too_old(bundle, matrix),
            "importance": importance_of(scored),
            "influence": influence_of(scored, context.settings.seed),
        }

    record = ScoreRecord.of(result)
    with stage_dir(context.paths.score) as folder:
        write_parquet(folder / "worklist.parquet", worklist)
        write_cards(folder, cards)
        record.write(folder)
        BotsRecord.write_if_any(folder, bots)
        QualificationRecord.write_if_any(folder, qualification)
        AccountsRecord.write_if_any(folder, extras.committees)
        ExplorationRecord.write_if_any(folder, extras.explored)
        write_parquet(folder / "accounts.parquet", extras.accounts)
        write_parquet(folder / "expansion.parquet", extras.expansion)
        before.write(folder)
    return record


@dataclass(frozen=True)
class Extras:
    """What only a list of open leads with clocks has: accounts, their committees, and exploration."""

    accounts: pd.DataFrame
    expansion: pd.DataFrame
    committees: dict[str, Any]
    explored: dict[str, Any]


def _judge_open_leads(
    context: Context, bundle: Bundle, matrix: Matrix, worklist: pd.DataFrame, log_odds: Floats
) -> Extras:
    """Accounts rolled up and places drawn; ``worklist`` (ranked, as ``log_odds``) gets the column ``place``."""
    tables = load_tables(context.paths)
    as_of = pd.Timestamp(worklist["as_of"].iloc[0])
    accounts = roll_up_accounts(context, tables, worklist, matrix.keys)
    aside = read_standing_feedback(context.paths).aside
    log = keep_log(context, explore(context, worklist, log_odds, bundle.hash, aside))
    explored = judge_log(context, tables, log, bundle, _promised_log_odds(context, bundle))
    worklist["place"] = places_of(worklist, draws_of_week(log, as_of), aside)
    if explored:
        explored["drawn_now"] = worklist.loc[(worklist["place"] == "drawn").to_numpy(), "lead_id"].tolist()
    committees = accounts_record(context, tables, accounts, as_of)
    expansion, chances = expansion_of(context, tables, worklist, bundle, as_of)
    if committees and chances:
        committees |= {"products": chances, "wanted": records_of(expansion.head(WANTED_SHOWN)), "wants": len(expansion)}
    return Extras(accounts, expansion, committees, explored)


def _keep_hot_count(context: Context, as_shown: pd.DataFrame, bundle: str) -> None:
    """Note how many of the list are hot and untouched; nothing where no activities say what reps did."""
    paths = context.paths
    activities = load_table(paths, "activities", ["lead_id", "actor"])
    if not len(activities) or not len(as_shown):
        return
    said = read_standing_feedback(paths)
    aside = said.aside | said.silenced
    keep_hot_count(paths, count_hot(as_shown, activities, aside, find_leads_spoken_of(paths), bundle))


def _verdict(context: Context) -> StageVerdict:
    """The last training's verdict; where that made no model and the champion scores all the same, that it does."""
    last = StageVerdict.read(context.paths, "train")
    champion = None if last.verdict in TRAINED else scores_untrained(context, last.verdict)
    if champion is None or (champion.by_points and last.verdict == Verdict.LEAK):
        return last
    if champion.by_points:
        text = f"Champion {champion.hash[:12]}: points score alone, as the last training made no model: "
        return StageVerdict.of({"verdict": Verdict.OK, "verdict_text": text + last.verdict_text})
    text = f"Champion {champion.hash[:12]} goes on scoring, as the last training made no model: {last.verdict_text}"
    return StageVerdict.of({"verdict": champion.meta.get("verdict") or Verdict.OK, "verdict_text": text})


def _subject(context: Context) -> tuple[Bundle, Matrix, str]:
    """Who scores whom: the champion the open leads, or, where none can be told, the twin the rows it never saw."""
    paths = context.paths
    if not (paths.matrix / "open.json").exists():
        fitted = TrainRecord.read(paths).split
        if fitted is not None and fitted != mark_of_split(paths.matrix):
            raise DataError(
                f"The matrix in {paths.matrix} was built again since the training, so some of its test rows may be "
                "rows the model learned from, and their scores would be too good. Train again: "
                f"leadscore run --source {paths.source}."
            )
        test = load_matrix(paths.matrix).take(load_chop(paths.matrix).final.test)
        return load_bundle(paths.train / "twin"), test, TEST_ROWS
    champion = read_champion(paths)
    if champion is None:
        bundle = load_bundle(paths.train / "bundle")
    else:
        bundle = load_sound(paths, champion.folder, champion.hash)
    return bundle, matrix_for(context, bundle, without_objecting(context, load_open(paths.matrix))), OPEN_LEADS


def _manual_rows(context: Context, bundle: Bundle, matrix: Matrix) -> ManualRows | None:
    """The open leads under the rubric in force, where the bundle was trained beside another one."""
    rubric = context.newer_rubric(bundle)
    if rubric is None:
        return None
    return ManualRows(rubric, rule_values_on(context.source, load_tables(context.paths), rubric, matrix))


def _count_too_old(bundle: Bundle, matrix: Matrix) -> int:
    """Leads whose horizon had passed, counted from the oldest age that taught the bundle; 0 without ages."""
    oldest = bundle.age_days[1] + float(bundle.horizons[-1])
    age = matrix.keys["age_days"].to_numpy(dtype=np.float64)
    return int((age > oldest).sum()) if np.isfinite(oldest) else 0


def _state_history(context: Context, bundle: Bundle, scored: Scored) -> StateHistory | None:
    """States over the last weeks, where the policy has a memory or more than one version."""
    policy = scored.policy
    remembers = policy.hysteresis_points or policy.minimum_dwell_days or len(context.policies) > 1
    if not remembers or not len(scored.log_odds):
        return None
    as_of = pd.Timestamp(scored.columns["as_of"][0])
    return replay_states(context, bundle, load_tables(context.paths), scored, as_of)


def _promised_log_odds(context: Context, bundle: Bundle) -> float | None:
    """Log-odds at which the promised threshold stands for this very bundle, if it was mapped to it."""
    promise = ComparisonRecord.read(context.paths).promise
    if promise is None or promise.mapped is None or promise.mapped.bundle != bundle.hash:
        return None
    return float(promise.mapped.log_odds)


def _mean_size(parts: Floats) -> Floats:
    """Mean absolute size per column; 0 where no lead is open, as nothing moves nobody's score."""
    return np.abs(parts).sum(axis=0) / max(len(parts), 1)


def importance_of(scored: Scored) -> dict[str, list[dict[str, Any]]]:
    """Mean absolute points of every criterion (features summed first) and of every feature, largest first."""
    unit = scored.bundle.scale.points_per_log_odds
    catalog, framework = scored.bundle.catalog, scored.framework
    labels = {feature.name: feature.label or feature.name.replace("_", " ") for feature in catalog}
    names = tuple(name for name in scored.bars.names if name not in (BASE, CLIP))
    parts = sum_by_group(scored.contributions, bar_homes(scored.contributions, catalog, framework), names)
    criteria = {name: framework.label(name) for name in names}
    features = {
        name: framework.label(SEGMENT_LEVEL) if is_segment_contribution(name) else labels.get(name, name)
        for name in scored.contributions.names
    }
    by_feature = _sort_by_size(features, _mean_size(scored.contributions.values) * unit)
    return {
        "criterion": _sort_by_size(criteria, _mean_size(parts) * unit),
        "feature": [row for row in by_feature if row["points"]],
    }


def _sort_by_size(labels: dict[str, str], points: Floats) -> list[dict[str, Any]]:
    order = sorted(zip(labels.items(), points.tolist(), strict=True), key=lambda row: (-row[1], row[0]))
    return [{"name": name, "label": label, "points": size} for (name, label), size in order]


def rank_rows(scored: Scored) -> Ints:
    """Positions of the rows, best first; equal scores by lead id."""
    keys = pd.DataFrame({"z": -scored.log_odds, "lead": scored.frame["lead_id"]})
    return np.asarray(keys.sort_values(["z", "lead"], kind="stable").index, dtype=np.int64)


def add_display_columns(context: Context, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the leads' display columns and owner behind it."""
    shown = shown_columns(context.source, "leads", (Role.DISPLAY,))
    leads = load_table(context.paths, "leads").drop_duplicates("lead_id")
    return add_shown_columns(frame, leads, shown, "lead_id")
