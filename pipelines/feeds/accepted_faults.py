"""``accepted.json``: what looks like a fault of a feed and was said to be right, for as long as the champion stays.

A fault is known again by its check, its place and its words without figures: another renamed value is another fault.
Only what cannot get worse unnoticed is remembered: a feed that ended, a column that is no longer filled, new values.
How many rows came, and units and clocks, are a matter of figures: they are to be accepted each time.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from features.errors import DataError
from models.judging.drift.monitor_findings import Finding, Level
from models.judging.feeds.feed_fault import FaultKind
from pipelines.artifacts.artifact import Record
from pipelines.artifacts.monitor_record import MonitorFinding
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths

REMEMBERED = frozenset({FaultKind.FRESHNESS, FaultKind.VALUES, FaultKind.EMPTIED})
_FIGURES = re.compile(r"[\d.,:%+-]+")


class AcceptedFault(Record):
    """One of them: what it was, who scored then, why it is right and since when that is known."""

    check: str
    place: str
    words: str
    champion: str
    reason: str
    at: str


def accept_faults(paths: Paths, faults: Sequence[MonitorFinding], champion: str, reason: str) -> None:
    """Remember faults as right, beside those accepted before under the same champion."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    new = [
        AcceptedFault(check=f.check, place=f.place, words=_words(f.sentence), champion=champion, reason=reason, at=at)
        for f in faults
        if f.check in REMEMBERED
    ]
    named = {_key(one) for one in new}
    kept = [one for one in read_accepted(paths, champion) if _key(one) not in named]
    write_json(paths.feeds_accepted, [one.record() for one in [*kept, *new]])


def read_accepted(paths: Paths, champion: str) -> list[AcceptedFault]:
    """What was accepted under a champion; a model trained since is held against its own training."""
    try:
        found = read_json(paths.feeds_accepted) if paths.feeds_accepted.exists() else []
        faults = [AcceptedFault.of(one) for one in found]
    except (DataError, TypeError, ValueError) as problem:
        raise DataError(f"{paths.feeds_accepted} is damaged; remove it, then accept again what is right.") from problem
    return [one for one in faults if one.champion == champion]


def settle_accepted(findings: Sequence[Finding], accepted: Sequence[AcceptedFault]) -> list[Finding]:
    """The findings, those accepted before as something to watch, with the reason."""
    known = {_key(one): one for one in accepted}
    settled = []
    for finding in findings:
        one = known.get((finding.check, finding.place, _words(finding.sentence)))
        if one is None or finding.level != Level.ACT:
            settled.append(finding)
            continue
        sentence = f"{finding.sentence} Accepted on {one.at[:10]}: {one.reason}."
        settled.append(Finding(finding.check, Level.WATCH, sentence, "", finding.place))
    return settled


def _key(one: AcceptedFault) -> tuple[str, str, str]:
    return one.check, one.place, one.words


def _words(sentence: str) -> str:
    return " ".join(_FIGURES.sub(" ", sentence).split())
