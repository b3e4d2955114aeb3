"""What a run says of its activities: how long they tell, and what the bot filter changes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.assembly.bot_effect import measure_bot_effect
from features.assembly.build_matrix import features_at, matrix_of
from features.assembly.half_lives import HalfLife, adopt_half_lives, estimate_half_lives
from features.catalog.feature import Catalog, Feature
from features.cohort.cohort import cutoff_of
from features.cohort.splits import chop
from features.errors import TooLittleDataError
from features.matrix import Matrix
from features.schema.operations import ActivityParams
from features.schema.source import Source
from models.bundle import Bundle
from models.explaining.points import score_of_log_odds
from pipelines.artifacts.score_record import BotsRecord, read_half_lives
from pipelines.workspace.context import Context
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables

ROWS = 40_000  # estimates rest on at most so many rows
MOVED_SHOWN = 10  # leads whose score the bot filter moves most; the counts cover all


@dataclass(frozen=True)
class HalfLives:
    """``adopted``: of the kinds that learn theirs, from the rows before the first judged block; ``known``: of every
    kind, from all rows before the test block, for reading only.
    """

    adopted: tuple[HalfLife, ...] = ()
    known: tuple[HalfLife, ...] = ()


def half_lives_of(context: Context, tables: Tables) -> HalfLives:
    """Half-lives learned from outcomes; none without activities or enough outcomes."""
    source = context.source
    if source.kind == "flat" or not len(tables["activities"]):
        return HalfLives()

    rows = matrix_of(tables, source, Catalog(()), cutoff_of(tables, source))
    try:
        split = chop(rows, source.split, seed=context.settings.seed)
    except TooLittleDataError:
        return HalfLives()

    asking = [name for name, kind in source.activity_kinds.items() if kind.estimate_half_life]
    first = (split.blocks[0] if split.blocks else split.final).train
    adopted = _estimate(context, tables, rows, first, asking) if asking else ()
    return HalfLives(adopted, _estimate(context, tables, rows, split.final.train, None))


def _estimate(
    context: Context, tables: Tables, matrix: Matrix, rows: Any, kinds: list[str] | None
) -> tuple[HalfLife, ...]:
    rows = np.asarray(rows)
    if len(rows) > ROWS:
        groups = matrix.keys["group"].to_numpy()[rows].astype(object)
        rows = rows[pd.util.hash_array(groups) / 2.0**64 < ROWS / len(rows)]
    part = matrix.take(rows)
    seed = context.settings.seed
    return tuple(estimate_half_lives(tables, context.source, part.keys, part.label, kinds=kinds, seed=seed))


def half_life_records(source: Source, found: HalfLives) -> list[dict[str, Any]]:
    """Declared and learned half-lives, which of them is used, and what to make of it."""
    used = adopt_half_lives(source, found.adopted).activity_kinds
    return [_half_life(source, life, used[life.kind].half_life_days) for life in found.known]


def _half_life(source: Source, life: HalfLife, used: float) -> dict[str, Any]:
    kind = source.activity_kinds[life.kind]
    declared = kind.half_life_days

    if life.flat:
        finding = "the data do not tell half-lives apart"
    elif life.low <= declared <= life.high:
        finding = "the declared one fits"
    else:
        finding = f"outcomes ask for {'a shorter' if life.high < declared else 'a longer'} memory"

    return {
        "kind": life.kind,
        "label": kind.label or life.kind.replace("_", " "),
        "declared": declared,
        "learned": life.days,
        "low": life.low,
        "high": life.high,
        "leads": life.leads,
        "used": used,
        "finding": finding,
    }


def bot_record(context: Context, bundle: Bundle, scored: pd.DataFrame) -> dict[str, Any]:
    """What the bot filter removes among the activities known now, and the open leads whose score it moves.

    Parameters
    ----------
    scored : ``lead_id``, ``as_of`` and ``score`` of the open leads
    """
    if context.source.kind == "flat" or not len(scored):
        return {}

    tables = load_tables(context.paths)
    as_of, scores = pd.Timestamp(scored["as_of"].max()), scored.set_index("lead_id")["score"]
    effect = measure_bot_effect(tables, context.source, as_of)
    if effect.kinds.empty:
        return {}

    touched = effect.leads[effect.leads["lead_id"].isin(scores.index)]
    open_leads = touched["lead_id"].tolist()
    without = Catalog(tuple(_without_bot_filter(feature) for feature in bundle.catalog))

    moved = pd.Series(dtype="float64")
    if open_leads:
        counted = features_at(tables, context.source, without, open_leads, as_of).values
        unfiltered = pd.Series(score_of_log_odds(bundle.log_odds(counted), bundle.scale), index=open_leads)
        moved = unfiltered - scores.loc[open_leads]

    changed = moved[moved.ne(0)].sort_values(key=abs, ascending=False, kind="stable")
    removed, shown = touched.set_index("lead_id")["removed"], changed.head(MOVED_SHOWN)

    return {
        "sentence": effect.sentence(),
        "kinds": effect.kinds.to_dict(orient="records"),
        "open_leads": len(open_leads),
        "moved": len(changed),
        "mean_points": float(changed.abs().mean()) if len(changed) else 0.0,
        "leads": [
            {"lead_id": lead, "removed": int(cut), "score": int(now), "unfiltered": int(now + points)}
            for lead, cut, now, points in zip(
                shown.index, removed.loc[shown.index], scores.loc[shown.index], shown, strict=True
            )
        ],
    }


def engagement_of(paths: Paths) -> dict[str, Any]:
    """What the matrix and score stages wrote down about activities."""
    bots = BotsRecord.read_if_any(paths)
    return {"bots": {} if bots is None else bots.content(), "half_lives": read_half_lives(paths)}


def _without_bot_filter(feature: Feature) -> Feature:
    params = feature.params
    if not isinstance(params, ActivityParams):
        return feature
    return replace(feature, params=replace(params, rows=replace(params.rows, exclude_bots=False)))
