"""Memory, DuckDB, streamed parts and Spark give the same bits."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.assembly.build_matrix import build_matrix
from features.catalog.build_catalog import build_catalog
from features.cohort.cohort import keys_of
from features.errors import ContractError
from pipelines.compute.duckdb_engine import StreamLimits, stream_matrix
from pipelines.compute.engines import choose_builder
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.table_files import load_tables
from tests.parity.test_features_request import busy_world
from tests.reference.tiny_run import TinyRun, write_source
from tests.reference.worlds import DAY, SOURCE, T0, frames, moment

CATALOG = build_catalog(SOURCE)
Case = tuple[dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def case() -> Case:
    world = busy_world(seed=11)
    tables = frames(world)
    names = [row["lead_id"] for row in world["leads"]] * 2
    when = pd.Series([moment(T0)] * 6 + [moment(T0 - 20 * DAY)] * 6).astype("datetime64[us]")
    keys = keys_of(tables, SOURCE, names, when)
    return tables, keys, build_matrix(tables, keys, CATALOG, SOURCE)


def test_duckdb_sorts_to_the_same_bits(case: Case) -> None:
    tables, keys, expected = case
    pd.testing.assert_frame_equal(choose_builder("duckdb")(tables, keys, CATALOG, SOURCE), expected, check_exact=True)


def test_threads_change_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from features.kernel import sorting, sweep

    tables, keys, expected = case
    monkeypatch.setattr(sorting, "PARALLEL_FROM", 0)
    monkeypatch.setattr(sweep, "PARALLEL_FROM", 0)
    engine = sorting.BucketSort(threads=3)
    pd.testing.assert_frame_equal(
        build_matrix(tables, keys, CATALOG, SOURCE, engine=engine), expected, check_exact=True
    )


@pytest.mark.parametrize("parts", [1, 3])
def test_streamed_parts_hold_the_same_bits(case: Case, tmp_path: Path, parts: int) -> None:
    tables, keys, expected = case
    # a column of the tables may be named as anything a declaration allows
    tables = {
        **tables,
        "leads": tables["leads"].assign(part=np.arange(6.0) + 7),
        "answers": tables["answers"].assign(part="x"),
    }
    paths = {}
    for name, frame in {**tables, "cohort": keys[["lead_id", "as_of"]]}.items():
        paths[name] = tmp_path / f"{name}.parquet"
        frame.to_parquet(paths[name], index=False)
    seen: list[tuple[int, int]] = []
    told = stream_matrix(
        paths,
        paths.pop("cohort"),
        CATALOG,
        SOURCE,
        tmp_path / "out",
        limits=StreamLimits(parts=parts),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert (told.rows, told.parts, seen[-1]) == (12, parts, (parts, parts))
    found = pd.concat([pd.read_parquet(path) for path in sorted((tmp_path / "out").glob("*.parquet"))])
    found = found.sort_values(["lead_id", "as_of"], ignore_index=True)
    order = np.lexsort([keys["as_of"], keys["lead_id"]])
    plain = pd.concat([keys[["lead_id", "as_of"]], expected], axis=1).iloc[order].reset_index(drop=True)
    texts = dict.fromkeys(("lead_id", *CATALOG.categories), "str")
    pd.testing.assert_frame_equal(found[list(plain.columns)].astype(texts), plain, check_exact=True)

    strange = tmp_path / "strange.parquet"
    keys[["lead_id", "as_of"]].replace({"lead_id": {keys["lead_id"].iloc[0]: "nobody"}}).to_parquet(
        strange, index=False
    )
    with pytest.raises(ContractError, match="12 rows of the cohort were asked for and 10 written"):
        stream_matrix(paths, strange, CATALOG, SOURCE, tmp_path / "again", limits=StreamLimits(parts=parts))


@pytest.fixture(scope="module")
def local_spark() -> Iterator[Any]:
    from pipelines.compute.spark_engine import open_session

    running = open_session("local[2]")
    yield running
    running.stop()


@pytest.mark.spark
@pytest.mark.usefixtures("local_spark")
def test_spark_gives_the_same_bits(case: Case) -> None:
    tables, keys, expected = case
    spark: Callable[..., Any] = choose_builder("spark")
    pd.testing.assert_frame_equal(spark(tables, keys, CATALOG, SOURCE), expected, check_exact=True)


@pytest.mark.prove
@pytest.mark.spark
@pytest.mark.usefixtures("local_spark")
def test_the_command_line_builds_the_same_matrix_on_spark(
    cli: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    source = write_source(tmp_path, name="small_demo")
    source.write_text(source.read_text().replace("leads: 1500", "leads: 200").replace("months: 24", "months: 8"))
    words = ("--source", str(source), "--data-dir", str(tmp_path / "data"), "--tiny", "--no-gate")
    assert cli("ingest", *words)[0] == 0
    folder, made = tmp_path / "data" / "small_demo" / "matrix", {}
    for engine in ("memory", "spark"):
        assert cli("matrix", *words, "--engine", engine)[0] == 0
        made[engine] = load_matrix(folder).values
    assert len(made["spark"]) > 500
    pd.testing.assert_frame_equal(made["spark"], made["memory"], check_exact=True)


@pytest.mark.spark
@pytest.mark.usefixtures("local_spark")
def test_the_command_line_scores_the_same_on_spark(
    cli: Callable[..., tuple[int, str, str]], tiny_demo: TinyRun, tmp_path: Path
) -> None:
    leads = load_tables(tiny_demo.context.paths)["leads"].head(40)
    asked, scored = tmp_path / "asked.csv", {}
    leads[["lead_id"]].rename(columns={"lead_id": "Lead ID"}).to_csv(asked, index=False)
    for engine in ("memory", "spark"):
        out = tmp_path / f"{engine}.csv"
        words = ("score", *tiny_demo.args, "--input", str(asked), "--out", str(out), "--engine", engine)
        assert cli(*words)[0] == 0
        scored[engine] = pd.read_csv(out)
    assert scored["spark"]["score"].notna().sum() > 30
    pd.testing.assert_frame_equal(scored["spark"], scored["memory"], check_exact=True)
