"""A commented starter declaration for one file: guesses a person corrects."""

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from anyascii import anyascii

from features.schema.canonical_tables import LEADS
from features.schema.columns import Location, fold_value
from features.schema.vocabulary import ColumnType
from pipelines.declaring.column_inference import Guess, guess_column, times_in_order
from pipelines.declaring.column_lines import (
    column_lines,
    explain_once,
    flow_list,
    flow_map,
    quote_yaml,
    show_facts,
    source_key,
)
from pipelines.declaring.deal_clocks import DealClocks, closed_headers, created_header, find_clocks
from pipelines.declaring.record_id import RepeatedIds, find_record_id, find_repeats
from pipelines.declaring.status_column import StatusColumn, find_status
from pipelines.declaring.words.header_words import Meaning, meanings_of
from pipelines.declaring.words.todays_words import todays_words
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.values.number_form import DecimalSign, weigh_signs
from pipelines.ingest.values.type_casting import decimal_of

__all__ = ["init_source", "quote_yaml"]

THREADS = 4  # columns looked at at a time; more of them only wait for the interpreter
# what YAML does not allow even in a comment: control characters of a damaged file, shown as examples of its values
_UNWRITABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def init_source(path: Path) -> str:
    """Text of a starter declaration for a file: with clocks where it says when deals came in and closed, else flat.

    Every guess is open to correction and stands with its evidence; what must be edited before the first run is listed
    at the top.

    Raises
    ------
    MissingFileError, UnreadableFileError, EmptyFileError
        naming the file.
    """
    raw = read_file(path, Location(file=path.name))
    frame = pd.DataFrame({name: _texts(raw.frame[name]) for name in raw.frame.columns})
    status = find_status(frame)
    guesses = guess_columns(frame, status, raw.form.get("delimiter"))
    facts = FileFacts.of(frame, guesses, status)

    make = _flat_body if facts.clocks is None else _with_clocks
    body = make(path, raw, frame, facts)
    text = "\n".join([*_head(path, raw, frame, facts), *explain_once(body)]) + "\n"
    return _UNWRITABLE.sub("\ufffd", text)


def guess_columns(frame: pd.DataFrame, status: StatusColumn | None, delimiter: str | None) -> dict[str, Guess]:
    """What every column seems to be."""
    won = None if status is None else status.is_won(frame)
    decimal = decimal_of([frame[c] for c in frame], delimiter)

    def guess(name: str) -> Guess:
        return guess_column(frame[name], None if status is not None and name == status.header else won, decimal)

    names = list(frame.columns)
    with ThreadPoolExecutor(THREADS) as pool:  # Arrow looks at columns without holding the interpreter
        return dict(zip(map(str, names), pool.map(guess, names), strict=True))


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What was found out about a file as a whole.

    ``lead_id`` is the header of the CRM's own id, None where no column tells rows apart.
    """

    guesses: Mapping[str, Guess]
    status: StatusColumn | None
    clocks: DealClocks | None
    lead_id: str | None
    repeats: RepeatedIds | None
    names: Mapping[str, str]

    @classmethod
    def of(cls, frame: pd.DataFrame, guesses: Mapping[str, Guess], status: StatusColumn | None) -> "FileFacts":
        """Of the texts of a file."""
        own = find_record_id(frame, guesses)
        clocks = None if status is None or own is None else find_clocks(frame, guesses, status)
        reserved = () if clocks is None else ("status", "deal_value")
        names = _names(list(guesses), _usual_names(frame, guesses), reserved)
        repeats = None if own is None else find_repeats(frame, own)
        return cls(guesses=guesses, status=status, clocks=clocks, lead_id=own, repeats=repeats, names=names)

    def first(self, kind: Meaning) -> str | None:
        """The first column whose header speaks of something and whose values are a name or a number."""
        return next(
            (
                header
                for header, guess in self.guesses.items()
                if kind in meanings_of(header)
                and guess.type in (ColumnType.CATEGORY, ColumnType.NUMBER, ColumnType.TEXT)
                and header not in (self.lead_id, self.status.header if self.status else None)
                and not todays_words(header)
            ),
            None,
        )


def _texts(column: pd.Series) -> pd.Series:
    texts = column.astype("str").str.strip()
    return texts.mask(texts == "")


def _head(path: Path, raw: RawTable, frame: pd.DataFrame, facts: FileFacts) -> list[str]:
    name = re.sub(r"[^a-z0-9]+", "_", anyascii(path.stem).lower()).strip("_")
    name = name if name[:1].isalpha() else f"leads_{name}".rstrip("_")
    status = facts.status

    lines = [
        f"# Starter declaration for {path.name}: {len(frame):,} rows, {len(frame.columns)} columns.",
        "# Everything here is a guess: correct it, save it beside the file, run leadscore run --source THIS.yaml",
        "# Every key is explained in docs/sources.md.",
    ]
    lines += [f"# {note}" for note in raw.notes]
    if raw.broken:
        lines.append(
            f"# {len(raw.broken)} rows do not fit the header (first: row {raw.broken[0].row}); they go to quarantine."
        )
    repeats = facts.repeats
    if repeats is not None and repeats.alike:
        lines.append(
            f"# {repeats.alike:,} rows repeat another word for word: each counts once, the others go to quarantine."
        )
    edits = [*find_edits(status), *_edit_repeats(facts)]
    lines += [f"# TO EDIT: {text}" for text in edits] or ["# Nothing has to be edited before the first run."]
    if status is not None:
        won, closed = status.rows(status.meanings["won"]), int(status.is_won(frame).notna().sum())
        still = status.rows(status.open)
        lines.append(
            f"# {won / max(closed, 1):.1%} of {closed:,} rows with an outcome are won; "
            + (f"{still:,} rows are open: they are scored and listed." if still else "no row is open.")
        )

    kind = "flat" if facts.clocks is None else "relational"
    return [*lines, f"name: {name[:64]}", f"kind: {kind}", f"title: {quote_yaml(path.stem)}", ""]


def find_edits(status: StatusColumn | None) -> list[str]:
    """What a person has to say before the first run, because the file does not."""
    if status is None:
        return ["no column looks like a target with values such as won and lost: name it under flat.target."]
    found = []
    if status.unplaced:
        shown = ", ".join(f"{quote_yaml(v)} ({status.counts[v]:,} rows)" for v in status.unplaced)
        found.append(
            f"'{status.header}' has values whose meaning is not clear: {shown}. Put each under won, lost, disqualified "
            "or open; until then these rows go to quarantine."
        )
    if status.unclear_blanks:
        found.append(
            f"'{status.header}' is empty in {status.unclear_blanks:,} rows. If that means open, add \"\" to open; "
            "until then these rows go to quarantine."
        )
    return found


def _edit_repeats(facts: FileFacts) -> list[str]:
    """Ids whose rows contradict each other: the file cannot say which of them holds today."""
    repeats = facts.repeats
    if repeats is None or not repeats.ids:
        return []
    return [
        f"{repeats.ids:,} ids of '{facts.lead_id}' stand on several rows, which differ in "
        f"{', '.join(repeats.differing[:4])}: attributes are taken from the first row and every close counts, so "
        "that a deal opened again looks closed. Keep the newest row of each instead; exports of several days are put "
        "together by leadscore snapshot add, one by one."
    ]


def _status_lines(status: StatusColumn, *, indent: int) -> list[str]:
    """The values by what they mean, one line each, with their rows."""
    pad, lines = " " * indent, []
    for key, values in (
        ("won", status.meanings["won"]),
        ("lost", status.lost),
        ("disqualified", status.disqualified),
        ("open", status.open),
    ):
        if values:
            counts = ", ".join(f"{v or 'empty'} {status.rows((v,)):,}" for v in values)
            lines.append(f"{pad}{key}: {flow_list(_spelled_once(values))} # rows: {counts}")
    if status.unplaced:
        lines.append(f"{pad}# not placed: {', '.join(f'{v} {status.counts[v]:,}' for v in status.unplaced)}")
    return lines


def _spelled_once(values: tuple[str, ...]) -> list[str]:
    """Values without those that differ from one before in case, blanks or dashes only: they are read as one."""
    return list({fold_value(value): value for value in reversed(values)}.values())[::-1]


def _with_clocks(path: Path, raw: RawTable, frame: pd.DataFrame, facts: FileFacts) -> list[str]:
    """One table that is leads and outcomes: cohort at creation, horizon, censoring, split by time."""
    clocks, status, guesses = facts.clocks, facts.status, facts.guesses
    if clocks is None or status is None or facts.lead_id is None:
        raise AssertionError("a declaration with clocks needs an id, a status and clocks")

    closed = clocks.closed[0] if len(clocks.closed) == 1 else clocks.closed
    lines = [
        "opportunities: # one table that is leads and outcomes at once; see docs/sources.md",
        *_location(path, raw, _proven_decimal(frame, guesses), indent=2),
        f"  lead_id: {quote_yaml(facts.lead_id)} # {_id_in_words(facts)}",
        f"  created_at: {quote_yaml(clocks.created)} # when a lead came in; {show_facts(guesses[clocks.created])}",
        f"  closed_at: {_header_list(closed)} # {_closed_in_words(clocks)}",
        "  status: # how a deal stands today: shown, never learned from",
        f"    from: {quote_yaml(status.header)}",
        *_status_lines(status, indent=4),
    ]

    used = {facts.lead_id, clocks.created, status.header, *clocks.closed}
    owner = next((header for header, name in facts.names.items() if name == "owner"), None)
    amount, reason = facts.first(Meaning.AMOUNT), facts.first(Meaning.REASON)
    for key, header in (("owner", owner), ("amount", amount), ("reason", reason)):
        if header is not None and header not in used:
            used.add(header)
            lines.append(f"  {key}: {quote_yaml(header)} # {show_facts(guesses[header])}")
    company = facts.first(Meaning.COMPANY)
    if company is not None:
        lines.append(
            f"  # account_id: {{from: {quote_yaml(company)}, when_known: at_creation}} # if deals of one company "
            "belong together"
        )

    lines.append("  columns:")
    for header, guess in guesses.items():
        if header not in used:
            lines += column_lines(facts.names[header], guess, frame[header], indent=4)
    if lines[-1] == "  columns:" and amount is None:
        lines[-1] = "  columns: {}"
    if amount is not None:
        lines.append(f"    deal_value: {{from: {quote_yaml(amount)}, type: number, role: display}} # shown with a lead")

    handoffs = max(1, round(clocks.per_week / 5))
    return [
        *lines,
        "",
        f"label: {{outcome: won, horizon_days: {clocks.horizon_days}}} # {_horizon_in_words(clocks)}",
        "cohort: {policy: after_creation, after_days: [0]} # a lead is looked at once, when it comes in; open ones are",
        "# scored by what was known then. Rows younger than the horizon are censored, never counted as lost.",
        "split: {by: time} # later leads judge what earlier ones taught",
        "",
        _FRAMEWORK,
        f"capacity: {{handoffs_per_week: {handoffs}}} # what sales can work; here a fifth of the leads that come in",
    ]


def _id_in_words(facts: FileFacts) -> str:
    repeated = facts.repeats is not None and (facts.repeats.ids or facts.repeats.alike)
    return f"{'some on several rows' if repeated else 'all different'}: the id that worklist, cards and exports show"


def _closed_in_words(clocks: DealClocks) -> str:
    first = "the first that is filled; " if len(clocks.closed) > 1 else ""
    early = f"; {clocks.early:,} close before they were created" if clocks.early else ""
    return f"when it closed: {first}{clocks.filled:.0%} of closed rows have one{early}"


def _horizon_in_words(clocks: DealClocks) -> str:
    return f"{clocks.inside:.0%} of the wins came within it; {clocks.matured:,} rows are old enough to be judged by it"


def _header_list(closed: str | tuple[str, ...]) -> str:
    return quote_yaml(closed) if isinstance(closed, str) else flow_list(closed)


def _flat_body(path: Path, raw: RawTable, frame: pd.DataFrame, facts: FileFacts) -> list[str]:
    in_order = [facts.names[header] for header in times_in_order(frame, facts.guesses)]
    created = created_header(facts.guesses)
    lines = [
        *_flat(facts, created, in_order),
        "tables:",
        "  leads:",
        *_location(path, raw, _proven_decimal(frame, facts.guesses), indent=4),
        "    columns:",
    ]

    for header, guess in facts.guesses.items():
        name = facts.names[header]
        why, kind = "", str(guess.type)
        if facts.status is not None and header == facts.status.header:
            why, kind = "the target", ""
        elif header == facts.lead_id:
            why, kind = "the id that worklist, cards and exports show", "id"
        elif header == created:
            why = "clock: orders the rows"
        if why:
            keys = source_key(name, guess) | ({"type": kind} if kind else {}) | {"role": "display"}
            lines.append(f"      {name}: {flow_map(keys)} # {why}; {show_facts(guess)}")
        else:
            lines += column_lines(name, guess, frame[header], indent=6)
    return [*lines, "", _FRAMEWORK, "capacity: {share: 0.1} # share of the leads sales can work"]


_FRAMEWORK = "framework: bant        # or champ, meddicc, anum, faint, gpctba_ci, nibta"


def _flat(facts: FileFacts, created: str | None, in_order: list[str]) -> list[str]:
    status, names = facts.status, facts.names
    lines = ["flat:"]
    if status is None:
        lines.append("  target: {column: target, won: [won], lost: [lost]}")
    elif status.disqualified or status.open or status.unplaced:
        lines += ["  target:", f"    column: {names[status.header]}", *_status_lines(status, indent=4)]
    else:
        target = {
            "column": names[status.header],
            "won": flow_list(status.meanings["won"]),
            "lost": flow_list(status.lost),
        }
        lines.append(f"  target: {flow_map(target)}")

    if created is not None:
        lines.append(f"  order: {names[created]} # later rows judge what earlier rows taught")
    elif in_order:
        lines += [
            f"  # order: {name} # the file lies in its order; if a lead came in then, use it" for name in in_order
        ]
    else:
        lines.append("  # order: row # if the rows are in order of time; without it drift cannot be seen")
    lines += [f"  # {text}" for text in _cost_in_words(facts, created)]

    lines.append("  # group: identical_inputs # or a column, e.g. the account, if rows belong together")
    if facts.lead_id is not None:
        lines.append(f"  lead_id: {names[facts.lead_id]}")
    return [*lines, ""]


def _cost_in_words(facts: FileFacts, created: str | None) -> list[str]:
    """What a file without clocks cannot tell, and what would be needed."""
    missing = [] if facts.lead_id is not None else ["an id that tells rows apart (leads are named by their row)"]
    if created is None:
        missing.append("when a lead came in (no order in time: drift cannot be seen, figures are likely too good)")
    closed = closed_headers(facts.guesses)
    if not closed:
        missing.append(
            "when it closed (no horizon: the chance is to be won at all, and of young leads only the quick ones teach)"
        )
    elif created is not None and facts.lead_id is not None and facts.status is not None:
        missing.append(f"when nearly all closed rows closed ({', '.join(closed)} has too few dates, or too early ones)")
    return [f"Without clocks, as the file does not say {text}." for text in missing]


def _proven_decimal(frame: pd.DataFrame, guesses: Mapping[str, Guess]) -> DecimalSign | None:
    """The decimal sign that every number column proves that proves one; a guess is not declared, for it would win."""
    headers = [header for header, guess in guesses.items() if guess.type is ColumnType.NUMBER]
    with ThreadPoolExecutor(THREADS) as pool:
        numbers = list(pool.map(weigh_signs, (frame[header] for header in headers)))
    signs = {evidence.decimal for evidence in numbers if evidence.decimal is not None}
    return signs.pop() if len(signs) == 1 else None


def _location(path: Path, raw: RawTable, decimal: DecimalSign | None, *, indent: int) -> list[str]:
    pad = " " * indent
    lines = [f"{pad}location:", f"{pad}  file: {quote_yaml(path.name)}"]
    if raw.form["format"] == "csv":
        form = {"delimiter": raw.form["delimiter"], "encoding": raw.form["encoding"]}
        form |= {} if decimal is None else {"decimal": decimal}
        lines.append(f"{pad}  csv: {{{', '.join(f'{k}: {json.dumps(v)}' for k, v in form.items())}}}")
    return [*lines, f"{pad}  # sha256: {raw.form['sha256']} # to insist on exactly this file"]


def _usual_names(frame: pd.DataFrame, guesses: Mapping[str, Guess]) -> dict[str, str]:
    """Headers that get the names under which lists and cards show them: company, owner, link to the record."""
    found: dict[str, str] = {}
    for header, guess in guesses.items():
        texts = frame[header].dropna()
        link = len(texts) and texts.str.match(r"https?://").mean() > 0.5 and texts.nunique() > len(texts) / 2
        if link:
            found.setdefault("record_url", header)
        elif guess.type is ColumnType.CATEGORY and not todays_words(header):
            for kind in (Meaning.OWNER, Meaning.COMPANY):
                if kind in meanings_of(header):
                    found.setdefault(str(kind), header)
                    break
    return {header: name for name, header in found.items()}


def _names(headers: list[str], usual: Mapping[str, str], reserved: Sequence[str]) -> dict[str, str]:
    """Names of the product for headers: the usual ones, else lower-case Latin letters; none twice, no clock's."""
    taken = {n for n in LEADS.names if n != "lead_id"} | {*usual.values(), *reserved}
    names = dict(usual)
    for header in headers:
        if header in names:
            continue
        plain = re.sub(r"[^a-z0-9]+", "_", anyascii(header).lower()).strip("_") or "column"
        plain = plain if plain[0].isalpha() else f"c_{plain}"
        name, count = plain[:60], 2
        while name in taken:
            name, count = f"{plain[:56]}_{count}", count + 1
        taken.add(name)
        names[header] = name
    return names
