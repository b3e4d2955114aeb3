"""``accepted.json``: what looks like a fault of a feed and was said to be right, for as long as the champion stays.

A fault is known again by its check, its place and the values that it names: one value more is another fault. Where it
names none, by its words without figures. Values are kept as marks: a rare one may be a person's.
Only what cannot get worse unnoticed is remembered: a feed that ended, a column that is no longer filled, new values.
How many rows came, and units and clocks, are a matter of figures: they are to be accepted each time.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from features.errors import DataError
from models.judging.drift.monitor_findings import FeedFinding, Finding, Level
from models.judging.feeds.feed_fault import FaultKind
from pipelines.artifacts.artifact import Record
from pipelines.artifacts.monitor_record import MonitorFinding
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths

REMEMBERED = frozenset({FaultKind.FRESHNESS, FaultKind.VALUES, FaultKind.EMPTIED})
_FIGURES = re.compile(r"[\d.,:%+-]+")
_MOST_FAULTS = 1_000  # newest that are remembered, of all champions
_MOST_VALUES = 500  # marks of a fault; more are one mark together, and any other value makes it another fault


class AcceptedFault(Record):
    """One of them: what it was, who scored then, why it is right and since when that is known."""

    check: str
    place: str
    words: str
    champion: str
    reason: str
    at: str
    values: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """By what it is known again."""
        return self.check, self.place, self.words, *self.values


def mark_values(values: Sequence[str]) -> tuple[str, ...]:
    """Marks by which the values of a fault are known again."""
    if len(values) > _MOST_VALUES:
        values = ["\n".join(values)]
    return tuple(sorted(hashlib.sha256(value.encode()).hexdigest()[:16] for value in values))


def accept_faults(paths: Paths, faults: Sequence[MonitorFinding], champion: str, reason: str) -> None:
    """Remember faults as right, beside those accepted before."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    new = [
        AcceptedFault(
            check=f.check,
            place=f.place,
            words="" if f.values else _words(f.sentence),
            champion=champion,
            reason=reason,
            at=at,
            values=f.values,
        )
        for f in faults
        if f.check in REMEMBERED
    ]
    named = {one.key for one in new}
    kept = [one for one in _read(paths) if one.champion != champion or one.key not in named]
    write_json(paths.feeds_accepted, [one.record() for one in [*kept, *new][-_MOST_FAULTS:]])


def read_accepted(paths: Paths, champion: str) -> list[AcceptedFault]:
    """What was accepted under a champion; a model trained since is held against its own training."""
    return [one for one in _read(paths) if one.champion == champion]


def settle_accepted(findings: Sequence[Finding], accepted: Sequence[AcceptedFault]) -> list[Finding]:
    """The findings, those accepted before as something to watch, with the reason.

    Of what was accepted without its values, by words that any other value shares, it is said that this is too little.
    """
    settled = []
    for finding in findings:
        one = _find_accepted(finding, accepted)
        if finding.level != Level.ACT:
            settled.append(finding)
            continue
        if one is None:
            old = _find_old(finding, accepted)
            settled.append(finding if old is None else replace(finding, sentence=f"{finding.sentence} {_again(old)}"))
            continue
        sentence = f"{finding.sentence} Accepted on {one.at[:10]}: {one.reason}."
        settled.append(Finding(finding.check, Level.WATCH, sentence, "", finding.place))
    return settled


def _read(paths: Paths) -> list[AcceptedFault]:
    try:
        found = read_json(paths.feeds_accepted) if paths.feeds_accepted.exists() else []
        return [AcceptedFault.of(one) for one in found]
    except (DataError, TypeError, ValueError) as problem:
        raise DataError(f"{paths.feeds_accepted} is damaged; remove it, then accept again what is right.") from problem


def _find_accepted(finding: Finding, accepted: Sequence[AcceptedFault]) -> AcceptedFault | None:
    """What was accepted of a finding; the values it names may have been accepted one after the other."""
    here = [one for one in accepted if (one.check, one.place) == (finding.check, finding.place)]
    values = finding.values if isinstance(finding, FeedFinding) else ()
    if values:
        known = {value for one in here for value in one.values}
        return next((one for one in reversed(here) if {*one.values} & {*values}), None) if known >= {*values} else None
    return next((one for one in here if not one.values and one.words == _words(finding.sentence)), None)


def _find_old(finding: Finding, accepted: Sequence[AcceptedFault]) -> AcceptedFault | None:
    """What was accepted in the words of a finding, when the values it names were not kept yet."""
    if not isinstance(finding, FeedFinding) or not finding.values:
        return None
    alike = (finding.check, finding.place, _words(finding.sentence))
    return next((one for one in reversed(accepted) if not one.values and one.key == alike), None)


def _again(old: AcceptedFault) -> str:
    return (
        f"This or another of its kind was accepted on {old.at[:10]} ({old.reason}), without its values: accept it "
        "once more if these are right."
    )


def _words(sentence: str) -> str:
    return " ".join(_FIGURES.sub(" ", sentence).split())
