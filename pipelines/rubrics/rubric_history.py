"""What rubrics say of rows of a matrix: the one in force, or each row under the version of its time."""

import numpy as np

from features.array_types import Tables
from features.assembly.rule_values import rule_values_on
from features.matrix import Matrix
from features.rubric.ledger import Ledger, ledger
from features.rubric.schema import Rubric
from features.rubric.versions import RubricHistory
from features.schema.source import Source
from models.judging.handoff.policies import ScoredPolicy


def ledger_on(source: Source, tables: Tables, rubric: Rubric, past: Matrix) -> Ledger:
    """A rubric's ledger on rows of a matrix."""
    return ledger(rubric, rule_values_on(source, tables, rubric, past))


def score_by_history(source: Source, tables: Tables, history: RubricHistory, past: Matrix) -> ScoredPolicy | None:
    """What the rubric said at the time: every row under the version that was in force then; None without a rubric.

    ``threshold`` is the version's where one version covers all rows.
    """
    places = history.places(past.keys["as_of"])
    if not history.versions:
        return None
    points, handed = np.zeros(len(past)), np.zeros(len(past), dtype=np.bool_)
    used = np.unique(places).tolist() or [len(history.versions) - 1]
    for place in used:
        at = np.flatnonzero(places == place)
        rubric = history.versions[place].rubric
        book = ledger_on(source, tables, rubric, past.take(at))
        points[at], handed[at] = book.points, book.handed_off
    line = history.versions[used[0]].rubric.handoff_threshold if len(used) == 1 else None
    return ScoredPolicy("rubric", points, handed_off=handed, threshold=None if line is None else line.points)


def score_draft(source: Source, tables: Tables, rubric: Rubric, past: Matrix) -> ScoredPolicy:
    """What one rubric says of all rows, whichever was in force."""
    book, line = ledger_on(source, tables, rubric, past), rubric.handoff_threshold
    return ScoredPolicy(
        "rubric", book.points, handed_off=book.handed_off, threshold=None if line is None else line.points
    )


def note_of_versions(history: RubricHistory, past: Matrix) -> list[str]:
    """Which versions judge which of the rows, in words; nothing where there is one version."""
    if len(history.versions) < 2 or not len(past):
        return []
    counts = np.bincount(history.places(past.keys["as_of"]), minlength=len(history.versions))
    parts = [
        f"{count:,} rows under version '{version.rubric.version}'"
        for version, count in zip(history.versions, counts.tolist(), strict=True)
        if count
    ]
    return [
        f"The rubric is judged by the version of each week: {', '.join(parts)}; version "
        f"'{history.versions[-1].rubric.version}' is in force now."
    ]
