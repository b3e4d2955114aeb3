"""The decay simulator: what leads will have by the rubric if they stay silent, and when they fall below a threshold."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.assembly.rule_values import rule_values_at
from features.cohort.cohort import cutoff_of
from features.errors import ContractError, PolicyError
from features.point_in_time.history import known_at_moment
from features.rubric.ledger import Ledger, ledger
from features.rubric.schema import Rubric
from models.judging.handoff.population import open_population
from pipelines.scoring.find_lead import unknown_lead_error
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_open
from pipelines.workspace.people.objecting import without_objecting
from pipelines.workspace.table_files import load_tables

DAYS = (30, 60, 90)
LONGEST = 730  # days ahead
MOST = 12  # moments simulated at once


def simulate_decay(
    context: Context, lead_id: str | None = None, days: Sequence[int] = DAYS, draft: Rubric | None = None
) -> dict[str, Any]:
    """Points now and after so many silent days, of one lead rule by rule, or of the open leads marketing decides about:
    those of ``comparison.population``, by default not yet with sales. JSON-ready.

    Nothing new is known at the later moments: only ages grow, so points decay, windows run empty, answers expire and
    rules on silence begin to hold.

    Parameters
    ----------
    draft : another rubric than the one in force

    Raises
    ------
    PolicyError : there is no rubric
    ContractError : the source has no clocks, the lead is unknown, or the days are out of range
    """
    rubric = draft or context.rubric
    if rubric is None:
        raise PolicyError(f"source '{context.source.name}' has no rubric, so no points can decay; adopt one first.")
    if context.source.kind == "flat":
        raise ContractError(f"source '{context.source.name}' has no clocks; nothing in it changes with time.")
    wanted = sorted(set(days))
    if not wanted or len(wanted) > MOST or wanted[0] < 1 or wanted[-1] > LONGEST:
        raise ContractError(f"give one to {MOST} whole numbers of days, each between 1 and {LONGEST}.")

    everything = load_tables(context.paths)
    now = cutoff_of(everything, context.source)
    tables = known_at_moment(everything, now)
    ids, noun = _leads(context, everything, lead_id)
    moments = [0, *wanted]
    values = rule_values_at(
        context.source,
        tables,
        rubric,
        ids * len(moments),
        pd.Series(np.repeat([now + pd.Timedelta(days=day) for day in moments], len(ids)), dtype="datetime64[us]"),
    )
    book = ledger(rubric, values)
    points = book.points.reshape(len(moments), len(ids))
    handed = book.handed_off.reshape(len(moments), len(ids))
    stage = book.stages.reshape(len(moments), len(ids))
    head = {"rubric": rubric.name, "version": rubric.version, "as_of": now.isoformat(), "days": moments}
    if lead_id is not None:
        return head | _one(rubric, book, lead_id, moments)
    return head | {
        "leads": len(ids),
        "population": noun,
        "steps": [_step(day, points[k], handed[k], stage[k], handed[0]) for k, day in enumerate(moments)],
        "losing": _losing(ids, moments, points, handed),
    }


def _leads(context: Context, tables: Tables, lead_id: str | None) -> tuple[list[str], str]:
    """Whose points are simulated, and what they are called."""
    if lead_id is None:
        keys = without_objecting(context, load_open(context.paths.matrix)).keys
        kept, noun = open_population(context.source, tables, keys)
        return [str(name) for name in keys["lead_id"][kept]], noun
    known = tables["leads"]["lead_id"]
    if not (known == lead_id).any():
        raise unknown_lead_error(context, lead_id, known)
    return [lead_id], ""


def _one(rubric: Rubric, book: Ledger, lead_id: str, moments: list[int]) -> dict[str, Any]:
    """One lead, rule by rule: the entries of a moment sum to its points."""
    labels = {rule.id: rule.label or rule.id.replace("_", " ") for rule in rubric.rules}
    rows = [("start", "start", [rubric.start] * len(moments))]
    rows += [(str(name), labels[str(name)], book.rules[name].tolist()) for name in book.rules]
    rows += [(str(name), f"cap: {name}", book.caps[name].tolist()) for name in book.caps]
    return {
        "lead_id": lead_id,
        "points": book.points.tolist(),
        "stage": book.stages.tolist(),
        "handed_off": book.handed_off.tolist(),
        "entries": [{"id": name, "label": label, "points": found} for name, label, found in rows if any(found)],
    }


def _step(day: int, points: np.ndarray, handed: np.ndarray, stage: np.ndarray, before: np.ndarray) -> dict[str, Any]:
    names, counts = np.unique(stage.astype(str), return_counts=True)
    return {
        "day": day,
        "mean_points": float(points.mean()) if len(points) else None,
        "handed_off": int(handed.sum()),
        "no_longer": int((before & ~handed).sum()),
        "stages": dict(zip(names.tolist(), counts.tolist(), strict=True)),
    }


def _losing(ids: list[str], moments: list[int], points: np.ndarray, handed: np.ndarray) -> list[dict[str, Any]]:
    """Leads handed off now that silence takes below the threshold, the soonest first, then most points now."""
    found = []
    for k in np.flatnonzero(handed[0] & ~handed.all(axis=0)).tolist():
        first = int(np.flatnonzero(~handed[:, k])[0])
        found.append({"lead_id": ids[k], "below_after_days": moments[first], "points": points[:, k].tolist()})
    return sorted(found, key=lambda row: (row["below_after_days"], -row["points"][0], row["lead_id"]))


def decay_text(found: dict[str, Any], shown: int = 20) -> str:
    """The simulation as text."""
    head = f"If nothing new happens from {found['as_of'][:10]} on, by rubric {found['rubric']} ({found['version']}):"
    if "lead_id" in found:
        lines = [f"Lead {found['lead_id']}. {head}", "", f"{'':32}" + "".join(_day(day) for day in found["days"])]
        lines += [f"{row['label'][:31]:32}" + "".join(f"{p:>10.4g}" for p in row["points"]) for row in found["entries"]]
        lines += [f"{'points':32}" + "".join(f"{p:>10.4g}" for p in found["points"])]
        lines += [f"{'stage':32}" + "".join(f"{stage:>10}" for stage in found["stage"])]
        return "\n".join([*lines, f"{'handed to sales':32}" + "".join(_yes(h) for h in found["handed_off"])])
    lines = [f"{found['leads']:,} {found['population']}. {head}"]
    for step in found["steps"]:
        stages = ", ".join(f"{name} {count:,}" for name, count in step["stages"].items())
        mean = "no points" if step["mean_points"] is None else f"{step['mean_points']:.1f} points on average"
        fallen = f" ({step['no_longer']:,} of today's no longer)" if step["day"] else ""
        when = f"after {step['day']} days" if step["day"] else "today"
        lines.append(f"  {when}: {mean}; {step['handed_off']:,} would be handed off{fallen}; {stages}")
    for row in found["losing"][:shown]:
        points = ", ".join(f"{p:.4g}" for p in row["points"])
        lines.append(f"  {row['lead_id']}: below the threshold after {row['below_after_days']} days ({points})")
    if len(found["losing"]) > shown:
        lines.append(f"  and {len(found['losing']) - shown:,} more (--json shows all)")
    return "\n".join(lines)


def _day(day: int) -> str:
    return f"{'today' if day == 0 else f'+{day} days':>10}"


def _yes(handed: bool) -> str:
    return f"{'yes' if handed else 'no':>10}"
