"""A file to be scored keeps every row in its place; a row that cannot be scored says why."""

from pathlib import Path

import pandas as pd
import pytest

from features.schema.source import Source
from pipelines.artifacts.reading_record import ColumnReading, ReadingRecord, TableReading
from pipelines.ingest.errors import EmptyFileError, MissingColumnError, UncertainEncodingError, UnreadableFileError
from pipelines.scoring.leads_file import read_leads_file
from pipelines.workspace.paths import Paths
from tests.reference.exports import write_export, write_flat


def test_every_row_keeps_its_place_and_says_what_is_wrong(tmp_path: Path) -> None:
    source = write_export(tmp_path)
    path = tmp_path / "in.csv"
    path.write_text(
        "Lead ID,age,size,revenue,new\nN1,33,Small,1.5,q\nN2,20\nN3,old,huge,,q\n,200,large,2,q\nN1,1,small,,q\n"
    )
    found = read_leads_file(path, source)
    assert len(found.frame) == len(found.errors) == 5
    assert found.frame["lead_id"].fillna("-").tolist() == ["N1", "-", "N3", "-", "N1"]
    assert found.errors.tolist() == [
        "",
        "the row has more or fewer fields than the header",
        "age: 'xxx' is not a valid number; size is not one of the allowed values (small, large)",
        "age is above the maximum (120); lead_id is missing",
        "",
    ]
    assert found.frame["size"].iloc[0] == "small" and found.frame["revenue"].iloc[0] == 1.5
    assert found.missing_columns == ("created_at", "account_id", "email")
    assert found.undeclared_columns == ("new",)


def test_a_flat_file_needs_no_target_and_parquet_is_read_alike(tmp_path: Path) -> None:
    source = write_flat(tmp_path)
    frame = pd.DataFrame({"job": ["clerk", "unknown", None], "age": [30.0, None, -1.0]})
    frame.to_csv(tmp_path / "in.csv", index=False)
    frame.to_parquet(tmp_path / "in.parquet")
    from_csv, from_parquet = (read_leads_file(tmp_path / f"in.{kind}", source) for kind in ("csv", "parquet"))
    pd.testing.assert_frame_equal(from_csv.frame, from_parquet.frame)
    assert from_csv.frame["lead_id"].tolist() == ["1", "2", "3"]
    assert from_csv.errors.tolist() == from_parquet.errors.tolist() == ["", "", "age is below the minimum (0)"]
    assert from_csv.missing_columns == ()


@pytest.mark.parametrize("flat", [True, False])
def test_a_file_of_something_else_is_refused(tmp_path: Path, flat: bool) -> None:
    source = write_flat(tmp_path) if flat else write_export(tmp_path)
    (tmp_path / "in.csv").write_text("city,rain\nBonn,3\n")
    with pytest.raises(MissingColumnError, match=r"in.csv does not have. It has: city, rain"):
        read_leads_file(tmp_path / "in.csv", source)
    (tmp_path / "in.csv").write_text("city,rain\n")
    with pytest.raises(EmptyFileError):
        read_leads_file(tmp_path / "in.csv", source)


def test_a_refused_file_is_told_with_all_its_columns_and_no_whole_texts(tmp_path: Path) -> None:
    source, path = write_export(tmp_path), tmp_path / "in.csv"
    path.write_text("age,size\n33,small\n")
    with pytest.raises(MissingColumnError, match=r"in\.csv does not have\. It has: age, size"):
        read_leads_file(path, source)
    path.write_text(",".join(f"h{k}{'x' * 5000}" for k in range(200)) + "\n" + ",".join(["1"] * 200) + "\n")
    with pytest.raises(MissingColumnError, match=r"It has: h0xx.*h39x.* and 160 more") as told:
        read_leads_file(path, source)
    assert len(str(told.value)) < 4_000
    path.write_text(",".join("x" * 5000 for _ in range(2)) + "\n1,2\n")
    with pytest.raises(UnreadableFileError, match="appears twice in the header") as twice:
        read_leads_file(path, source)
    assert len(str(twice.value)) < 1_000


def test_a_short_file_is_read_as_the_file_trained_on(tmp_path: Path) -> None:
    """The first twelve days of a month, one sum with a full stop, one Polish name: a nightly file shows nothing."""
    source = Source.model_validate(
        {
            "name": "s",
            "kind": "flat",
            "flat": {"target": {"column": "won", "won": ["yes"], "lost": ["no"]}, "order": "created"},
            "tables": {
                "leads": {
                    "location": {"file": "x.csv"},
                    "columns": {
                        "created": {"type": "timestamp", "role": "display"},
                        "sum": {"type": "number"},
                        "owner": {},
                        "won": {"role": "display"},
                    },
                }
            },
        }
    )
    path = tmp_path / "new.csv"
    path.write_bytes("created;sum;owner\n01/12/2024 10:00;2.872;Paweł\n".encode("cp1250"))
    with pytest.raises(UncertainEncodingError):
        read_leads_file(path, source)

    columns = {"created": ColumnReading(date_order="day"), "sum": ColumnReading(decimal=",")}
    trained = ReadingRecord(tables={"leads": TableReading(encoding="cp1250", columns=columns)})
    trained.write(tmp_path)
    found = read_leads_file(path, source, ReadingRecord.find(Paths(tmp_path / "data", "s"), tmp_path))
    assert found.errors.tolist() == [""]
    assert found.frame.loc[0, ["created", "sum", "owner"]].tolist() == [pd.Timestamp("2024-12-01 10:00"), 2872, "Paweł"]
    assert ReadingRecord.find(Paths(tmp_path / "data", "s")).tables == {}
