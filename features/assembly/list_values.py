"""Which values of a list become features: those that enough rows hold, unless the declaration names them."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from features.array_types import Tables
from features.catalog.feature import Catalog
from features.kernel.list_items import list_items
from features.schema.columns import Column
from features.schema.operations import AnswerValue, ColumnValue
from features.schema.people.people_texts import nameable_levels
from features.schema.source import Source
from features.schema.vocabulary import ColumnType, WhenKnown

LEAST_ROWS, LEAST_SHARE = 20, 0.01  # below it a flag is nearly constant, and its weight is noise
MOST_ITEMS = 30  # of one list: what lies behind them is in its number of values only

Items = Mapping[tuple[str, str], tuple[str, ...]]  # by table and column


def adopt_list_items(source: Source, tables: Tables) -> Source:
    """The source with the frequent values of its lists, where none are declared."""
    found = {}
    for table, name, column in _lists(source):
        texts = _cells(tables, table, name, column)
        if texts is not None:
            found[table, name] = frequent_items(texts.rename(name), column.separator)
    return _with_items(source, found)


def restore_list_items(source: Source, catalog: Catalog) -> Source:
    """The source with the values of its lists that a catalog was made with, where none are declared."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for feature in catalog.of_family("attributes"):
        match feature.params:
            case ColumnValue(read_as="items", holds=str() as item, table=table, column=column):
                found[table, column] = (*found.get((table, column), ()), item)
            case AnswerValue(read_as="items", holds=str() as item, question=question):
                found["leads", question] = (*found.get(("leads", question), ()), item)
    return _with_items(source, found)


def frequent_items(texts: pd.Series, separator: str | None = None) -> tuple[str, ...]:
    """Values that enough rows hold and that tell of nobody, the most frequent first."""
    rows: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for text, count in texts.dropna().value_counts().items():
        for item in list_items(str(text), separator):
            rows[item.casefold()] += int(count)
            spelled.setdefault(item.casefold(), item)
    least = max(LEAST_ROWS, LEAST_SHARE * len(texts))
    kept = sorted((item for item in rows if rows[item] >= least), key=lambda item: (-rows[item], item))
    return tuple(nameable_levels(texts.name, [spelled[item] for item in kept])[:MOST_ITEMS])


def _lists(source: Source) -> list[tuple[str, str, Column]]:
    return [
        (table, name, column)
        for table in ("leads", "accounts")
        if table in source.tables
        for name, column in source.tables[table].columns.items()
        if column.type is ColumnType.LIST and not column.items
    ]


def _cells(tables: Tables, table: str, name: str, column: Column) -> pd.Series | None:
    if column.when_known is WhenKnown.HISTORY:
        answers = tables["answers"]
        return answers.loc[answers["question"] == name, "value"]
    return tables[table].get(name)


def _with_items(source: Source, found: Items) -> Source:
    tables = dict(source.tables)
    for table, name, column in _lists(source):
        if found.get((table, name)):
            columns = {**tables[table].columns, name: column.model_copy(update={"items": found[table, name]})}
            tables[table] = tables[table].model_copy(update={"columns": columns})
    return source.model_copy(update={"tables": tables}) if tables != source.tables else source
