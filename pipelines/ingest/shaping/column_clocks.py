"""Columns of time of a table, read together: what one does not show, day or month first, the others may."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from features.schema.canonical_tables import TABLES
from features.schema.columns import Column
from features.schema.source import Source
from features.schema.vocabulary import ColumnType
from pipelines.artifacts.reading_record import ColumnReading
from pipelines.ingest.errors import AmbiguousDatesError
from pipelines.ingest.shaping.column_forms import Known
from pipelines.ingest.shaping.declared_columns import read_columns, type_of
from pipelines.ingest.values.date_order import DateOrder
from pipelines.ingest.values.days import days_as_midnights, known_from_start_of_day
from pipelines.ingest.values.moments import Timestamps, zone_of
from pipelines.ingest.values.timestamps import read_timestamps


@dataclass(frozen=True)
class ColumnClocks:
    """Moments of a table's columns of time, what was decided about them in words, and how they were written.

    ``perhaps_days`` are columns of midnights in UTC, too few to show that they are days.
    """

    moments: dict[str, Timestamps]
    notes: tuple[str, ...]
    forms: dict[str, ColumnReading]
    perhaps_days: tuple[str, ...]


def read_clocks(texts: Mapping[str, pd.Series], table: str, source: Source, known: Known) -> ColumnClocks:
    """Moments of the columns of time among ``texts``, as the declaration, their values and each other tell.

    Parameters
    ----------
    texts : raw values per column of the table; those of other types are passed by
    known : how the columns were written in the file the source was trained on

    Raises
    ------
    AmbiguousDatesError
        naming a column of which neither its values, nor ``known``, nor the other columns show what comes first.
    """
    reading = _Reading(texts, table, source, known)
    refused: dict[str, AmbiguousDatesError] = {}
    for name in sorted(texts, key=lambda name: name == "known_at"):  # behind what it is known of
        if type_of(source, table, name) is ColumnType.TIMESTAMP:
            try:
                kept = known.get(name, ColumnReading())
                reading.read(name, kept.date_order, kept.dotted)
            except AmbiguousDatesError as problem:
                refused[name] = problem
    reading.turn_to_months()
    reading.read_by_the_others(refused)
    return reading.end()


class _Reading:
    """Columns of time of a table on their way to moments."""

    def __init__(self, texts: Mapping[str, pd.Series], table: str, source: Source, known: Known) -> None:
        self.texts, self.table, self.source, self.known = texts, table, source, known
        self.columns: Mapping[str, Column] = read_columns(source, table)
        contract = TABLES[table]
        self.happened = contract.happened or ""
        dated = table != "leads" and "known_at" in contract.names
        self.event = contract["known_at"].default_from if dated else None  # by whose day a row is known
        self.clocks: dict[str, Timestamps] = {}
        self.notes: list[str] = []

    def read(self, name: str, order: DateOrder | None, dotted: bool) -> None:
        """One column; ``order`` and ``dotted`` are what is known of it, for values that do not tell themselves."""
        column, where = self.columns[name], self.source.where("tables", self.table, "columns", name)
        # a nightly load may well run at midnight in UTC; but what happened on a day is not known before it
        of_days = name == "known_at" and self._happened_on_days
        days, sure = name != "known_at" or of_days, of_days or bool(self.known.get(name, ColumnReading()).utc_days)
        found = read_timestamps(
            self.texts[name],
            zone_of(column.timezone or self.source.timezone, where),
            form=column.time_format,
            what=f"{where}: column '{self.table}.{name}'",
            order=order,
            dotted=dotted,
            utc_days="known" if days and sure else days,
        )
        # of the moments by whose day a row is known; what is known from midnight on may well be so: a nightly load
        self.clocks[name] = days_as_midnights(found) if name == self.event else found

    @property
    def _happened_on_days(self) -> bool:
        return self.happened in self.clocks and bool(self.clocks[self.happened].utc_days)

    def turn_to_months(self) -> None:
        """Where a column's full stops show the month first, those whose order was a guess are read anew."""
        if not any(moments.dotted for moments in self.clocks.values()):
            return
        kept_orders = {name for name, reading in self.known.items() if reading.date_order is not None}
        unsaid = [name for name in self.clocks if name not in kept_orders and self.columns[name].time_format is None]
        for name in [name for name in unsaid if self.clocks[name].order == "day"]:
            self.read(name, "month", True)  # stays by the day where its own values show it
            if self.clocks[name].order == "month":
                self._say_as_others(name, "month")

    def read_by_the_others(self, refused: Mapping[str, AmbiguousDatesError]) -> None:
        """Columns whose own values do not show the order, as the others have it; refused where those differ."""
        orders = {moments.order for moments in self.clocks.values() if moments.order is not None}
        for name, refusal in refused.items():
            order = next(iter(orders)) if len(orders) == 1 else None
            if order not in refusal.readings or refusal.holds_both:
                raise refusal
            self.read(name, order, any(moments.dotted for moments in self.clocks.values()))
            self._say_as_others(name, order)

    def _say_as_others(self, name: str, order: DateOrder | None) -> None:
        self.notes.append(f"{self.table}.{name}: dates are read {order} first, as the file's other columns are.")

    def end(self) -> ColumnClocks:
        """What was read, told in words and kept for later files."""
        clocks = self.clocks
        if "known_at" in clocks and self._happened_on_days:
            clocks["known_at"] = known_from_start_of_day(clocks["known_at"], clocks[self.happened])
        forms = {}
        for name, moments in clocks.items():
            self.notes += [f"{self.table}.{name}: {note}" for note in moments.notes]
            if moments.date_only.any():
                count = int(moments.date_only.sum())
                self.notes.append(f"{self.table}.{name}: {count} values are dates without a time of day.")
            shown: dict[str, object] = {"utc_days": True} if moments.utc_days else {}
            if moments.order is not None and self.columns[name].time_format is None:
                shown |= {"date_order": moments.order, "dotted": moments.dotted}
            if shown:
                forms[name] = ColumnReading.of(shown)
        perhaps = tuple(name for name, moments in clocks.items() if moments.utc_days is None)
        return ColumnClocks(moments=clocks, notes=tuple(self.notes), forms=forms, perhaps_days=perhaps)
