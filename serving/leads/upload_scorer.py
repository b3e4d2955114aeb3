"""Rows of an upload scored: a few here, many in a process of its own, so that no request waits for them.

A hundred thousand rows hold the interpreter for minutes and take hundreds of megabytes that a server does not give
back. Run as ``python -m serving.leads.upload_scorer``, with what to score as JSON on standard input.
"""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.scoring.row_notes import ERROR, describe_errors
from pipelines.scoring.score_file import OffRecord, score_leads, write_scored
from pipelines.workspace.context import Context
from pipelines.workspace.people.register import WHY_FORGOTTEN
from pipelines.workspace.standing_feedback import StandingFeedback
from serving.children.bounded_child import ReaderBounds, answer_of, run_bounded
from serving.children.child_work import answer_question
from serving.children.context_record import ContextRecord
from serving.leads.upload_reader import ReadRows
from serving.settings import ServeSettings


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What is to be scored, and where the result goes.

    Parameters
    ----------
    unknown : leads of others and accounts of which the caller sees no lead
    said : what sales said and stands now
    """

    rows: ReadRows
    out: Path
    bundle: Path
    framework: str | None
    unknown: OffRecord
    said: StandingFeedback

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "file": str(self.rows.file),
            "missing": self.rows.missing_columns,
            "undeclared": self.rows.undeclared_columns,
            "out": str(self.out),
            "bundle": str(self.bundle),
            "framework": self.framework,
            "unknown": {"leads": sorted(self.unknown.leads), "accounts": sorted(self.unknown.accounts)},
            "silenced": sorted(self.said.silenced),
            "pinned": {lead: list(pair) for lead, pair in self.said.pinned.items()},
        }

    @classmethod
    def of(cls, record: dict[str, Any]) -> "Scoring":
        """Of a :meth:`record`."""
        pinned = {lead: (state, action) for lead, (state, action) in record["pinned"].items()}
        return cls(
            rows=ReadRows(Path(record["file"]), tuple(record["missing"]), tuple(record["undeclared"])),
            out=Path(record["out"]),
            bundle=Path(record["bundle"]),
            framework=record["framework"],
            unknown=OffRecord(**{kind: frozenset(ids) for kind, ids in record["unknown"].items()}),
            said=StandingFeedback(silenced=frozenset(record["silenced"]), pinned=pinned),
        )


@dataclass(frozen=True, kw_only=True)
class ScoredRows:
    """What came of it.

    Parameters
    ----------
    done, failed : rows, and those without a score
    forgotten : rows of people who are forgotten
    reasons : why rows have no score, the largest first
    unseen : values that training never saw
    late : a warning where the newest lead moves all others long past the data cut-off
    """

    done: int
    failed: int
    forgotten: int
    reasons: list[str]
    unseen: list[str]
    late: str


def score_rows_here(context: Context, asked: Scoring) -> ScoredRows:
    """Score the rows and write the result, in this process."""
    found = score_leads(
        context,
        asked.rows.leads(),
        bundle=str(asked.bundle),
        framework=asked.framework,
        unknown=asked.unknown,
        said=asked.said,
    )
    write_scored(found.frame, asked.out, marked=False)
    errors = found.frame[ERROR].tolist()
    failed = sum(text != "" for text in errors)
    return ScoredRows(
        done=len(errors),
        failed=failed,
        forgotten=errors.count(WHY_FORGOTTEN),
        reasons=describe_errors(errors),
        unseen=list(found.unseen),
        late=found.late,
    )


def score_rows_apart(
    context: Context, asked: Scoring, settings: ServeSettings, started: Callable[[subprocess.Popen[bytes]], None]
) -> ScoredRows:
    """The same in a process of its own, with bounds on memory and time, which ``started`` is told of.

    It is given what the server has loaded, not where that lies: a declaration that is edited meanwhile changes nothing.

    Raises
    ------
    DataError : the rows cannot be scored, or not within the bounds
    """
    bounds = replace(ReaderBounds.of(settings), seconds=settings.upload_score_seconds)
    question = asked.record() | {
        "context": ContextRecord.of(context).model_dump_json(by_alias=True),
        "memory_mib": bounds.memory_mib,
        "seconds": bounds.seconds,
    }
    end = run_bounded("serving.leads.upload_scorer", question, bounds, started, "scored")
    answer = answer_of(end, bounds, "scored", {"upload": asked.out.parent.name}, "scored")
    return ScoredRows(**answer["scored"])


def score_asked(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Score the rows that are asked for."""
    context = ContextRecord.model_validate_json(asked["context"]).open()
    return {"scored": vars(score_rows_here(context, Scoring.of(dict(asked))))}


if __name__ == "__main__":
    answer_question(score_asked)
