"""A table lost in quarantine ends the run with its own exit status and the cause; nothing is replaced."""

from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import ExitStatus, SourceError
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.ingest.errors import OneClassError, TableLostError
from pipelines.stages.ingest import ingest
from pipelines.stages.validate import validate
from pipelines.workspace.atomic_files import read_json, read_parquet
from pipelines.workspace.paths import Paths
from tests.reference.exports import DECLARATION, FLAT, write_export, write_flat

IDS = [f"00Qabcdefg{k:05d}AAA" for k in range(30)]


def leads(ids: list[str]) -> str:
    rows = "".join(f"{one};2025-01-06 09:{k:02d};A1;;;small;;no;\n" for k, one in enumerate(ids))
    return f"Lead ID;Created;Account;email;age;size;revenue;converted;note\n{rows}"


def activities(ids: list[str]) -> str:
    return "id,lead_id,kind,at,known_at\n" + "".join(
        f"{k},{one},visit,2025-02-01 10:00,\n" for k, one in enumerate(ids)
    )


def outcomes(ids: list[str]) -> str:
    rows = "".join(
        f"D{k},{one},2025-03-01 10:00,{'Closed Won' if k % 2 else 'Closed Lost'},\n" for k, one in enumerate(ids)
    )
    return "deal,lead_id,closed_at,won,amount\n" + rows


def test_activities_without_leads_end_the_run_and_name_the_cause(
    tmp_path: Path, cli: Callable[..., tuple[int, str, str]]
) -> None:
    write_export(tmp_path, leads=leads([i[:15] for i in IDS]), activities=activities(IDS), outcomes=outcomes([]))
    declared = str(tmp_path / "shop.yaml")
    (tmp_path / "outcomes.csv").write_text(outcomes([i[:15] for i in IDS]))
    # however ids are matched, these leads and these activities share none
    (tmp_path / "activities.csv").write_text(activities([f"C{k}" for k in range(30)]))
    status, out, err = cli("run", "--tiny", "--no-track", "--source", declared, "--data-dir", str(tmp_path / "d"))
    assert status == ExitStatus.TABLE_LOST == 25
    assert "table 'activities' is lost in quarantine: all 30 rows" in err and "Cause:" in err and "Next:" in err
    assert "no_signal" not in out + err and "Traceback" not in err

    paths = Paths(tmp_path / "d", "shop")
    assert read_json(paths.refused / "verdict.json")["verdict"] == "table_lost"
    assert len(read_parquet(paths.refused / "quarantined_rows.parquet")) == 30
    assert not paths.ingest.exists()

    status, _, err = cli("validate", "--source", declared, "--data-dir", str(tmp_path / "d"))
    assert status == ExitStatus.TABLE_LOST and "lost in quarantine" in err


def test_the_last_good_tables_stay_until_an_ingest_is_good_again(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "shop")
    ingest(write_export(tmp_path), paths)
    before = {p.name: p.read_bytes() for p in paths.ingest.iterdir() if p.is_file()}
    with pytest.raises(TableLostError, match="table 'leads' is lost"):
        ingest(write_export(tmp_path, leads=leads(IDS).replace("2025-01-06", "January the sixth,")), paths)
    assert {p.name: p.read_bytes() for p in paths.ingest.iterdir() if p.is_file()} == before
    with pytest.raises(TableLostError, match="Cause: they hold words"):
        validate(write_export(tmp_path), paths)
    ingest(write_export(tmp_path), paths)
    assert not paths.refused.exists()


def test_half_a_table_may_be_broken_more_may_not_unless_it_is_accepted(tmp_path: Path) -> None:
    ids, paths = [f"L{k}" for k in range(30)], Paths(tmp_path / "data", "shop")

    def read(unknown: int, limit: str = "") -> CountsRecord:
        kinds = "  activities:\n" + (f"    quarantine: {limit}\n" if limit else "")
        return ingest(
            write_export(
                tmp_path,
                leads=leads(ids),
                activities=activities([*(f"C{k}" for k in range(unknown)), *ids[: 30 - unknown]]),
                outcomes=outcomes(ids),
                declaration=DECLARATION.replace("  activities:\n", kinds, 1),
            ),
            paths,
        )

    counts = read(15)
    assert counts.rows["activities"].quarantined == 15
    reason = counts.reasons["activities"][0]
    assert (reason.rule, reason.column, reason.rows, reason.row, reason.example) == (
        "reference",
        "lead_id",
        15,
        1,
        "C0",
    )
    assert reason.cause and "quarantined: activities: lead_id refers to no row that exists: 15 rows" in counts.text

    with pytest.raises(TableLostError, match=r"16 of 30 \(53%\) rows.*\n(.*\n)*.*quarantine: \{limit: 0.6"):
        read(16)
    assert read(16, '{limit: 0.6, reason: "activities of two years, leads of one"}').rows["activities"].kept == 14
    with pytest.raises(SourceError, match="reason must contain words"):
        read(16, '{limit: 0.6, reason: "-"}')
    with pytest.raises(TableLostError):
        read(4, '{limit: 0.1, reason: "this export is clean"}')


def test_rows_written_twice_are_in_quarantine_but_not_lost(tmp_path: Path) -> None:
    ids, paths = [f"L{k}" for k in range(30)], Paths(tmp_path / "data", "shop")
    head, body = activities(ids).split("\n", 1)
    counts = ingest(
        write_export(tmp_path, leads=leads(ids), activities=f"{head}\n{body * 4}", outcomes=outcomes(ids)), paths
    )
    assert counts.rows["activities"].quarantined == 90 and counts.rows["activities"].kept == 30


def test_one_class_names_what_is_in_quarantine(tmp_path: Path) -> None:
    calls = "job;age;y\n" + "clerk;30;no\n" * 12 + "baker;41;gewonnen\n" * 9
    with pytest.raises(OneClassError, match="9 of 21 rows are in quarantine") as caught:
        ingest(write_flat(tmp_path, calls, FLAT), Paths(tmp_path / "data", "calls"))
    assert "'gewonnen' 9" in str(caught.value)


def test_accounts_that_no_lead_finds_are_a_warning_with_its_cause(tmp_path: Path) -> None:
    ids = [f"L{k}" for k in range(30)]
    counts = ingest(
        write_export(
            tmp_path, accounts="Id,employees\nfirm-7,10\n", leads=leads(ids), activities=activities(ids),
            outcomes=outcomes(ids),
        ),
        Paths(tmp_path / "data", "shop"),
    )  # fmt: skip
    assert counts.rows["leads"].kept == 30
    assert "warning: leads: account_id refers to no row that exists: 30 rows" in counts.text
