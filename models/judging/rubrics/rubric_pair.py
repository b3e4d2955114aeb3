"""Two rubrics on the same matured leads: whom each hands off, who enters and leaves, and which rule moves whom."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Ints
from features.rubric.ledger import Ledger, ledger_of_rules
from features.rubric.schema import Rubric
from features.rubric.versions import changed_rules
from models.judging.cluster_bootstrap import Interval, Resampling, interval, ratio, resample_totals
from models.judging.handoff.policy_results import (
    Handoffs,
    PolicyResult,
    intervals_of,
    result_of,
    sums_of,
    winnable_sums,
)
from models.judging.handoff.replay import JudgedRows, Replay, first_crossings, per_snapshot, top_each_snapshot
from models.judging.handoff.workload_curve import SnapshotCapacity

ACTIVE, DRAFT = "active", "draft"
PLACES = ("own_threshold", "same_workload", "capacity")
_WHERE = {
    "own_threshold": "At its own threshold",
    "same_workload": "At the active rubric's workload",
    "capacity": "At capacity",
}
THRESHOLDS, CAPS = "thresholds", "caps"  # parts of a rubric that change handoffs beside its rules


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Draft minus active on the same leads at one place, each with a paired 90% interval."""

    place: str
    handoffs: int
    handoffs_ci: Interval
    wins: int
    wins_ci: Interval
    precision: float
    precision_ci: Interval

    def record(self) -> dict[str, Any]:
        """JSON-ready, NaN as None."""
        return {
            "place": self.place,
            "handoffs": self.handoffs,
            "handoffs_ci": self.handoffs_ci.record(),
            "wins": self.wins,
            "wins_ci": self.wins_ci.record(),
            "precision": None if np.isnan(self.precision) else self.precision,
            "precision_ci": self.precision_ci.record(),
        }


@dataclass(frozen=True, kw_only=True)
class RuleMove:
    """What the active rubric would hand off with this one change of the draft and no other.

    ``change`` is added, removed or changed; ``enter`` and ``leave`` count leads, ``enter_won`` and ``leave_won`` the
    wins among them; ``leads`` counts leads whose points it changes on any look.
    """

    rule: str
    label: str
    change: str
    leads: int
    enter: int
    enter_won: int
    leave: int
    leave_won: int
    wins_ci: Interval

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"wins_ci": self.wins_ci.record()}


@dataclass(frozen=True, kw_only=True)
class RubricPair:
    """Result of :func:`compare_rubrics`; ``moves`` names the leads only one of the two hands off."""

    policies: tuple[PolicyResult, ...]
    differences: tuple[PairedDifference, ...]
    rules: tuple[RuleMove, ...]
    moves: pd.DataFrame
    leads: int
    winnable: int
    sentences: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """JSON-ready; ``moves`` with leads by name, those won first."""
        return {
            "policies": [result.record() for result in self.policies],
            "differences": [difference.record() for difference in self.differences],
            "rules": [rule.record() for rule in self.rules],
            "moves": self.moves.to_dict(orient="records"),
            "leads": self.leads,
            "winnable": self.winnable,
            "sentences": list(self.sentences),
        }


def compare_rubrics(
    active: Ledger, draft: Ledger, rows: JudgedRows, *, capacity: SnapshotCapacity, resampling: Resampling
) -> RubricPair:
    """Replay two rubrics on the same matured rows, whole accounts resampled, the same draws for both.

    Parameters
    ----------
    active, draft : their ledgers on the rows
    """
    rows = rows.with_value(capacity.declared.value_per_win)
    replay = capacity.arrange(rows.keys, rows.label)
    books = {ACTIVE: active, DRAFT: draft}
    handed = {(name, place): _rows(replay, books, name, place, capacity) for name in books for place in PLACES}
    every = {
        f"{name}_{place}": Handoffs(f"{name}_{place}", name, _WHERE[place], found)
        for (name, place), found in handed.items()
        if not (name == ACTIVE and place == "same_workload")
    }

    alone = {name: _with_one_change(active, draft, name) for name in _changes(active.rubric, draft.rubric)}
    single = {name: first_crossings(replay, book.handed_off) for name, book in alone.items()}
    sums = {"winnable": winnable_sums(replay)}
    for name, handoffs in every.items():
        sums |= {f"{name}.{what}": values for what, values in sums_of(replay, handoffs, rows.amount).items()}
    for name, single_rows in single.items():
        moved = sums_of(replay, Handoffs(name, "", "", single_rows), rows.amount)
        sums[f"rule {name}.wins"] = moved["wins"]
    drawn = resample_totals(sums, resampling)

    cost = capacity.declared.cost_per_handoff
    results = []
    for name, handoffs in every.items():
        result = result_of(replay, handoffs, rows, cost=cost)
        results.append(replace(result, intervals=intervals_of(drawn, name)))

    differences = tuple(_difference(place, handed, replay, drawn) for place in PLACES)
    own = handed[ACTIVE, "own_threshold"], handed[DRAFT, "own_threshold"]
    pair = RubricPair(
        policies=tuple(results),
        differences=differences,
        rules=tuple(
            _rule_move(name, active, alone[name], draft.rubric, (own[0], single[name]), replay, drawn) for name in alone
        ),
        moves=_moves(replay, rows, active, draft, own),
        leads=replay.leads,
        winnable=int(replay.winnable.sum()),
        sentences=(),
    )
    return _with_sentences(pair, active.rubric, draft.rubric)


def _rows(replay: Replay, books: Mapping[str, Ledger], name: str, place: str, capacity: SnapshotCapacity) -> Ints:
    """Rows one of the rubrics hands off at a place."""
    if place == "own_threshold":
        return first_crossings(replay, books[name].handed_off)
    if place == "capacity":
        return top_each_snapshot(replay, books[name].points, capacity.places(replay))
    own = first_crossings(replay, books[ACTIVE].handed_off)
    if name == ACTIVE:
        return own
    return top_each_snapshot(replay, books[name].points, per_snapshot(replay, own))


def _difference(
    place: str, handed: Mapping[tuple[str, str], Ints], replay: Replay, drawn: Mapping[str, Floats]
) -> PairedDifference:
    old, new = handed[ACTIVE, place], handed[DRAFT, place]
    names = f"{ACTIVE}_{'own_threshold' if place == 'same_workload' else place}", f"{DRAFT}_{place}"
    won = [float(replay.label[rows].sum()) for rows in (old, new)]
    shares = [w / len(rows) if len(rows) else np.nan for w, rows in zip(won, (old, new), strict=True)]
    load, wins = ([drawn[f"{name}.{what}"] for name in names] for what in ("workload", "wins"))
    precision = [ratio(wins[k], load[k]) for k in range(2)]
    return PairedDifference(
        place=place,
        handoffs=len(new) - len(old),
        handoffs_ci=interval(load[1] - load[0]),
        wins=int(won[1] - won[0]),
        wins_ci=interval(wins[1] - wins[0]),
        precision=float(shares[1] - shares[0]),
        precision_ci=interval(precision[1] - precision[0]),
    )


def _changes(active: Rubric, draft: Rubric) -> list[str]:
    """Rules that differ, then caps and thresholds if they do."""
    caps = (active.start, active.total, active.groups) != (draft.start, draft.total, draft.groups)
    lines = (active.thresholds, active.handoff, active.matrix) != (draft.thresholds, draft.handoff, draft.matrix)
    return [*changed_rules(active, draft), *([CAPS] if caps else []), *([THRESHOLDS] if lines else [])]


def _with_one_change(active: Ledger, draft: Ledger, name: str) -> Ledger:
    """The active rubric's ledger with one change of the draft and no other."""
    old, new = active.rubric, draft.rubric
    if name == THRESHOLDS:
        return ledger_of_rules(_with_lines_of(new, old), active.rules)
    if name == CAPS:
        groups = {group: new.groups.get(group, old.groups[group]) for group in old.groups}
        return ledger_of_rules(
            old.model_copy(update={"start": new.start, "total": new.total, "groups": groups}), active.rules
        )

    ours = {rule.id: rule for rule in new.rules}
    columns = {rule.id: active.rules[rule.id] for rule in old.rules if rule.id != name or name in ours}
    rules = [ours[name] if rule.id == name else rule for rule in old.rules if rule.id != name or name in ours]
    if name in ours:
        columns[name] = draft.rules[name]
        rules += [] if any(rule.id == name for rule in old.rules) else [ours[name]]
    groups = dict(old.groups)
    groups |= {rule.group: new.groups[rule.group] for rule in rules if rule.group not in groups}
    rubric = old.model_copy(update={"rules": tuple(rules), "groups": groups})
    return ledger_of_rules(_without_lost(rubric), pd.DataFrame(columns)[[rule.id for rule in rules]])


def _with_lines_of(draft: Rubric, active: Rubric) -> Rubric:
    """The active rules under the draft's thresholds; what they ask of rules the active rubric lacks is left out."""
    update = {"thresholds": draft.thresholds, "handoff": draft.handoff, "matrix": draft.matrix}
    return _without_lost(active.model_copy(update=update))


def _without_lost(rubric: Rubric) -> Rubric:
    """The rubric without required rules and groups it does not have."""
    ids = {rule.id for rule in rubric.rules}
    lines = tuple(
        line.model_copy(
            update={
                "requires": tuple(name for name in line.requires if name in ids),
                "any_of": tuple(name for name in line.any_of if name in ids),
            }
        )
        for line in rubric.thresholds
        if line.group is None or line.group in rubric.groups
    )
    return rubric.model_copy(update={"thresholds": lines})


def _rule_move(
    name: str,
    active: Ledger,
    changed: Ledger,
    draft: Rubric,
    handed: tuple[Ints, Ints],
    replay: Replay,
    drawn: Mapping[str, Floats],
) -> RuleMove:
    enter, leave = _only(replay, handed[1], handed[0]), _only(replay, handed[0], handed[1])
    differs = np.abs(changed.points - active.points) > 1e-9
    old, new = ({rule.id: rule for rule in rubric.rules} for rubric in (active.rubric, draft))
    rule = new.get(name) or old.get(name)
    return RuleMove(
        rule=name,
        label=name if rule is None else rule.label or name.replace("_", " "),
        change="changed" if name in (THRESHOLDS, CAPS) or (name in old and name in new) else _one_sided(name, new),
        leads=len(np.unique(replay.lead[differs])),
        enter=len(enter),
        enter_won=int(replay.label[enter].sum()),
        leave=len(leave),
        leave_won=int(replay.label[leave].sum()),
        wins_ci=interval(drawn[f"rule {name}.wins"] - drawn[f"{ACTIVE}_own_threshold.wins"]),
    )


def _one_sided(name: str, new: Mapping[str, Any]) -> str:
    return "added" if name in new else "removed"


def _only(replay: Replay, rows: Ints, others: Ints) -> Ints:
    """Rows of leads that the others do not hand off at all."""
    return np.asarray(rows[~np.isin(replay.lead[rows], replay.lead[others])], dtype=np.int64)


def _moves(replay: Replay, rows: JudgedRows, active: Ledger, draft: Ledger, own: tuple[Ints, Ints]) -> pd.DataFrame:
    """Leads that only one of the two hands off at its own threshold, with the rule that weighs most; won first."""
    parts = []
    for side, here, there in (("enters", own[1], own[0]), ("leaves", own[0], own[1])):
        at = _only(replay, here, there)
        parts.append(
            pd.DataFrame(
                {
                    "lead_id": rows.keys["lead_id"].to_numpy()[at],
                    "side": side,
                    "handed_off_at": rows.keys["as_of"].to_numpy()[at],
                    "won": replay.label[at] == 1.0,
                    "points_active": active.points[at],
                    "points_draft": draft.points[at],
                    "because": largest_change(active, draft, at),
                }
            )
        )
    found = pd.concat(parts, ignore_index=True)
    order = np.lexsort((found["lead_id"].to_numpy(dtype=str), ~found["won"].to_numpy(dtype=bool), found["side"]))
    return found.iloc[order].reset_index(drop=True)


def largest_change(active: Ledger, draft: Ledger, rows: Ints) -> list[str]:
    """Per row the rule whose points differ most, in words; where none differs, that the thresholds do."""
    ids = list(dict.fromkeys([*active.rules.columns, *draft.rules.columns]))
    old, new = (book.rules.reindex(columns=ids).fillna(0.0).to_numpy()[rows] for book in (active, draft))
    labels = {
        rule.id: rule.label or rule.id.replace("_", " ") for book in (active, draft) for rule in book.rubric.rules
    }
    found = []
    for before, after in zip(old, new, strict=True):
        k = int(np.argmax(np.abs(after - before))) if len(ids) else 0
        same = not len(ids) or abs(after[k] - before[k]) < 1e-9
        found.append("thresholds or caps" if same else f"{labels[ids[k]]}: {before[k]:+g} to {after[k]:+g}")
    return found


def _with_sentences(found: RubricPair, active: Rubric, draft: Rubric) -> RubricPair:
    enter, leave = (found.moves[found.moves["side"] == side] for side in ("enters", "leaves"))
    names = f"{draft.name} {draft.version}", f"{active.name} {active.version}"
    lines = [
        f"Draft {names[0]} against {names[1]}, in force, on the same {found.leads:,} leads, {found.winnable:,} of them "
        f"to be won: {len(enter):,} enter the handoffs ({int(enter['won'].sum()):,} of them won), {len(leave):,} "
        f"leave ({int(leave['won'].sum()):,} won)."
    ]
    results = {result.policy: result for result in found.policies}
    for row in found.differences:
        before = results[f"{ACTIVE}_{'own_threshold' if row.place == 'same_workload' else row.place}"]
        after = results[f"{DRAFT}_{row.place}"]
        lines.append(
            f"{_WHERE[row.place]} the draft hands off {after.workload:,} leads with {after.wins:,} wins, the active "
            f"rubric {before.workload:,} with {before.wins:,}: {row.wins:+,} wins{_span(row.wins_ci)}"
            f"{_judgement(row.wins_ci)}"
        )
    if not found.rules:
        lines.append("The two give every lead the same points and the same handoff.")
    return replace(found, sentences=tuple(lines))


def _span(found: Interval) -> str:
    return "" if np.isnan(found.low) else f" (90% interval {found.low:+.0f} to {found.high:+.0f})"


def _judgement(found: Interval) -> str:
    if np.isnan(found.low):
        return "; too few accounts for an interval."
    if found.low <= 0 <= found.high:
        return "; no difference beyond noise."
    return "."


def handed_off_now(active: Ledger, draft: Ledger, lead_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Open leads that only one of the two would hand off today, those who enter first, each by points of the draft."""
    old, new = active.handed_off, draft.handed_off
    moved: Bools = old != new
    at = np.flatnonzero(moved)
    names = np.array([str(lead_ids[k]) for k in at.tolist()])
    at = at[np.lexsort((names, -draft.points[at], ~new[at]))].astype(np.int64)
    because = largest_change(active, draft, at)
    return [
        {
            "lead_id": str(lead_ids[k]),
            "side": "enters" if new[k] else "leaves",
            "points_active": float(active.points[k]),
            "points_draft": float(draft.points[k]),
            "because": why,
        }
        for k, why in zip(at.tolist(), because, strict=True)
    ]
