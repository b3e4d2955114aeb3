"""How the rows of one table refer to the leads or accounts of another: by id, or through other columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.declaring.column_inference import missing_texts
from pipelines.declaring.exports.key_overlap import KeyOverlap, Link
from pipelines.declaring.words.header_words import Meaning, meanings_of
from pipelines.declaring.yaml_text import column_line, wrap_comment

LEAST_ADDED = 0.01  # share of rows that a further column must find to be worth looking through
LEAST_FOUND = 0.05  # share of filled rows found below which a column refers to something else


@dataclass(frozen=True, kw_only=True)
class TableReference:
    """A column that refers to the rows of a parent table.

    Parameters
    ----------
    column : header in the child's file
    through : headers of the parent's file whose value stands for a row, beside its key
    rows : share of the filled rows that refer to a row of the parent
    filled : share of all rows that are filled
    evidence : what speaks for it, in words
    missing : values of it that mean there is none
    """

    column: str
    through: tuple[str, ...]
    rows: float
    filled: float
    evidence: tuple[str, ...]
    missing: tuple[str, ...] = ()

    @property
    def coverage(self) -> float:
        """Share of all rows that refer to a row of the parent."""
        return self.rows * self.filled


def find_reference(
    overlap: KeyOverlap, child: str, parent: str, key: str, stand_ins: Sequence[str]
) -> TableReference | None:
    """The column of a table that refers to most rows of another, of equals the one that does so directly.

    None where none refers to any.
    """
    headers = map(str, overlap.tables[child].frame.columns)
    found = [one for h in headers if (one := _through(overlap, child, h, parent, key, stand_ins)) is not None]
    most = max((one.coverage for one in found), default=0.0)
    near = [one for one in found if one.coverage >= most - LEAST_ADDED]
    return min(near, key=lambda one: (len(one.through), -one.coverage), default=None)


def _through(
    overlap: KeyOverlap, child: str, header: str, parent: str, key: str, stand_ins: Sequence[str]
) -> TableReference | None:
    own = overlap.link(child, header, parent, key)
    links: list[Link] = [] if own is None else [own]
    rows = 0.0 if own is None else own.rows
    through: list[str] = []
    others = [link for name in stand_ins if (link := overlap.link(child, header, parent, name)) is not None]
    for link in sorted(others, key=lambda link: -link.rows):
        if link.rows >= LEAST_ADDED and rows + LEAST_ADDED < 1:
            links.append(link)
            through.append(link.key)
            rows = min(1.0, rows + link.rows)
    if rows < LEAST_FOUND:
        return None
    evidence = tuple(link.evidence for link in links)
    filled, missing = overlap.tables[child].filled(header), tuple(missing_texts(overlap.tables[child].frame[header]))
    return TableReference(
        column=header, through=tuple(through), rows=rows, filled=filled, evidence=evidence, missing=missing
    )


def stand_ins_of_leads(overlap: KeyOverlap, leads: str, accounts: str | None) -> list[str]:
    """Columns by which a lead may be meant beside its id: a converted contact or deal, a mail address.

    Ids of its account are none: they stand for a company.
    """
    found = []
    for header in overlap.stand_ins(leads):
        to_account = accounts is not None and _is_account(overlap, leads, header, accounts)
        if not to_account and Meaning.OWNER not in meanings_of(header):
            found.append(header)
    return found


def _is_account(overlap: KeyOverlap, leads: str, header: str, accounts: str) -> bool:
    key = overlap.keys.get(accounts)
    return key is not None and overlap.link(leads, header, accounts, key) is not None


def reference_line(name: str, reference: TableReference, extra: Mapping[str, object] | None = None) -> list[str]:
    """The column that refers to another table, with the evidence above it; ``extra`` are further keys of it."""
    keys: dict[str, object] = {"from": reference.column}
    if reference.through:
        keys["through"] = list(reference.through)
    if reference.missing:
        keys["missing"] = list(reference.missing)
    lines = [line for text in reference.evidence for line in wrap_comment(text, indent=6)]
    share = f"{reference.filled:.0%} filled, {reference.rows:.0%} of those found"
    return [*lines, column_line(name, keys | dict(extra or {}), share)]
