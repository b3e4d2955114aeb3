"""Whatever its bytes: it is read row by row or refused in words; no traceback, no row lost, no time without end."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import process_time

import pytest

from features.errors import LeadScoreError
from features.rubric.load import load_rubric
from features.schema.load_source import load_source, parse_source
from features.schema.source import Source
from features.schema.table_source import Location
from models.accounts.accounts_policy import load_accounts
from models.explaining.framework import load_framework
from models.explaining.qualification_policy import load_qualification
from models.judging.lifecycle.policy import load_policy
from pipelines.ingest.errors import UnreadableFileError
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.ingest.reading.input_listing import list_tables
from pipelines.workspace.find_declarations import find_source
from tests.reference.damaged_inputs import KINDS, damaged_input

FEW, MANY = 60, 5_000
POLICIES: dict[str, Callable[[Path], object]] = {
    "rubric": load_rubric,
    "qualification": load_qualification,
    "lifecycle": load_policy,
    "accounts": lambda path: load_accounts(path, _demo()),
    "framework": lambda path: load_framework(str(path)),
}
LONGEST_SECONDS = 5.0  # of processor time for one input of at most a megabyte


@cache
def _demo() -> Source:
    return load_source(find_source("demo"))


def read_input(kind: str, name: str, content: bytes, folder: Path) -> str:
    """What became of an input: ``read``, or the code it was refused with; AssertionError if rows are lost."""
    if kind == "yaml":
        parse_source(content.decode("utf-8", errors="replace"), where=name)
        return "read"
    path = folder / name
    path.write_bytes(content)
    if kind in POLICIES:
        POLICIES[kind](path)
        return "read"
    raw = read_file(path, Location(file=name))
    numbers = sorted([*raw.rows.tolist(), *(row.row for row in raw.broken)])
    assert numbers == list(range(1, raw.read + 1)), "rows are not numbered through"
    assert len(raw.frame) == len(raw.rows)
    if kind == "archive":
        assert list_tables(path).tables
    return "read"


def try_inputs(kind: str, count: int, folder: Path) -> tuple[Counter[str], list[str]]:
    outcomes: Counter[str] = Counter()
    faults: list[str] = []
    for seed in range(count):
        name, content = damaged_input(kind, seed)
        started = process_time()
        try:
            outcome = read_input(kind, name, content, folder)
        except LeadScoreError as refused:
            outcome = refused.code
            if len(refused.message) < 20 or "Traceback" in refused.message:
                faults.append(f"{kind} {seed}: says only '{refused.message}'")
        except Exception as fault:
            outcome = "fault"
            faults.append(f"{kind} {seed}: {type(fault).__name__}: {str(fault)[:200]}")
        if process_time() - started > LONGEST_SECONDS:
            faults.append(f"{kind} {seed}: took {process_time() - started:.1f} s")
        outcomes[outcome] += 1
    return outcomes, faults


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_damaged_inputs(tmp_path: Path, kind: str) -> None:
    outcomes, faults = try_inputs(kind, FEW, tmp_path)
    assert not faults, "\n".join(faults)
    assert outcomes["read"] and len(outcomes) > 1


@pytest.mark.parametrize("seed", [962, 4541])  # a code without a text, a name that is no text
def test_what_a_parquet_file_says_of_itself_is_not_believed(tmp_path: Path, seed: int) -> None:
    with pytest.raises(UnreadableFileError, match="is not a readable Parquet file"):
        read_input("parquet", *damaged_input("parquet", seed), tmp_path)


@pytest.mark.prove
@pytest.mark.parametrize("kind", KINDS)
def test_five_thousand_damaged_inputs(
    tmp_path: Path, kind: str, record_property: Callable[[str, object], None]
) -> None:
    outcomes, faults = try_inputs(kind, MANY, tmp_path)
    record_property(kind, dict(outcomes.most_common()))
    record_property(f"{kind} faults", len(faults))
    assert not faults, "\n".join(faults[:20])
