"""Who changes places at equal workload: names, both scores, the outcome, and reasons that argue for the side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.bundle import load_bundle
from models.explaining.language import SOURCE_LANGUAGE, Language
from models.explaining.reasons import ReasonWriter
from models.judging.score_thresholds.swap_reasons import reasons_of_side
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.scoring.shown_columns import company_name, person_name
from serving.results import run_results
from serving.state.app_state import AppState
from serving.state.result_cache import file_stamp

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


@dataclass(frozen=True)
class SwapSide:
    """Leads that only one hands off: ``side`` says which, ``leads`` how many there are, ``won`` of them were won."""

    side: str
    leads: int
    won: int
    rows: Sequence[SwappedLead]


def read_swaps(app_state: AppState, owner: str | None, language: Language, *, everybody: bool) -> list[SwapSide]:
    """Both sides, each ordered by how far the two judges disagree."""
    sides = run_results.read_swap_set(app_state, owner, MOST if everybody else SHOWN)
    shown = [row for part in sides for row in part["rows"]]
    reasons = _reasons(app_state, shown, language)
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
        found.append(SwapSide(part["side"], part["leads"], part["won"], rows))
    return found


def _reasons(app_state: AppState, rows: Sequence[Mapping[str, Any]], language: Language) -> dict[tuple[str, str], str]:
    """The first reason of each lead and side: as the run wrote it, or in another language written anew."""
    keys = [(str(row["lead_id"]), str(row["side"])) for row in rows]
    if language.code == SOURCE_LANGUAGE:
        return {key: _sentence_alone(row.get("reason_1")) for key, row in zip(keys, rows, strict=True)}
    stamp = (file_stamp(ComparisonRecord.path(app_state.paths)), tuple(keys))
    texts = app_state.results.get(f"swap reasons {language.code}", stamp, lambda: _write(app_state, rows, language))
    return dict(zip(keys, texts, strict=True))


def _write(app_state: AppState, rows: Sequence[Mapping[str, Any]], language: Language) -> list[str]:
    if not rows:
        return []
    block = run_results.read_compared_block(app_state).block
    twin = load_bundle(app_state.paths.train / "twin")
    at = np.array([int(row["row"]) for row in rows])
    values = block.matrix.values.iloc[at].reset_index(drop=True)
    by_model = np.array([row["side"] == run_results.SIDES[0] for row in rows], dtype=np.bool_)
    writer = ReasonWriter(twin.catalog, twin.facts, language)
    return [
        _sentence_alone(first) for (first,) in reasons_of_side(writer, twin.contributions(values), values, by_model, 1)
    ]


def _sentence_alone(reason: Any) -> str:
    """The sentence alone: its side says which way it argues, and the card has the figures behind it."""
    text = str(reason or "")
    return (text[2:] if text[:2] in ("+ ", "- ") else text).partition(" (")[0]
