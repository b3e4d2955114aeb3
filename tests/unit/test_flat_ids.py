"""Rows of a flat file without an id: one name each, the same wherever it is asked for, and never another lead's."""

from pathlib import Path

import pandas as pd

from features.assembly.flat_matrix import flat_matrix, flat_open
from features.schema.source import Source
from pipelines.scoring.leads_file import read_leads_file
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables
from serving.state.lead_data import LeadData

# ids, some of them empty, others the number of a row without one
IDS = ["", "2", "", "", "1", "3", "", "4", "9", ""]
STATUS = ["Won", "Open", "Open", "Lost", "Open", "Won", "Open", "Lost", "Open", "Won"]


def read(tmp_path: Path, name: str = "crm_id") -> tuple[Source, pd.DataFrame]:
    file = tmp_path / "deals.csv"
    rows = [f"{lead},{status},person {row}" for row, (lead, status) in enumerate(zip(IDS, STATUS, strict=True), 1)]
    file.write_text("\n".join(["id,status,who", *rows, ""]))
    columns = {name: {"from": "id", "role": "display"}, "status": {}, "who": {"dimension": "fit", "topic": "context"}}
    flat = {"target": {"column": "status", "won": ["Won"], "lost": ["Lost"], "open": ["Open"]}, "lead_id": name}
    declared = {"name": "t", "kind": "flat", "flat": flat}
    tables = {"leads": {"location": {"file": str(file)}, "columns": columns}}
    source = Source.model_validate(declared | {"tables": tables})
    paths = Paths(tmp_path / "data", "t")
    ingest(source, paths)
    return source, load_tables(paths)["leads"]


def test_a_row_without_an_id_is_nobody_else_wherever_it_is_read(tmp_path: Path) -> None:
    source, leads = read(tmp_path)
    expected = {f"person {row}": lead or f"row {row}" for row, lead in enumerate(IDS, 1)}
    assert dict(zip(leads["who"], leads["lead_id"], strict=True)) == expected

    listed = flat_open(leads, source)
    assert listed is not None
    for found in (listed, flat_matrix(leads, source)):
        assert all(expected[who] == lead for who, lead in zip(found.values["who"], found.keys["lead_id"], strict=True))

    served = LeadData({"leads": leads}, source)
    assert served.lead_ids.tolist() == list(expected.values())
    scored = read_leads_file(tmp_path / "deals.csv", source).frame
    assert scored["lead_id"].tolist() == list(expected.values())


def test_the_column_of_ids_may_have_the_name_of_the_contract(tmp_path: Path) -> None:
    _, leads = read(tmp_path, "lead_id")
    assert leads["lead_id"].tolist() == [lead or f"row {row}" for row, lead in enumerate(IDS, 1)]
