"""``privacy/people.json``: whom to leave out for good, and who objects to profiling, as keyed hashes.

A hash without its key tells nobody who is meant, and with it only whether one given id or address is meant. The key
lies beside the list, readable by its user alone: whoever moves the folder takes both along.
"""

import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.cohort.email_addresses import normal_email
from features.errors import DataError
from pipelines.workspace.atomic_files import read_json, write_bytes, write_json
from pipelines.workspace.people.addresses_in_texts import HIDDEN, addresses_in, addresses_of, hide_addresses
from pipelines.workspace.people.coded_letters import holds_at
from pipelines.workspace.people.naming_columns import STAFF, NamingColumns

FOLDER, PEOPLE, KEY = "privacy", "people.json", "key"
DONE = "forgotten.json"  # beside them: that people were forgotten, and under which marks
FORGOTTEN, OBJECTS = "forgotten", "objects"
WHY_FORGOTTEN = "this person is forgotten and is not scored"  # of a row in a file or a request
_TOKEN = re.compile(r"[^\s,;|\"'<>()\[\]{}=]+")
_WORD = re.compile(r"(?<![\w@])(?<!\d\.)\w+(?:\.0+(?!\d))?(?![\w.+-]*@|\w|\.\d)")  # of no number or address a part
_JOINED = re.compile(r"(?<![\w@.-])\w+(?:[.-]+\w+)+(?![\w@-])")  # an id of several parts, beside a colon or a slash
_LONG_ID = 5  # letters and digits: a shorter id is not looked for in running text, where it is any other number
_KEY_BYTES = 32

Mask = npt.NDArray[np.bool_]


def folder_of(root: Path) -> Path:
    """Where the register of a source's folder lies."""
    return root / FOLDER


@dataclass(frozen=True)
class PeopleRegister:
    """Hashes by what they stand for; empty where nobody ever asked.

    Parameters
    ----------
    key : of the hashes, empty before the first entry
    entries : hash to what is asked of it (``forgotten`` or ``objects``), when, and by whom
    """

    key: bytes = b""
    entries: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def has_forgotten(self) -> bool:
        """Whether anybody is to be left out."""
        return any(entry["asks"] == FORGOTTEN for entry in self.entries.values())

    @property
    def has_objections(self) -> bool:
        """Whether anybody objects to profiling."""
        return any(entry["asks"] == OBJECTS for entry in self.entries.values())

    def hash_lead(self, lead_id: str) -> str:
        """The keyed hash of a lead's id, in whichever form a spreadsheet left it."""
        return self._hash("lead", plain_id(lead_id))

    def hash_address(self, address: str) -> str:
        """The keyed hash of a mail address, in one spelling."""
        if "@" not in address:  # in codes, as links have them
            address = next(iter(addresses_of(address)), address)
        return self._hash("mail", normal_email(address) or address.strip().casefold())

    def asks_of(self, text: object) -> frozenset[str]:
        """What is asked of whoever this id or address stands for."""
        return frozenset(
            entry["asks"]
            for name in (self.find_mark(str(text)), self.hash_address(str(text)))
            if (entry := self.entries.get(name)) is not None
        )

    def find_mark(self, lead_id: str) -> str:
        """The hash under which a lead's id is listed, in whichever spelling it comes; its own where none is."""
        own = self.hash_lead(lead_id)
        if own in self.entries:
            return own
        hashes = map(self.hash_lead, other_spellings(lead_id))
        return next((name for name in hashes if name in self.entries), own)

    def asks_of_record(self, record: Mapping[str, object], columns: NamingColumns) -> frozenset[str]:
        """What is asked of whoever a row of leads is about: by its id, or by an address that is a cell of its own."""
        asked = frozenset[str]()
        for name, value in record.items() if self.entries else ():
            if name == "lead_id" or name in columns.leads:
                asked |= self.asks_of(value)
            elif isinstance(value, str) and holds_at(value) and name not in STAFF and name not in columns.staff:
                for address in addresses_in(value) if name in columns.personal else addresses_of(value):
                    asked |= self.asks_of(address)
        return asked

    def find_leads(self, ids: pd.Series, asks: str = FORGOTTEN) -> Mask:
        """Which of these lead ids are meant."""
        wanted = self._wanted(asks)
        return _map_texts(ids, lambda text: self.find_mark(text) in wanted) if wanted else _nobody(ids)

    def find_addresses(self, cells: pd.Series, asks: str = FORGOTTEN, *, personal: bool = False) -> Mask:
        """Which cells are a mail address that is meant, or several of which one is.

        In a ``personal`` column the first that a text mentions is the lead's, too; elsewhere it may be anybody's.
        """
        wanted = self._wanted(asks)
        if not wanted:
            return _nobody(cells)

        def is_meant(text: str) -> bool:
            found = addresses_in(text) if personal else addresses_of(text)
            return any(self.hash_address(address) in wanted for address in found)

        return _map_texts(cells, is_meant)

    def names(self, text: str) -> bool:
        """Whether a text holds the id or the address of somebody who is forgotten, as a word of its own."""
        wanted = self._wanted(FORGOTTEN)
        if not wanted:
            return False
        return any(self._is_meant(token, wanted) for token in _TOKEN.findall(text)) or self.hide_addresses(text) != text

    def hide(self, text: str) -> str:
        """The text without ids and addresses of those who are forgotten."""
        wanted = self._wanted(FORGOTTEN)
        if not wanted:
            return text
        hidden = _TOKEN.sub(lambda found: HIDDEN if self._is_meant(found[0], wanted) else found[0], text)
        return self.hide_addresses(hidden)

    def hide_addresses(self, text: str) -> str:
        """The text without addresses of those who are forgotten; numbers, which may be anything's, stay."""
        wanted = self._wanted(FORGOTTEN)
        return hide_addresses(text, lambda address: self.hash_address(address) in wanted) if wanted else text

    def hide_in_text(self, text: str, *, numbers: bool) -> str:
        """The text without addresses of those who are forgotten, and without their ids, in small or capital letters.

        Short ids stay, as they may be any word; of ids that are ``numbers`` long ones go, too, where there are words.
        """
        wanted = self._wanted(FORGOTTEN)
        if not wanted:
            return text
        numbers = numbers and any(letter.isalpha() for letter in text)

        def hide(found: re.Match[str]) -> str:
            word = found[0].rstrip(".:!?")
            if not is_long_id(plain_id(word)) or (is_number(word) and not numbers):
                return found[0]
            return HIDDEN + found[0][len(word) :] if self._is_meant_lead(word, wanted) else found[0]

        for words in (_TOKEN, _JOINED, _WORD):
            text = words.sub(hide, text)
        return self.hide_addresses(text)

    def _is_meant(self, token: str, wanted: frozenset[str]) -> bool:
        bare = token.strip(".:!?")
        return self.find_mark(bare) in wanted or ("@" in bare and self.hash_address(bare) in wanted)

    def _is_meant_lead(self, word: str, wanted: frozenset[str]) -> bool:
        """Of running text: there an id may have lost its case among other words, however it was written."""
        return any(self.hash_lead(one) in wanted for one in (word.upper(), word.lower(), *other_spellings(word), word))

    def _wanted(self, asks: str) -> frozenset[str]:
        return self._by_asks.get(asks, frozenset())

    @cached_property
    def _by_asks(self) -> dict[str, frozenset[str]]:
        """Worked out once: it is asked for with every text."""
        asked = {entry["asks"] for entry in self.entries.values()}
        return {one: frozenset(n for n, entry in self.entries.items() if entry["asks"] == one) for one in asked}

    def _hash(self, kind: str, text: str) -> str:
        return hmac.digest(self.key, f"{kind}\0{text}".encode(), "sha256").hex()


def plain_id(text: str) -> str:
    """An id as it is compared: without blanks around it, and without the ``.0`` that spreadsheets add.

    >>> plain_id(" 1000.0 "), plain_id("L7")
    ('1000', 'L7')
    """
    return re.sub(r"^(\d+)\.0+$", r"\1", text.strip())


def other_spellings(text: str) -> list[str]:
    """How else an id may be written down: with a ``.0`` behind letters, too, and all in capital or small letters.

    Ids of mixed letters stay apart, as some systems tell two records by the case of one letter alone.

    >>> other_spellings("l7.0"), other_spellings("00QaBc")
    (['L7', 'l7'], [])
    """
    own = plain_id(text)
    bare = re.sub(r"(?<=\w)\.0+$", "", own)
    one_case = bare.isupper() or bare.islower() or bare.istitle()
    found = {bare, bare.upper(), bare.lower(), bare.title()} if one_case else {bare}
    return sorted(found - {own})


def is_long_id(name: object) -> bool:
    """Whether an id is long enough to be looked for in running text, where a short one is any other number."""
    text = str(name)
    return len(text) >= _LONG_ID and any(letter.isdigit() for letter in text)


def is_number(name: str) -> bool:
    """Whether an id is digits alone, as amounts and other things' numbers are."""
    return plain_id(name).isdigit()


def without_the_forgotten(root: Path, text: str) -> str:
    """A reason or note as it may be stored: without addresses and long ids of those who are forgotten."""
    return read_register(root).hide_in_text(text, numbers=True)


def read_register(root: Path) -> PeopleRegister:
    """The register of a source's folder.

    Raises
    ------
    DataError : the list or its key is gone, or either is damaged: nobody could be left out any more
    """
    folder = folder_of(root)
    if not (folder / PEOPLE).exists():
        _require_nobody_forgotten(folder)
        return PeopleRegister()
    content = read_json(folder / PEOPLE)
    try:
        key, entries = (folder / KEY).read_bytes(), {str(k): dict(v) for k, v in content["people"].items()}
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as problem:
        raise DataError(
            f"{folder} lists people who asked to be left out, but its key or list cannot be read ({problem}), so they "
            "could not be told from others. Bring both files back from a backup; nothing is read meanwhile."
        ) from problem
    if len(key) != _KEY_BYTES:
        raise DataError(f"{folder / KEY} is damaged; bring it back from a backup.")
    return PeopleRegister(key, entries)


def _require_nobody_forgotten(folder: Path) -> None:
    """Refuse a folder that says people were forgotten and no longer whom to leave out."""
    if not (folder / DONE).exists():
        return
    content = read_json(folder / DONE)
    done = content.get("forgotten", []) if isinstance(content, dict) else []
    if any(entry.get("marks") for entry in done):
        raise DataError(
            f"{folder / DONE} says that people were forgotten, but {PEOPLE}, which says whom to leave out, is gone: "
            "they would come back. Bring the whole folder back from a backup; nothing is read meanwhile. Where there "
            f"is none, remove {DONE} and forget each of them again after the next ingest."
        )


def register_stamp(root: Path) -> tuple[int, int]:
    """Changes whenever the register does; no file is read."""
    try:
        found = (folder_of(root) / PEOPLE).stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_ino)


def add_to_register(
    root: Path, asks: str, leads: Iterable[str], addresses: Iterable[str], who: str = ""
) -> PeopleRegister:
    """Write down what is asked of leads and addresses; makes the key where there is none. The caller holds the lock."""
    known = read_register(root)
    folder = folder_of(root)
    if not known.key:
        write_bytes(folder / KEY, secrets.token_bytes(_KEY_BYTES))
        known = PeopleRegister((folder / KEY).read_bytes(), {})
    entry = {"asks": asks, "at": datetime.now(UTC).isoformat(timespec="seconds"), "by": who}
    hashes = [known.hash_lead(lead) for lead in leads] + [known.hash_address(address) for address in addresses]
    kept = {name: dict(entry) for name in hashes}
    forgotten = {name for name, old in known.entries.items() if old["asks"] == FORGOTTEN}
    kept = {name: new for name, new in kept.items() if name not in forgotten}  # nothing is left to ask of them
    return _write(folder, PeopleRegister(known.key, known.entries | kept))


def remove_from_register(root: Path, asks: str, leads: Iterable[str], addresses: Iterable[str]) -> int:
    """Take back what was asked; returns how many entries went. The caller holds the lock."""
    known = read_register(root)
    if not known.key:
        return 0
    hashes = {known.hash_lead(lead) for lead in leads} | {known.hash_address(address) for address in addresses}
    gone = {name for name in hashes if known.entries.get(name, {}).get("asks") == asks}
    _write(folder_of(root), PeopleRegister(known.key, {k: v for k, v in known.entries.items() if k not in gone}))
    return len(gone)


def _write(folder: Path, register: PeopleRegister) -> PeopleRegister:
    content: dict[str, Any] = {"version": 1, "people": register.entries}
    write_json(folder / PEOPLE, content)
    return register


def _nobody(values: pd.Series) -> Mask:
    return np.zeros(len(values), dtype=np.bool_)


def _map_texts(values: pd.Series, meant: Any) -> Mask:
    """Which values are meant, each distinct text asked once."""
    codes, texts = pd.factorize(values.astype("object"))
    hit = np.array([(isinstance(text, str) and meant(text)) or (not isinstance(text, str) and meant(str(text)))
                    for text in texts] or [False], dtype=np.bool_)  # fmt: skip
    return np.where(codes >= 0, hit[np.maximum(codes, 0)], False).astype(np.bool_)
