"""What every rule of the rubric gave one lead at a moment and every cap took: entries that sum to its points."""

from typing import Any

import numpy as np
import pandas as pd

from features.catalog.build_catalog import build_catalog
from features.catalog.families.rules import rule_features
from features.catalog.feature import Catalog
from features.errors import PolicyError
from features.rubric.ledger import Ledger, ledger
from features.rubric.schema import Rubric
from models.explaining.points import round_to_totals
from pipelines.scoring.find_lead import lead_matrix, parse_as_of
from pipelines.workspace.context import Context

_WHOLE = 100  # shown to two decimals


def ledger_of(context: Context, lead_id: str, as_of: str | None = None) -> dict[str, Any]:
    """The ledger of one lead under the rubric that was in force at a moment; it needs no model.

    ``entries`` (start, rules, caps of rules, groups and the total) sum to ``points``.

    Raises
    ------
    PolicyError, ContractError
        if the source has no rubric; if nobody has heard of the lead.
    """
    source = context.source
    rubric = context.rubrics.at(_moment(context, as_of))
    if rubric is None:
        raise PolicyError(
            f"source '{source.name}' declares no rubric, so there is no ledger; name one under 'rubric:' in the source."
        )
    flat = source.kind == "flat"
    catalog = build_catalog(source, rubric) if flat else Catalog(tuple(rule_features(rubric, source)))
    matrix = lead_matrix(context, catalog, lead_id, as_of)
    book = ledger(rubric, matrix.values)
    when = matrix.keys["as_of"].iloc[0]
    return {
        "lead_id": lead_id,
        "as_of": None if flat else when.isoformat(),
        "rubric": rubric.name,
        "version": rubric.version,
        "entries": _entries(rubric, book),
        "groups": {name: float(book.group_points(name)[0]) for name in rubric.groups},
        "points": float(book.points[0]),
        "cell": str(book.cells[0]) or None,
        "thresholds": [
            {"stage": str(t.stage), "points": t.points, "group": t.group, "reached": bool(book.reaches(t)[0])}
            for t in rubric.thresholds
        ],
        "handed_off": bool(book.handed_off[0]),
    }


def _moment(context: Context, as_of: str | None) -> pd.Timestamp | None:
    """When the lead is looked at; None, which means now, without clocks or where nothing is asked."""
    if as_of is None or context.source.kind == "flat":
        return None
    return parse_as_of(as_of, pd.Timestamp.max)


def _entries(rubric: Rubric, book: Ledger) -> list[dict[str, Any]]:
    found = [{"entry": "start", "id": "", "label": "start", "group": None, "points": rubric.start}]
    given, taken = book.rules.iloc[0], book.caps.iloc[0]
    for name, group in rubric.groups.items():
        for rule in rubric.rules:
            if rule.group != name:
                continue
            label = rule.label or rule.id.replace("_", " ")
            head = {"id": rule.id, "group": name}
            found.append({"entry": "rule", **head, "label": label, "points": float(given[rule.id])})
            if f"rule {rule.id}" in taken:
                points = float(taken[f"rule {rule.id}"])
                found.append({"entry": "rule_cap", **head, "label": f"cap of {label}", "points": points})
        if f"group {name}" in taken:
            cap = {"id": name, "label": f"cap of {group.label or name}", "group": name}
            found.append({"entry": "group_cap", **cap, "points": float(taken[f"group {name}"])})
    if "total" in taken:
        total = {"entry": "total_cap", "id": "", "label": "cap of the total", "group": None}
        found.append({**total, "points": float(taken["total"])})
    return found


def ledger_text(found: dict[str, Any]) -> str:
    """The ledger as text, to two decimals that add up."""
    points = np.array([[entry["points"] for entry in found["entries"]]]) * _WHOLE
    whole = round_to_totals(points, np.array([round(found["points"] * _WHOLE)], dtype=np.int64))[0] / _WHOLE
    at = f" as of {found['as_of'][:16]}" if found["as_of"] else ""
    lines = [
        f"Lead {found['lead_id']}{at}: {whole.sum():g} points by rubric {found['rubric']} ({found['version']})",
        "",
    ]
    silent = [e["label"] for e in found["entries"] if e["entry"] == "rule" and not e["points"]]
    group = None
    for entry, number in zip(found["entries"], whole, strict=True):
        if entry["points"] or entry["entry"] == "start":
            if entry["group"] != group and entry["group"] is not None:
                inside = [n for e, n in zip(found["entries"], whole, strict=True) if e["group"] == entry["group"]]
                lines.append(f"{'':>8}  {entry['group']}: {sum(inside):g}")
            group = entry["group"]
            lines.append(f"{number:>+8g}  {entry['label']}")
    lines.append(f"{'=' + format(whole.sum(), 'g'):>8}  {found['rubric']}")
    if silent:
        lines += ["", f"No points: {', '.join(silent)}."]
    lines += ["", *(_threshold_line(row) for row in found["thresholds"])]
    cell = f" (grade {found['cell']})" if found["cell"] else ""
    return "\n".join([*lines, f"Handed to sales{cell}: {'yes' if found['handed_off'] else 'no'}."])


def _threshold_line(row: dict[str, Any]) -> str:
    inside = f" of {row['group']}" if row["group"] else ""
    return f"{row['stage']} from {row['points']:g} points{inside}: {'reached' if row['reached'] else 'not reached'}."
