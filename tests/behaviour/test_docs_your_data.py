"""docs/your_data.md: the commands of every section run as they stand, on an export of the kind it speaks of."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipelines.declaring.words.vendor_template import load_template, template_names
from tests.reference.vendor_exports import World, export_vendor, make_world

PAGE = (Path(__file__).parents[2] / "docs" / "your_data.md").read_text(encoding="utf-8")
SECTIONS = {
    title: [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines() if line]
    for title, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.S | re.M)
}
WEEKLY = """\
name: weekly
kind: relational
opportunities:
  location: {file: deals.csv, snapshots: true}
  lead_id: Deal - ID
  created_at: Deal - Deal created
  closed_at: [Deal - Won time, Deal - Lost time]
  status: {from: Deal - Status, won: [Won], lost: [Lost], open: [Open]}
  columns:
    source: {from: Deal - Source channel}
    done: {from: Deal - Done activities, type: number, when_known: snapshots}
label: {outcome: won, horizon_days: 60}
"""


def make_told_world(folder: Path, leads: int) -> World:
    """The demo with a signal that smallest budgets find: most wins come from referrals."""
    made = make_world(folder, leads=leads)
    told = made.leads
    told.loc[told["status"].eq("won") & (told["number"] % 20 < 13), "source"] = "referral"
    return made


@pytest.fixture(scope="module")
def deals(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_told_world(tmp_path_factory.mktemp("deals"), 1500)


@pytest.fixture(scope="module")
def funnel(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_told_world(tmp_path_factory.mktemp("funnel"), 450)


def one_file(world: World) -> None:
    export_vendor("hubspot", world, Path())[0].rename("deals.csv")


def folder(world: World) -> None:
    export_vendor("salesforce", world, Path("export"))


def product(world: World) -> None:
    export_vendor("salesforce", world, Path())


def workbook(world: World) -> None:
    (path,) = export_vendor("odoo", world, Path())
    with pd.ExcelWriter("report.xlsx", engine="openpyxl") as writer:
        pd.read_csv(path).to_excel(writer, startrow=3, index=False)
        writer.book.active.cell(1, 1, "Leads of two years")


def database(world: World) -> None:
    import sqlite3

    files = export_vendor("salesforce", world, Path("export"))
    with sqlite3.connect("crm.db") as connection:
        for file in files:
            pd.read_csv(file, dtype="str").to_sql(file.stem, connection, index=False)
    connection.close()


def weekly(world: World) -> None:
    (deals, _) = export_vendor("pipedrive", world, Path())
    whole = pd.read_csv(deals, dtype="str")
    Path("weekly").mkdir()
    Path("weekly.yaml").write_text(WEEKLY, encoding="utf-8")
    over = whole[["Deal - Won time", "Deal - Lost time"]].bfill(axis=1).iloc[:, 0]
    for day in pd.date_range("2026-01-04", periods=3, freq="7D"):
        seen = whole[whole["Deal - Deal created"] < f"{day:%F}"].copy()
        still = ~(over[seen.index] < f"{day:%F}")
        seen.loc[still, "Deal - Status"] = "Open"
        seen.loc[still, ["Deal - Won time", "Deal - Lost time"]] = None
        seen.to_csv(f"weekly/deals_{day:%F}.csv", index=False)


Cli = Callable[..., tuple[int, str, str]]
EXPORTS: dict[str, Callable[[World], None]] = {
    "One file": one_file,
    "Several tables": folder,
    "A known product": product,
    "A workbook": workbook,
    "A database": database,
    "Weekly exports": weekly,
}
WITH_ACTIVITIES = ("Several tables", "A known product", "A database")  # which need fewer leads, and take longer


def test_every_section_with_commands_is_run_and_every_template_is_named() -> None:
    assert {title for title, commands in SECTIONS.items() if commands} == set(EXPORTS)
    named = dict(re.findall(r"^\| `([a-z]+)` \| ([^|]+?) \|", PAGE, re.M))
    assert named == {name: load_template(name).title for name in template_names()}


@pytest.mark.parametrize("title", EXPORTS)
def test_the_commands_run(
    title: str, deals: World, funnel: World, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    EXPORTS[title](funnel if title in WITH_ACTIVITIES else deals)
    lead = ""
    for command in SECTIONS[title]:
        words = [str(file) for word in shlex.split(command.replace("$LEAD", lead))[1:] for file in _glob(word)]
        words += ["--data-dir", "data"]
        words += ["--tiny", "--no-track"] if words[0] == "run" else []
        status, out, err = cli(*words)
        fine = (0, 13) if title == "Weekly exports" else (0,)  # three weeks may honestly be too little
        assert status in fine, (command, status, out, err)
        if words[0] == "worklist":
            lead = str(pd.read_parquet(next(Path("data").glob("*/score/worklist.parquet")))["lead_id"].iloc[0])
            assert lead in out
        elif words[0] == "explain":
            assert lead in out


def _glob(word: str) -> list[Path | str]:
    return sorted(Path().glob(word)) if "*" in word else [word]
