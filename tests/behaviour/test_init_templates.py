"""An export in each vendor's form: its template declares it, and nothing of it is lost or misread."""

from pathlib import Path

import pandas as pd
import pytest

from features.schema.load_source import load_source
from features.schema.vocabulary import Role
from pipelines.declaring.exports.open_export import init_export
from pipelines.stages.ingest import ingest
from pipelines.workspace.context import open_context
from tests.reference.vendor_exports import EXPORTS, World, export_vendor, make_world

CLOSED_BY_DAY = ("salesforce", "dynamics", "zoho")  # vendors whose closes have no time of day


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("demo"), leads=300)


@pytest.mark.parametrize("vendor", sorted(EXPORTS))
def test_an_export_is_declared_and_read_as_it_is(vendor: str, world: World, tmp_path: Path) -> None:
    files = export_vendor(vendor, world, tmp_path / "export")
    path = tmp_path / "export" / "source.yaml"
    path.write_text(init_export([str(file) for file in files], path, tmp_path / "data", vendor), encoding="utf-8")
    context = open_context(str(path), tmp_path / "data")
    counts = ingest(context.source, context.paths)
    read = {name: pd.read_parquet(context.paths.ingest / f"{name}.parquet") for name in ("leads", "outcomes")}

    assert all(n.quarantined == 0 for n in counts.rows.values()), counts.text
    truth = world.leads.set_index("number")
    assert len(read["leads"]) == len(truth)
    over = truth[truth["status"].ne("open")]
    assert len(read["outcomes"]) == len(over)
    assert int(read["outcomes"]["won"].sum()) == int(over["status"].eq("won").sum())

    created = read["leads"]["created_at"].sort_values().to_numpy()
    wanted = truth["created"].dt.tz_localize(None).dt.floor("min").sort_values().to_numpy()
    assert (pd.Series(created).dt.floor("min").to_numpy() == wanted).all()
    closed = read["outcomes"]["closed_at"].sort_values().reset_index(drop=True)
    truly = over["closed"].dt.tz_localize(None).sort_values().reset_index(drop=True)
    step = "D" if vendor in CLOSED_BY_DAY else "min"
    assert (closed.dt.floor(step) == truly.dt.floor(step)).all()
    assert set(counts.undeclared_columns) <= {"activities"}, counts.undeclared_columns

    if "activities" in context.source.tables:
        assert counts.rows["activities"].kept > 0


@pytest.mark.parametrize("vendor", sorted(EXPORTS))
def test_nothing_that_tells_the_outcome_is_a_feature(vendor: str, world: World, tmp_path: Path) -> None:
    files = export_vendor(vendor, world, tmp_path)
    path = tmp_path / "source.yaml"
    path.write_text(init_export([str(file) for file in files], path, tmp_path / "data", vendor), encoding="utf-8")
    source = load_source(path)
    features = {
        str(column.source or name)
        for table in ("leads", "accounts")
        if table in source.tables
        for name, column in source.tables[table].columns.items()
        if column.role is Role.FEATURE
    }
    telling = ("Probability", "Probability (%)", "Active", "Stage", "Deal - Stage", "Rating", "Status Reason", "points")
    more = ("Lead Score", "Number of times contacted", "Deal - Done activities", "Lost Reason", "is_identified")
    assert not features & {*telling, *more}
    personal = [c.source for t in source.tables.values() for c in t.columns.values() if c.role is Role.PERSONAL]
    assert not features & set(map(str, personal))
    assert not [h for h in features if "mail" in h.lower() or h in ("Person - Email", "Associated Contact")]
