"""What the kinds of activities in an export are evidence of, and who did them: guesses by their words."""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from features.schema.vocabulary import Actor, Dimension, Topic
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.words.header_words import Meaning, meanings_of, words_of
from pipelines.declaring.words.vendor_template import VendorKind
from pipelines.declaring.words.vendor_words import spoken

MANY = 20  # kinds named one by one; a column with more holds titles, which patterns sum up
_FILLED = 0.8  # share of rows a column of kinds must fill
_ONE_KIND = 0.9  # share of the most frequent kind from which a column of kinds tells nothing
_LEAST_OF_A_PATTERN = 2  # distinct titles that a pattern sums up
_PREFIX = re.compile(r"^([^:|–—-]{3,30}?)\s*(:|\||–|—| - )\s*\S")

_INTENT = (
    r"demo|trial|pricing|price|quote|proposal|calculator|contact sales|book|angebot|preis|devis|essai|체험|견적|데모"
)
_ACTORS = (
    (Actor.SYSTEM, r"\bsent\b|send|delivered|newsletter$|campaign (mail|email)|bounce|gesendet|envoye|발송|送信"),
    (Actor.LEAD, r"open|click|visit|view|submit|form|attend|download|repl|regist|sign ?up|request|start|login|log in|"
     r"unsubscri|chat|use|purchase|geoffnet|besuch|ouvert|방문|클릭|열람|開封|閲覧"),
    (Actor.SYSTEM, r"newsletter|mailing|campaign|workflow|automat|drip"),
    (Actor.REP, r"call|phone|meeting|task|note|rep\b|anruf|telefon|besprechung|appel|rendez|llamada|reunion|ligacao|"
     r"telefonata|rozmowa|spotkanie|전화|미팅|電話|会議|email|e mail"),
)  # fmt: skip
_USAGE = r"product|login|log in|usage|session|feature|app\b|workspace|event$"
_TOPICS: tuple[tuple[str, Topic], ...] = (
    (r"pricing|price|quote|proposal|angebot|preis|devis|견적", Topic.BUDGET),
    (r"roi|calculator|study|benchmark", Topic.METRICS),
    (r"demo|trial|book|체험|데모", Topic.TIMELINE),
    (r"webinar|chat|product|case|customer|use", Topic.NEED),
    (r"open|click|visit|view|download|newsletter|guide|blog", Topic.INTEREST),
)


@dataclass(frozen=True, kw_only=True)
class KindGuess:
    """One kind of activity.

    Parameters
    ----------
    name : as the declaration calls it
    pattern : of the values that are it, "" where it is one value
    rows : how many
    known : what a vendor's template says of it
    """

    name: str
    pattern: str
    rows: int
    dimension: Dimension
    topic: Topic
    actor: Actor
    examples: tuple[str, ...] = ()
    known: VendorKind | None = None


@dataclass(frozen=True, kw_only=True)
class KindColumn:
    """The column that says what happened, and what its values are; ``others`` counts rows of kinds left unnamed."""

    header: str
    kinds: tuple[KindGuess, ...]
    others: int
    other_examples: tuple[str, ...]

    @property
    def patterns(self) -> Mapping[str, str]:
        """Pattern to the name of the kind, the narrower first."""
        return {kind.pattern: kind.name for kind in self.kinds if kind.pattern}


def guess_kinds(table: ExportTable) -> KindColumn | None:
    """The kinds of a table of activities; None if no column says what happened."""
    header = _kind_column(table)
    if header is None:
        return None
    counts = table.frame[header].dropna().value_counts()
    vendor = _known_kinds(header, counts)
    if vendor is not None:
        return vendor
    if len(counts) <= MANY:
        kinds = tuple(_guess(str(value), "", int(rows), (str(value),)) for value, rows in counts.items())
        return KindColumn(header=header, kinds=kinds, others=0, other_examples=())
    return _sum_up(header, counts)


def _known_kinds(header: str, counts: pd.Series) -> KindColumn | None:
    """The kinds by the vendor's template, each known name a pattern; None without one, or where it knows none."""
    words = spoken()
    if words is None:
        return None
    values = list(map(str, counts.index))
    named = {value: words.kind_of(value) for value in values}
    kinds: list[KindGuess] = []
    for name, kind in words.template.kinds.items():
        left = [value for value in values if (known := named[value]) is not None and known[0] == name]
        for pattern in kind.match:
            mine = [value for value in left if fnmatch.fnmatchcase(value.casefold(), pattern.casefold())]
            left = [value for value in left if value not in mine]
            if mine:
                kinds.append(
                    KindGuess(
                        name=name,
                        pattern=pattern,
                        rows=int(counts[mine].sum()),
                        dimension=kind.dimension,
                        topic=kind.topic,
                        actor=kind.actors[0],
                        examples=tuple(mine[:2]),
                        known=kind,
                    )
                )
    if not kinds:
        return None
    left = [value for value in values if named[value] is None]
    others = left[MANY:]
    kinds += [_guess(value, "", int(counts[value]), (value,)) for value in left[:MANY]]
    rows = int(counts[others].sum()) if others else 0
    return KindColumn(header=header, kinds=tuple(kinds), others=rows, other_examples=tuple(others[:3]))


def _kind_column(table: ExportTable) -> str | None:
    """A column of a few kinds that tells rows apart; else the column of subjects."""
    subjects = [h for h in table.headers(Meaning.SUBJECT) if _is_text(table, h)]
    for header in table.headers(Meaning.KIND):
        counts = table.frame[header].dropna().value_counts()
        known = _is_text(table, header) and table.filled(header) >= _FILLED and len(counts) <= len(table.frame) / 2
        telling = len(counts) > 1 and counts.iloc[0] < _ONE_KIND * counts.sum()
        if known and (telling or not subjects) and header not in subjects:
            return header
    return next((h for h in subjects if table.filled(h) >= _FILLED), None)


def _is_text(table: ExportTable, header: str) -> bool:
    return header not in table.times and Meaning.ID not in meanings_of(header) and table.filled(header) > 0


def _sum_up(header: str, counts: pd.Series) -> KindColumn:
    """Patterns for titles that begin alike, those that speak of a purchase apart."""
    groups: dict[str, list[str]] = {}
    for value in map(str, counts.index):
        found = _PREFIX.match(value)
        if found:
            groups.setdefault(value[: found.start(2)] + found.group(2), []).append(value)

    kinds: list[KindGuess] = []
    done: set[str] = set()
    for prefix, values in groups.items():
        if len(values) < _LEAST_OF_A_PATTERN:
            continue
        start = prefix if prefix.endswith(" ") else f"{prefix} "
        for word in dict.fromkeys(m.group() for v in values if (m := re.search(_INTENT, words_of(v[len(prefix) :])))):
            mine = [v for v in values if re.search(word, words_of(v[len(prefix) :])) and v not in done]
            if mine:
                kinds.append(_pattern(f"{start}*{word}*", f"{words_of(prefix)} {word}", mine, counts))
                done.update(mine)
        rest = [v for v in values if v not in done]
        if rest:
            kinds.append(_pattern(f"{start.rstrip()}*", words_of(prefix), rest, counts))
            done.update(rest)

    left = [value for value in map(str, counts.index) if value not in done]
    for value in left[:MANY]:
        kinds.append(_guess(value, "", int(counts[value]), (value,)))
        done.add(value)
    others = [value for value in left if value not in done]
    rows = int(counts[others].sum()) if others else 0
    return KindColumn(header=header, kinds=tuple(kinds), others=rows, other_examples=tuple(others[:3]))


def _pattern(pattern: str, name: str, values: Sequence[str], counts: pd.Series) -> KindGuess:
    return _guess(name, pattern, int(counts[list(values)].sum()), tuple(values[:2]))


def _guess(name: str, pattern: str, rows: int, examples: tuple[str, ...]) -> KindGuess:
    words = words_of(name)
    actor = next((actor for actor, known in _ACTORS if re.search(known, words)), Actor.LEAD)
    dimension = Dimension.INTEREST
    if re.search(_INTENT, words):
        dimension = Dimension.INTENT
    elif re.search(_USAGE, words):
        dimension = Dimension.USAGE
    topic = next((topic for known, topic in _TOPICS if re.search(known, words)), Topic.CONTEXT)
    called = name if not pattern else re.sub(r"\s+", "_", name)
    return KindGuess(
        name=called, pattern=pattern, rows=rows, dimension=dimension, topic=topic, actor=actor, examples=examples
    )
