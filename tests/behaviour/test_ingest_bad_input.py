"""Files that cannot be used: a clear message with its own code and status each, nothing half-written."""

from pathlib import Path

import pytest

from features.errors import ExitStatus, LeadScoreError
from pipelines.ingest.errors import (
    AmbiguousDatesError,
    EmptyFileError,
    MissingColumnError,
    MissingFileError,
    NoLocationError,
    OneClassError,
    TableLostError,
    UnreadableFileError,
)
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from tests.reference.exports import CALLS, FLAT, LEADS, write_export, write_flat

CASES = {
    "column missing in the file": (
        CALLS,
        FLAT.replace("age: {type", "aged: {type"),
        MissingColumnError,
        ExitStatus.SOURCE,
        ["calls.yaml line 11", "'aged'", "Did you mean 'age'?", "job, age, y"],
    ),
    "empty file": (b"", FLAT, EmptyFileError, ExitStatus.DATA, ["calls.csv", "0 bytes"]),
    "header only": (b"job;age;y\n", FLAT, EmptyFileError, ExitStatus.DATA, ["no rows"]),
    "one class": (
        CALLS.replace("yes", "no"),
        FLAT,
        OneClassError,
        ExitStatus.ONE_CLASS,
        ["calls.yaml line 4", "'y'", "3 rows", "one class"],
    ),
    "binary": (b"\x00\x01\x02\x03" * 999, FLAT, UnreadableFileError, ExitStatus.UNREADABLE, ["calls.csv", "CSV"]),
    "other words in the target": (
        CALLS.replace("yes", "1").replace("no", "0"),
        FLAT,
        TableLostError,
        ExitStatus.TABLE_LOST,
        ["table 'leads' is lost", "all 3 rows", "y is not one of the allowed values: 3 rows, e.g. row 1: '0'", "'0' 2"],
    ),
    "no location": (
        CALLS,
        FLAT.replace("    location: {file: calls.csv}\n", ""),
        NoLocationError,
        ExitStatus.SOURCE,
        [],
    ),
}


@pytest.mark.parametrize(("calls", "declaration", "error", "status", "said"), CASES.values(), ids=CASES.keys())
def test_a_bad_file_gives_its_own_error_and_leaves_the_data_alone(
    tmp_path: Path,
    calls: str | bytes,
    declaration: str,
    error: type[LeadScoreError],
    status: ExitStatus,
    said: list[str],
) -> None:
    paths = Paths(tmp_path / "data", "calls")
    ingest(write_flat(tmp_path), paths)
    before = {p.name: p.read_bytes() for p in paths.ingest.iterdir()}
    with pytest.raises(error) as caught:
        ingest(write_flat(tmp_path, calls, declaration), paths)
    assert type(caught.value) is error and caught.value.exit_status is status
    for part in said:
        assert part in str(caught.value)
    assert {p.name: p.read_bytes() for p in paths.ingest.iterdir()} == before
    kept = ["ingest", "refused"] if error is TableLostError else ["ingest"]
    assert sorted(p.name for p in paths.root.iterdir()) == kept


def test_a_first_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "calls")
    with pytest.raises(OneClassError):
        ingest(write_flat(tmp_path, CALLS.replace("yes", "no")), paths)
    assert not paths.root.exists()


def test_a_missing_file_and_dates_of_two_readings_are_named(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "shop")
    source = write_export(tmp_path, leads=LEADS.replace("2025-01-06 09:00", "01/06/2025"))
    with pytest.raises(AmbiguousDatesError, match=r"shop.yaml line 16: column 'leads.created_at'.*'01/06/2025'"):
        ingest(source, paths)
    (tmp_path / "leads.csv").unlink()
    with pytest.raises(MissingFileError, match=r"leads.csv was not found"):
        ingest(source, paths)


def test_every_error_has_a_code_of_its_own() -> None:
    errors = [case[2] for case in CASES.values()] + [AmbiguousDatesError, MissingFileError]
    assert len({error.code for error in errors}) == len(set(errors))


def test_three_broken_rows_do_not_stop_the_others(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "calls")
    broken = CALLS + 'clerk;30\nclerk;30;no;no;no\n"clerk;30;no\nguest;50;yes\n'
    counts = ingest(write_flat(tmp_path, broken), paths).content()
    assert counts["rows"]["leads"] == {"read": 7, "kept": 4, "quarantined": 3}
    first, *reasons = counts["text"].splitlines()
    assert first == "leads: 7 read, 4 kept, 3 quarantined (field_count 2, open_quote 1)"
    assert "more or fewer fields than the header: 2 rows, e.g. row 4: 'clerk;30'" in reasons[0]
    assert "opens a quote that is never closed: 1 row, e.g. row 6" in reasons[1]
