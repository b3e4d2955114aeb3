"""The data scientist's home: the model, drift, the data, and whether it is time to train again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.explaining.language import Language
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.diagnostics.score_trust import trust_of
from pipelines.retraining.retrain_record import RetrainRecord
from serving.pages.home.manager import no_model_note
from serving.pages.home.parts import PlainNote, Tile, write_trust
from serving.pages.written_values import write_count, write_day, write_decimal, write_span
from serving.results.drift import begin_drift
from serving.results.run_results import read_caution, why_points
from serving.results.score_bands import allowed_none, find_other_judged, read_evaluation
from serving.state.app_state import AppState
from serving.state.result_cache import file_stamp
from serving.state.worklist.worklist_query import WorklistQuery

VERDICTS: Mapping[str, str] = {
    "now": "Train again now.",
    "can wait": "Training again can wait.",
    "not enough closed yet": "Too few leads have closed since to train and judge again.",
    "mend the feeds first": "Mend the data first: a model trained now would learn their fault.",
}


@dataclass(frozen=True, kw_only=True)
class ScientistHome:
    """What the page prints; ``drift`` is what the monitor says, None while it is worked out.

    ``retrain`` is the advice of the monitor and ``retrain_why`` its reason; ``last_retrain`` is None before the first.
    """

    lede: str
    tiles: tuple[Tile, ...]
    trust: PlainNote
    caution: str
    drift: Mapping[str, Any] | None
    drift_problem: str
    retrain: str
    retrain_why: str
    last_retrain: RetrainRecord | None
    rows: Sequence[Mapping[str, Any]]
    warnings: Sequence[str]
    counting: bool


def build_scientist_home(app_state: AppState, owner: str | None, language: Language) -> ScientistHome:
    """Everything on the page; leads are counted of one owner or of all."""
    bundle, evaluation = app_state.loaded.model.bundle, read_evaluation(app_state)
    reason = why_points(app_state)
    drift = begin_drift(app_state)
    counts = _counts(app_state)
    rows = [] if counts is None else [{"table": name, **row.model_dump()} for name, row in counts.rows.items()]
    advice = None if drift.value is None else drift.value.get("retrain")
    return ScientistHome(
        lede=_lede(language, bundle, reason),
        tiles=tuple(tile for tile in _tiles(app_state, owner, language, rows) if tile is not None),
        trust=no_model_note(language, reason, find_other_judged(app_state), none_allowed=allowed_none(app_state))
        if reason or evaluation is None
        else write_trust(language, trust_of(evaluation)),
        caution=read_caution(app_state),
        drift=drift.value,
        drift_problem=drift.problem,
        retrain="" if advice is None else language.text(VERDICTS[advice["verdict"]]),
        retrain_why="" if advice is None else str(advice["sentence"]),
        last_retrain=_last_retrain(app_state),
        rows=rows,
        warnings=() if counts is None else tuple(note for note in counts.notes if note.startswith("warning")),
        counting=drift.underway,
    )


def _last_retrain(app_state: AppState) -> RetrainRecord | None:
    """What the last retrain decided."""
    if not RetrainRecord.exists(app_state.paths):
        return None
    stamp = file_stamp(RetrainRecord.path(app_state.paths))
    return app_state.results.get("last retrain", stamp, lambda: RetrainRecord.read(app_state.paths))


def _counts(app_state: AppState) -> CountsRecord | None:
    if not CountsRecord.exists(app_state.paths):
        return None
    stamp = file_stamp(CountsRecord.path(app_state.paths))
    return app_state.results.get("row counts", stamp, lambda: CountsRecord.read(app_state.paths))


def _lede(language: Language, bundle: Any, reason: str) -> str:
    if reason:
        return language.text("No model is in use: points score.")
    through = bundle.meta.get("trained_through")
    text = language.text("{name} is in use.", name=str(bundle.meta.get("winner") or bundle.hash[:12]).capitalize())
    if not through:
        return text
    day = write_day(language, through)
    return text + " " + language.text("It learned from outcomes up to {day}.", day=day)


def _tiles(
    app_state: AppState, owner: str | None, language: Language, rows: Sequence[Mapping[str, Any]]
) -> tuple[Tile | None, ...]:
    evaluation, state = read_evaluation(app_state), app_state.loaded
    figures = None if evaluation is None else evaluation.figures.get(evaluation.winner or "")
    bad = sum(int(row["quarantined"]) for row in rows)
    read = sum(int(row["read"]) for row in rows)
    tiles: list[Tile | None] = [
        Tile(
            title=language.text("Model in use"),
            value=state.model.bundle.hash[:8],
            foot=language.text("whole name on the model page"),
            href="/model",
            term="champion",
        )
    ]
    if figures is not None and evaluation is not None and not state.model.bundle.by_points:
        low, high = figures["auc_ci"]
        span = (
            ""
            if low is None or high is None
            else write_span(language, write_decimal(language, low, 2), write_decimal(language, high, 2))
        )
        tiles.append(
            Tile(
                title=language.text("Order on the test (AUC)"),
                value=write_decimal(language, figures["auc"], 2),
                unit=span,
                foot=language.text("0.5 is a coin toss"),
                href="/model",
                term="auc",
            )
        )
        if (error := figures.get("ece")) is not None:
            by_chance = None if evaluation.ece_if_perfect is None else evaluation.ece_if_perfect.p95
            tiles.append(
                Tile(
                    title=language.text("Calibration error"),
                    value=write_decimal(language, error, 3),
                    foot=""
                    if by_chance is None
                    else language.text("up to {bound} is chance", bound=write_decimal(language, by_chance, 3)),
                    direction=None if by_chance is None else 1 if error <= by_chance else -1,
                    href="/model",
                    term="calibration",
                )
            )
    tiles.append(
        Tile(
            title=language.text("Open leads scored"),
            value=write_count(language, state.worklist.count(WorklistQuery(owner=owner))),
            href="/worklist?show=all",
        )
    )
    if rows:
        tiles.append(
            Tile(
                title=language.text("Rows in quarantine"),
                value=write_count(language, bad),
                unit=language.text("of {n}", n=write_count(language, read)),
                href="#data",
                term="quarantine",
            )
        )
    return tuple(tiles)
