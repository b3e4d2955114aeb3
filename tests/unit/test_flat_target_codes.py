"""A target of numbers: a minus in front is a part of the code, a dash inside a word is not."""

from pathlib import Path

import pandas as pd
import pytest

from features.assembly.flat_outcomes import flat_outcomes
from features.schema.columns import Column, fold_value
from features.schema.source import Source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.ingest.values.type_casting import cast_booleans, plain_texts
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables

CODES = ["1", "0", "-1", "1", "- 1", "0", "0"]


def read(tmp_path: Path, target: dict[str, list[str]]) -> tuple[CountsRecord, list[str], list[str]]:
    """Counts, outcomes of the rows kept, and values in quarantine."""
    file = tmp_path / "leads.csv"
    file.write_text("\n".join(["code,size", *(f"{code},{row}" for row, code in enumerate(CODES)), ""]))
    columns = {"code": {}, "size": {"type": "number"}}
    source = Source.model_validate(
        {
            "name": "t",
            "kind": "flat",
            "flat": {"target": {"column": "code", **target}},
            "tables": {"leads": {"location": {"file": str(file)}, "columns": columns}},
        }
    )
    paths = Paths(tmp_path / "data", "t")
    counts = ingest(source, paths)
    assert source.flat is not None
    kept = flat_outcomes(load_tables(paths)["leads"], source.flat).tolist()
    return counts, kept, pd.read_parquet(paths.ingest / "quarantine.parquet")["value"].tolist()


def test_minus_one_is_not_one(tmp_path: Path) -> None:
    counts, kept, apart = read(tmp_path, {"won": ["1"], "lost": ["0"]})
    assert kept == ["won", "lost", "won", "lost", "lost"]
    assert apart == ["-1", "- 1"] and counts.rows["leads"].quarantined == 2


def test_minus_one_may_mean_lost(tmp_path: Path) -> None:
    _, kept, apart = read(tmp_path, {"won": ["1"], "lost": ["-1"], "open": ["0"]})
    assert kept == ["won", "open", "lost", "won", "lost", "open", "open"] and not apart


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("-1", "1", False),
        (" -1 ", "-1", True),
        ("-0.5", "0.5", False),
        ("Closed-Won", "closed won", True),
        ("- Won", "won", True),
        ("Stage 3-4", "stage_3 4", True),
        (" - ", "-", True),
    ],
)
def test_values_that_are_one(one: str, other: str, alike: bool) -> None:
    assert (fold_value(one) == fold_value(other)) is alike


def test_a_declared_word_for_true_is_not_its_negative() -> None:
    column = Column.model_validate({"true_values": ["1"], "false_values": ["0"]})
    cast = cast_booleans(plain_texts(pd.Series(["1", "0", "-1"], dtype="str"), column), column)
    assert cast.values[:2].tolist() == [True, False] and cast.unreadable.tolist() == [False, False, True]
