"""A declared share of the weekly places drawn at random: seeded, logged, and what outcomes later say of it."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Tables
from features.assembly.build_matrix import features_at
from features.cohort.cohort import cutoff_of, keys_of
from features.cohort.labels import label
from features.cohort.objections import objecting_leads
from features.schema.vocabulary import LeadList
from models.bundle import Bundle
from models.judging.handoff.exploration import Estimate, estimate, pick
from models.judging.handoff.replay import snapshot_starts, tie_order
from models.judging.promotion.unseen_rows import is_unseen, learned_units, unit_of
from pipelines.registry.promotion_gate import trained_through
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_keys
from pipelines.workspace.standing_feedback import SILENCED

LOG = "exploration.parquet"
_SEED_STRIDE = 1_000_003  # more than the days of a calendar, so that no two seeds share a draw
FEWEST = 30  # handoffs with a known outcome: below, an interval would say nothing
_BEFORE_HANDOFF = (str(LeadList.TO_HAND_OFF), str(LeadList.WATCHING))
_COLUMNS = ("lead_id", "as_of", "explored", "propensity", "open", "share", "seed", "bundle")


def explore(
    context: Context,
    worklist: pd.DataFrame,
    log_odds: Floats,
    bundle_hash: str,
    aside: Collection[str] = frozenset(),
) -> pd.DataFrame:
    """Places of the week, by score but for the declared share; empty where none is declared.

    The draw depends on the declared seed, the calendar week and the leads alone, so a rerun draws the same. A place is
    a handoff, so leads that sales has already get none, nor do those that must not be contacted, nor those that sales
    put ``aside``: nobody is called who is snoozed or was rejected.
    """
    capacity = context.source.capacity
    if not capacity.exploration_share or not len(worklist):
        return pd.DataFrame(columns=list(_COLUMNS))

    as_of = pd.Timestamp(worklist["as_of"].iloc[0])
    free = np.ones(len(worklist), dtype=np.bool_)
    if "lead_list" in worklist:
        free &= worklist["lead_list"].isin(_BEFORE_HANDOFF).to_numpy(dtype=bool)
    if SILENCED in worklist:
        free &= ~worklist[SILENCED].to_numpy(dtype=bool)
    free &= ~worklist["lead_id"].astype("str").isin(aside).to_numpy(dtype=bool)
    worklist, log_odds = worklist[free].reset_index(drop=True), log_odds[free]
    if not len(worklist):
        return pd.DataFrame(columns=list(_COLUMNS))
    picks = pick(
        log_odds,
        tie_order(worklist["lead_id"]),
        capacity.handoffs_per_week,
        share=capacity.exploration_share,
        seed=capacity.exploration_seed * _SEED_STRIDE + _week(as_of).toordinal(),
    )

    log = picks.log(worklist["lead_id"], as_of)
    return log.assign(share=capacity.exploration_share, seed=capacity.exploration_seed, bundle=bundle_hash)


def keep_log(context: Context, log: pd.DataFrame) -> pd.DataFrame:
    """Every week's draws so far, this one among them; the log of a week already drawn stands, whatever comes later.

    Places are declared by the week, so a list made every night hands out those of the week's first. A propensity
    belongs to the handoff that was made with it, so it may not be written anew.
    """
    file = context.paths.root / LOG
    before = read_parquet(file) if file.exists() else pd.DataFrame(columns=list(_COLUMNS))
    if not len(log) or len(draws_of_week(before, log["as_of"].iloc[0])):
        return before
    whole = pd.concat([before, log], ignore_index=True) if len(before) else log
    write_parquet(file, whole)
    return whole


def draws_of_week(log: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """The draws that stand in the calendar week (from Monday on) of a moment: the first of that week."""
    if not len(log):
        return log
    first = _first_of_week(log)
    return first[(snapshot_starts(first["as_of"], None) == _week(as_of)).to_numpy(dtype=bool)]


def _first_of_week(log: pd.DataFrame) -> pd.DataFrame:
    """The log without later draws of a week; older ones had some, and handed out more places than there are."""
    first = log.groupby(snapshot_starts(log["as_of"], None))["as_of"].transform("min")
    return log[(log["as_of"] == first).to_numpy(dtype=bool)].reset_index(drop=True)


def _week(as_of: pd.Timestamp) -> pd.Timestamp:
    return pd.Timestamp(snapshot_starts(pd.Series([as_of]), None).iloc[0])


def places_of(worklist: pd.DataFrame, log: pd.DataFrame, aside: Collection[str] = frozenset()) -> pd.Series:
    """Per lead of the worklist how it got one of this week's places: best, drawn, or '' for none.

    The log of a week stands, but a lead silenced or put ``aside`` since it was drawn is handed to nobody.
    """
    drawn = log["explored"].astype("bool")
    how = {str(lead): "drawn" if random else "best" for lead, random in zip(log["lead_id"], drawn, strict=True)}
    how |= dict.fromkeys(aside, "")
    if SILENCED in worklist:
        silent = worklist.loc[worklist[SILENCED].to_numpy(dtype=bool), "lead_id"].astype("str")
        how |= dict.fromkeys(silent, "")
    return pd.Series([how.get(str(lead), "") for lead in worklist["lead_id"]], index=worklist.index, dtype="str")


def judge_log(
    context: Context, tables: Tables, log: pd.DataFrame, bundle: Bundle, least: float | None
) -> dict[str, Any]:
    """What the logged weeks say once outcomes are known: precision of the best, of the drawn, of everybody open, and of
    the present bundle from the log-odds ``least`` on. Empty without a log.

    The last two rest on weeks in which every open lead had a chance, and are left out where none was ever drawn; the
    last alone on outcomes that the bundle did not learn from, and it is left out where they are fewer than
    :data:`FEWEST` or none of them was drawn. Leads that the source leaves out of training and judging are left out
    here, too.
    """
    if not len(log):
        return {}
    log = _first_of_week(log)
    found: dict[str, Any] = {
        "logged": len(log),
        "weeks": int(log["as_of"].nunique()),
        "drawn": int(log["explored"].sum()),
    }

    full = _everybody_had_a_place(log)
    reaching = full | (log.groupby("as_of")["propensity"].transform("min") < 1).to_numpy(dtype=bool)

    leads = tables["leads"]
    there = leads["lead_id"].astype("str")[~objecting_leads(leads, context.source)]
    kept = log["lead_id"].astype("str").isin(there).to_numpy(dtype=bool)  # others were forgotten, or object
    log, full, reaching = log[kept], full[kept], reaching[kept]
    keys = keys_of(tables, context.source, log["lead_id"].astype("str").tolist(), log["as_of"])
    labels = label(keys, tables, context.source, cutoff_of(tables, context.source))
    settled = labels["matured"].to_numpy(dtype=bool) & (log["propensity"] > 0).to_numpy()
    excluded = labels["excluded"].to_numpy(dtype=bool)
    known = np.flatnonzero(settled & ~excluded)
    found |= {"matured": len(known), "left_out": int((settled & excluded).sum())}

    if len(known) < FEWEST:
        return found | {"estimates": [], "sentence": _too_few_sentence(found)}

    rows = log.iloc[known]
    won = labels["label"].to_numpy(dtype=np.float64)[known]
    cluster = pd.factorize(keys["group"].to_numpy()[known])[0].astype(np.int64)
    drawn = rows["explored"].to_numpy(dtype=bool)
    chance = rows["propensity"].to_numpy(dtype=np.float64)
    full, reaching = full[known], reaching[known]
    of_all = _speak_for_all(drawn, full, reaching)

    wanted: dict[str, Bools] = {"handed off for being best": ~drawn, "drawn at random from the rest": drawn}
    if of_all:
        wanted["everybody not yet with sales"] = reaching
    said_of_bundle = ""
    if of_all and least is not None:
        moments = keys.iloc[known].assign(label_known_at=labels["label_known_at"].to_numpy()[known])
        unseen = reaching & _find_unseen(context, moments, bundle)
        at, fair = np.flatnonzero(unseen), _speak_for_all(drawn, full, unseen)
        said_of_bundle = _bundle_sentence(len(at), fair)
        if len(at) >= FEWEST and fair:
            ids, then = rows["lead_id"].astype("str").iloc[at], rows["as_of"].iloc[at].reset_index(drop=True)
            matrix = features_at(tables, context.source, bundle.catalog, ids.tolist(), then)
            reached = np.zeros(len(rows), dtype=np.bool_)
            reached[at] = bundle.log_odds(matrix.values) >= least
            wanted["the present bundle from its threshold on"] = reached

    estimates = [_row(name, estimate(won, chance, mask, cluster)) for name, mask in wanted.items() if mask.any()]
    sentence = _sentence(found, of_all, _weeks(rows[~reaching]))
    return found | {"estimates": estimates, "sentence": f"{sentence} {said_of_bundle}".rstrip()}


def _speak_for_all(drawn: Bools, full: Bools, rows: Bools) -> bool:
    """Whether some of the rows were drawn, or nobody was left over when they were handed off.

    A chance that never came true leaves the best alone, whatever they are weighed by.
    """
    return bool((drawn & rows).any() or (rows.any() and full[rows].all()))


def _find_unseen(context: Context, moments: pd.DataFrame, bundle: Bundle) -> Bools:
    """Which handoffs (keys with ``label_known_at``) had an outcome the bundle did not learn from, half or whole."""
    through = trained_through(bundle)
    if through is None:
        return np.zeros(len(moments), dtype=np.bool_)
    unit = unit_of(context.source)
    return is_unseen(moments, learned_units(load_keys(context.paths.matrix), through, unit), through, unit)


def _everybody_had_a_place(log: pd.DataFrame) -> Bools:
    """Per row whether nobody was left over in its week; logs that do not say how many were open tell by the drawn."""
    handed = log.groupby("as_of")["lead_id"].transform("size").to_numpy(dtype=np.float64)
    open_then = log["open"].to_numpy(dtype=np.float64) if "open" in log else np.full(len(log), np.nan)
    surely_drawn = log["explored"].astype("bool") & (log["propensity"] >= 1)
    drawn_whole = surely_drawn.groupby(log["as_of"]).transform("any").to_numpy(dtype=bool)
    return np.asarray((open_then == handed) | drawn_whole)


def _weeks(log: pd.DataFrame) -> int:
    return int(log["as_of"].nunique())


def _row(name: str, found: Estimate) -> dict[str, Any]:
    precision = None if np.isnan(found.precision) else found.precision
    return {
        "policy": name,
        "precision": precision,
        "precision_ci": found.interval.record(),
        "leads": found.leads,
        "effective": found.effective,
    }


def _sentence(found: dict[str, Any], of_all: bool, beyond_reach: int) -> str:
    """What the figures rest on; ``beyond_reach`` counts the weeks in which leads had no chance of a place."""
    known = f"{_known(found)}.{_left_out(found)}"
    if not of_all:
        return (
            f"{known} None of them was drawn from leads that the score did not favour, so these figures describe the "
            "best alone and not all open leads."
        )
    weighed = (
        f"{known} Each is weighed by the inverse of the chance with which it was handed off, so these figures describe "
        "all open leads not yet with sales, not only those the score favoured."
    )
    if not beyond_reach:
        return weighed
    return (
        f"{weighed} Weeks in which leads were left over and none could be drawn ({beyond_reach:,}) count for the best "
        "alone."
    )


def _bundle_sentence(unseen: int, fair: bool) -> str:
    """Whether the present bundle is judged; ``fair``: by more than the best alone."""
    if unseen >= FEWEST and fair:
        return f"The present bundle is judged on the {unseen:,} whose outcome it did not learn from."
    if unseen >= FEWEST:
        return (
            f"The present bundle is not judged: of the {unseen:,} whose outcome it did not learn from, none was drawn "
            "from leads that the score did not favour."
        )
    return (
        f"The present bundle is not judged: it did not learn from the outcome of {unseen:,} of them, and an estimate "
        f"needs {FEWEST}."
    )


def _too_few_sentence(found: dict[str, Any]) -> str:
    return f"{_known(found)}, and an estimate needs {FEWEST}.{_left_out(found)}"


def _known(found: dict[str, Any]) -> str:
    places = f"{found['drawn']:,} of {found['logged']:,} places in {found['weeks']:,} weeks were drawn at random"
    return f"{places}; the outcome of {found['matured']:,} is known"


def _left_out(found: dict[str, Any]) -> str:
    """Those whose outcome is known and not counted, with a space before; empty where there are none."""
    if not found["left_out"]:
        return ""
    return f" {found['left_out']:,} more are left out: disqualified or never worked, as the source excludes them."
