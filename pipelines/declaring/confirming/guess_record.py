"""What was guessed about the files of a first run, as a record that a form shows."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["deals", "flat", "several"]
Why = Literal["", "today", "outcome", "one_value", "rounded", "after", "conversion", "id", "name", "time", "amount"]


class StatusValue(BaseModel):
    """A value of the outcome: its rows and what it means, empty where that is not known; "" is an empty cell."""

    model_config = ConfigDict(frozen=True)

    value: str
    rows: int
    means: str


class GuessedColumn(BaseModel):
    """A column: how it is used, why not for learning, and three values unless they are, or may be, a person's."""

    model_config = ConfigDict(frozen=True)

    header: str
    type: str
    use: Literal["learn", "show", "person", "sensitive", "leave_out", "key"]
    why: Why = ""
    examples: tuple[str, ...] = ()
    hidden: bool = False
    filled: float


class GuessedTable(BaseModel):
    """A table of several: what it was taken for."""

    model_config = ConfigDict(frozen=True)

    name: str
    file: str


class GuessedFiles(BaseModel):
    """What was found out about one file, or about several together (then only ``tables`` and the declaration).

    ``ambiguous`` are headers whose dates can be read in two ways, with an example each; ``mixed`` those whose dates are
    written in more than one way, with one example of the two commonest; ``edits`` are what the starter
    declaration asks a person to look at, in English.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    name: str
    declaration: str
    edits: tuple[str, ...] = ()
    rows: int = 0
    broken: int = 0
    status: str | None = None
    values: tuple[StatusValue, ...] = ()
    won: int = 0
    lost: int = 0
    open: int = 0
    lead_id: str | None = None
    created: str | None = None
    closed: tuple[str, ...] = ()
    ambiguous: dict[str, str] = {}
    mixed: dict[str, tuple[str, str]] = {}
    horizon_days: int | None = None
    horizon_share: float | None = None
    columns: tuple[GuessedColumn, ...] = ()
    tables: tuple[GuessedTable, ...] = ()
    status_choices: tuple[str, ...] = ()
    id_choices: tuple[str, ...] = ()
    time_choices: tuple[str, ...] = ()
