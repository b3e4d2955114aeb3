"""``counts.json`` and ``validation.json``: rows read, kept and quarantined, and whether the kept ones pass."""

import hashlib
from typing import Any

from typing_extensions import TypedDict

from features.schema.source import Source
from pipelines.artifacts.artifact import Artifact, Record

_LEFT_OUT = {
    "forgotten": "of forgotten people left out",
    "objection": "of people who object to profiling left out",
    "consent": "without consent to their channel left out",
    "retention": "past their retention left out",
}


class RowCount(Record):
    """Rows of one table; read = kept + quarantined + ``left_out`` + ``repeated`` + all of ``people``.

    ``left_out`` are rows of the file that are not of this table, ``repeated`` rows without an id that are in the file
    once more and count once, ``people`` rows left out for the sake of those they speak of, by why.
    """

    read: int
    kept: int
    quarantined: int
    left_out: int = 0
    repeated: int = 0
    people: dict[str, int] = {}

    @property
    def set_apart(self) -> int:
        """Rows that are neither kept nor wrong: of another table, told before, or left out for somebody's sake."""
        return self.left_out + self.repeated + self.for_people

    @property
    def for_people(self) -> int:
        """Rows left out for the sake of those they speak of."""
        return sum(self.people.values())

    def describe_people(self) -> str:
        """Why rows were left out for somebody's sake, e.g. ``3 past their retention``."""
        told = (f"{count:,} {_LEFT_OUT[why].removesuffix(' left out')}" for why, count in self.people.items() if count)
        return ", ".join(told)

    def describe(self) -> str:
        """What became of the rows, after a word such as ``600 read``."""
        others = f", {self.left_out:,} not of this table" if self.left_out else ""
        others += f", {self.repeated:,} repeated" if self.repeated else ""
        others += "".join(f", {count:,} {_LEFT_OUT[why]}" for why, count in self.people.items() if count)
        return f"{self.kept:,} kept, {self.quarantined:,} quarantined{others}"


class QuarantineReason(Record):
    """One reason why rows of a table are in quarantine (``kept``: why they are warned of, and stay).

    Parameters
    ----------
    rows, read : rows that broke the rule, and rows of the table
    row, example : the first of them in the file, and its value
    cause, advice : what is behind it and what to do next; empty where no cause shows
    """

    table: str
    rule: str
    column: str
    rows: int
    read: int
    row: int
    example: str
    cause: str = ""
    advice: str = ""
    kept: bool = False


class IdentityCounts(Record):
    """What identity resolution merged and matched, and what it kept apart.

    ``apart`` counts leads by why one address does not make them one person, ``apart_examples`` are such addresses.
    """

    rule: str
    merged_leads: int
    into: int
    matched_to_accounts: int
    ambiguous_domains: int
    changed_tables: tuple[str, ...]
    apart: dict[str, int] = {}
    apart_examples: dict[str, str] = {}


class MatchedKeys(Record):
    """Ids of one column that refer to another table in another spelling.

    ``matched`` and ``doubtful`` count rows by the words that say how or why not; ``shared`` counts rows whose value
    stands for several rows there, ``unnamed`` those looked up by their own id that no row there names, ``unmatched``
    those that refer to a row that is not there.
    """

    refers_to: str
    rows: int
    matched: dict[str, int]
    doubtful: dict[str, int]
    examples: dict[str, tuple[str, ...]]
    shared: int = 0
    unnamed: int = 0
    unmatched: int


class CountsRecord(Artifact):
    """What ingest read of a source; every row read is kept or in quarantine.

    ``rules`` and ``warnings`` count rows by table and rule, ``reasons`` says by table why rows were lost, most rows
    first, ``files`` holds name, size, hash and form of each file, ``undeclared_kinds`` the rows of each kind of
    activity that the declaration does not know: no feature counts them.
    ``declaration`` is the SHA-256 of the source it was read by. ``as_of`` is the earlier moment from which on rows were
    left out, where a retrain asked for one.
    ``keys`` says of each column that refers to another table which ids were matched though written otherwise.
    """

    FILE = "ingest/counts.json"
    STAGE = "ingest"

    source: str
    source_kind: str
    synthetic: bool
    data_cutoff: str | None
    as_of: str | None = None
    rows: dict[str, RowCount]
    rules: dict[str, dict[str, int]]
    warnings: dict[str, dict[str, int]]
    undeclared_columns: dict[str, tuple[str, ...]]
    ignored_columns: dict[str, dict[str, str]]
    files: dict[str, dict[str, Any]]
    notes: tuple[str, ...]
    reasons: dict[str, tuple[QuarantineReason, ...]] = {}
    undeclared_kinds: dict[str, int] = {}
    keys: dict[str, MatchedKeys] = {}
    identity: IdentityCounts | None = None
    declaration: str = ""
    verdict: str
    text: str


def hash_declaration(source: Source) -> str:
    """SHA-256 of what a declaration says; keys that say what is so without them do not count."""
    return hashlib.sha256(source.model_dump_json(exclude_defaults=True).encode()).hexdigest()


class RuleResult(TypedDict):
    """One rule of the contract on the rows kept."""

    kind: str
    sentence: str
    success: bool
    table: str
    warns: bool


class ExpectationResult(Record):
    """One declared expectation on rows ``raw`` or ``kept``.

    ``checked`` and ``unexpected`` count values where it judges row by row, ``observed`` is the figure of the whole
    column otherwise; ``examples`` are unexpected values of columns that hold none of a person. ``problem`` says why it
    could not be evaluated, which counts as not holding.
    """

    table: str
    rows: str
    type: str
    sentence: str
    severity: str
    notes: str
    success: bool
    checked: int | None
    unexpected: int | None
    observed: str
    examples: tuple[str, ...]
    problem: str

    @property
    def found(self) -> str:
        """What was found instead, in words."""
        if self.problem:
            return self.problem
        if self.unexpected is not None and self.checked:
            examples = f", e.g. {', '.join(self.examples)}" if self.examples else ""
            return f"{self.unexpected:,} of {self.checked:,} rows ({self.unexpected / self.checked:.2%}){examples}"
        return f"found {self.observed}" if self.observed else "its values are not shown"

    @property
    def line(self) -> str:
        """Where, what was expected, what was found, and why it matters."""
        why = f" ({self.notes})" if self.notes else ""
        return f"{self.table}, {self.rows} rows: {self.sentence}: {self.found}{why}"


class BrokenRule(TypedDict):
    """One rule that rows broke, with a few of them."""

    column: str
    examples: list[dict[str, Any]]
    meaning: str
    rows: int
    rule: str
    table: str


class ValidationRecord(CountsRecord):
    """The counts of ingest, and what validation found.

    ``verdict`` is ``ok``, ``failed`` (kept rows break a rule) or ``unexpected`` (a declared expectation of severity
    ``fail`` does not hold).
    """

    FILE = "validate/validation.json"
    STAGE = "validate"

    title: str
    results: tuple[RuleResult, ...]
    quarantine: tuple[BrokenRule, ...]
    warning_rows: tuple[BrokenRule, ...]
    columns: dict[str, tuple[dict[str, Any], ...]]
    expectations: tuple[ExpectationResult, ...] = ()

    @property
    def unmet(self) -> list[ExpectationResult]:
        """Declared expectations that do not hold, those that fail before those that warn."""
        return sorted((one for one in self.expectations if not one.success), key=lambda one: one.severity != "fail")
