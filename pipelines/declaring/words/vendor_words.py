"""Words of one vendor, used while its export is declared: its headings, statuses and kinds come before all guesses."""

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property

from features.schema.vocabulary import Stage
from pipelines.declaring.words.header_words import Meaning, known_meanings, meanings_of
from pipelines.declaring.words.vendor_template import (
    RecognisedTable,
    VendorKind,
    VendorTemplate,
    fold_header,
    recognise_table,
)

_FIELDS = {
    "lead_id": Meaning.ID,
    "activity_id": Meaning.ID,
    "created_at": Meaning.CREATED,
    "closed_at": Meaning.CLOSED,
    "happened_at": Meaning.HAPPENED,
    "known_at": Meaning.LOGGED,
    "status": Meaning.STATUS,
    "kind": Meaning.KIND,
    "asset": Meaning.ASSET,
    "question": Meaning.QUESTION,
    "value": Meaning.VALUE,
    "amount": Meaning.AMOUNT,
    "owner": Meaning.OWNER,
    "reason": Meaning.REASON,
}
_SEVERAL = ("lead_id", "closed_at")  # of which more than one column may be used; of others the best one found
# account_id keeps the words of its heading: an id, or a company's name


class VendorWords:
    """What a vendor's template says of headings, values and kinds, for one export."""

    def __init__(self, template: VendorTemplate) -> None:
        self.template = template
        self._tables: dict[tuple[str, ...], RecognisedTable | None] = {}

    def recognise(self, headers: Iterable[object]) -> RecognisedTable | None:
        """Which of the vendor's tables has these headings; remembered for the export."""
        key = tuple(map(str, headers))
        if key not in self._tables:
            self._tables[key] = recognise_table(self.template, key)
        return self._tables[key]

    @cached_property
    def _stages(self) -> Mapping[str, Stage]:
        said = self.template.status
        named = ((Stage.OPPORTUNITY, said.open), (Stage.DISQUALIFIED, said.disqualified), (Stage.LOST, said.lost))
        return {fold_header(word): stage for stage, words in (*named, (Stage.WON, said.won)) for word in words}

    def stage_of(self, text: str) -> Stage | None:
        """What a status of the vendor's means; None for one that the template does not know."""
        return self._stages.get(fold_header(text))

    def kind_of(self, value: str) -> tuple[str, VendorKind] | None:
        """Name and meaning of a kind of activity; the first that fits."""
        folded = value.casefold()
        for name, kind in self.template.kinds.items():
            if any(fnmatch.fnmatchcase(folded, pattern.casefold()) for pattern in kind.match):
                return name, kind
        return None


_SPOKEN: ContextVar[VendorWords | None] = ContextVar("vendor_words", default=None)


def spoken() -> VendorWords | None:
    """The words in use; None where no vendor was named."""
    return _SPOKEN.get()


@contextmanager
def speaking(words: VendorWords | None, tables: Sequence[Iterable[object]]) -> Iterator[None]:
    """Within the block a vendor's words come before all guesses about tables with these headings."""
    if words is None:
        yield
        return
    token = _SPOKEN.set(words)
    try:
        with known_meanings(_meanings(words, tables)):
            yield
    finally:
        _SPOKEN.reset(token)


def _meanings(words: VendorWords, tables: Sequence[Iterable[object]]) -> dict[str, frozenset[Meaning]]:
    """What each known heading of an export means; one that means several things in several tables means them all."""
    found: dict[str, frozenset[Meaning]] = {}
    for headers in tables:
        read = words.recognise(headers)
        if read is None:
            continue
        for field, named in read.fields.items():
            if field in _FIELDS:
                for header in named if field in _SEVERAL else named[:1]:
                    found[header] = found.get(header, frozenset()) | {_FIELDS[field]}
        for header, (_, column) in read.attributes.items():
            found.setdefault(header, frozenset({Meaning.TITLE} if column.title else ()))
        for header, role in read.roles.items():
            if role not in ("personal", "display"):  # no clock and no status, but it may refer to another table
                found.setdefault(header, meanings_of(header) & {Meaning.ID, Meaning.EMAIL})
    return found
