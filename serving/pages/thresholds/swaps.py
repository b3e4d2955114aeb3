"""Who changes places at equal workload: names, both scores, the outcome, and reasons that argue for the side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from models.bundle import load_bundle
from models.explaining.language import SOURCE_LANGUAGE, Language
from models.explaining.plain.plain_reasons import choose_reasons
from models.explaining.reasons import ReasonWriter
from pipelines.rubrics.swapped_leads import explain_swaps
from pipelines.scoring.shown_columns import company_name, person_name
from serving.results import run_results
from serving.state.app_state import AppState

SHOWN, MOST = 6, 200  # leads of each side, at first and where all are asked for


@dataclass(frozen=True, kw_only=True)
class SwappedLead:
    """A lead that only one of the two hands off."""

    lead_id: str
    name: str
    company: str
    score: int | None
    points: float | None
    handed_off_at: str | None
    reason: str
    won: bool


@dataclass(frozen=True, kw_only=True)
class SwapSide:
    """Leads that only one hands off: ``side`` says which, ``leads`` how many there are, ``won`` of them were won.

    ``named`` of them, ``named_won`` of these won, are in the data still and the caller's to see; ``rows`` come first.
    """

    side: str
    leads: int
    won: int
    named: int
    named_won: int
    rows: Sequence[SwappedLead]
    pending: bool = False


def read_swaps(app_state: AppState, owner: str | None, language: Language, *, everybody: bool) -> list[SwapSide]:
    """Both sides, each ordered by how far the two judges disagree."""
    sides = run_results.read_swap_set(app_state, owner, MOST if everybody else SHOWN)
    shown = [row for part in sides for row in part["rows"]]
    reasons, pending = _reasons(app_state, shown, language)
    data = app_state.loaded.data
    found = []
    for part in sides:
        rows = []
        for row in part["rows"]:
            display = data.display(data.code(str(row["lead_id"])))
            score, points = row.get("score"), row.get("rubric_points")
            rows.append(
                SwappedLead(
                    lead_id=str(row["lead_id"]),
                    name=person_name(display) or str(row["lead_id"]),
                    company=company_name(display),
                    score=None if score is None else int(score),
                    points=points,
                    handed_off_at=row.get("handed_off_at"),
                    reason=reasons[str(row["lead_id"]), part["side"]],
                    won=bool(row["won"]),
                )
            )
        found.append(SwapSide(**{**part, "rows": rows, "pending": pending}))
    return found


def _reasons(
    app_state: AppState, rows: Sequence[Mapping[str, Any]], language: Language
) -> tuple[dict[tuple[str, str], str], bool]:
    """The strongest reason of each lead for its side, in plain words, and whether they are being written beside the
    request; till then they are empty.

    In English the sentence of the run stands in meanwhile, and where its matrix was built anew since.
    """
    keys = [(str(row["lead_id"]), str(row["side"])) for row in rows]
    stamp = (run_results.stamp_compared_block(app_state), tuple(keys))
    name = f"swap reasons {language.code} {len(rows) > 2 * SHOWN}"
    written = app_state.results.begin(name, stamp, lambda: _write(app_state, rows, language))
    texts = written.value
    if texts is None:
        texts = [_sentence_of_run(row, language) for row in rows]
    return dict(zip(keys, texts, strict=True)), written.underway


def _write(app_state: AppState, rows: Sequence[Mapping[str, Any]], language: Language) -> list[str]:
    if not rows:
        return []
    texts = [_sentence_of_run(row, language) for row in rows]
    block = run_results.read_compared_block(app_state).block
    twin = load_bundle(app_state.paths.train / "twin")
    found = explain_swaps(twin, block, pd.DataFrame(rows))
    if found is None:
        return texts
    writer, parts = ReasonWriter(twin.catalog, twin.facts, language), found.parts
    unit, source = twin.scale.points_per_log_odds, app_state.context.source
    for k, (at, record) in enumerate(zip(found.at.tolist(), found.values.to_dict("records"), strict=True)):
        every = writer.reasons({str(name): value for name, value in record.items()}, parts.names, parts.values[k])
        helps = rows[at]["side"] == run_results.SIDES[0]
        chosen = choose_reasons(every, source, unit, helps=helps, count=1)
        texts[at] = chosen[0].says if chosen else ""
    return texts


def _sentence_of_run(row: Mapping[str, Any], language: Language) -> str:
    """What the run wrote of a lead, in English alone."""
    return _sentence_alone(row.get("reason_1")) if language.code == SOURCE_LANGUAGE else ""


def _sentence_alone(reason: Any) -> str:
    """A sentence of the run without its sign and figures: its side says which way it argues."""
    text = str(reason or "")
    return (text[2:] if text[:2] in ("+ ", "- ") else text).partition(" (")[0]
