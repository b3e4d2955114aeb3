"""On a Spark cluster of two workers, processes of their own, features and the whole path give the same bits."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.assembly.build_matrix import build_matrix
from features.catalog.build_catalog import build_catalog
from features.cohort.cohort import keys_of
from tests.parity.test_features_request import busy_world
from tests.reference.spark_cluster import MASTER, WORKERS, cluster_environment, cluster_variables
from tests.reference.tiny_run import SETTINGS, write_source
from tests.reference.worlds import DAY, SOURCE, T0, frames, moment

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from pipelines.compute.spark_engine import open_session

    with cluster_variables(tmp_path_factory.mktemp("cluster")):
        running = open_session()
        yield running
        running.stop()


def _worker(_: Iterator[Any]) -> Iterator[tuple[int, int]]:
    yield os.getppid(), os.getpid()


@pytest.mark.prove
def test_two_workers_give_the_same_bits(cluster: Any) -> None:
    from pipelines.compute.spark_engine import spark_values

    context = cluster.sparkContext
    assert context.master == MASTER
    seen = context.parallelize(range(16), 16).mapPartitions(_worker).collect()
    assert len({parent for parent, _ in seen}) == WORKERS and os.getpid() not in {own for _, own in seen}

    world = busy_world(seed=11)
    tables = frames(world)
    names = [row["lead_id"] for row in world["leads"]] * 2
    when = pd.Series([moment(T0)] * 6 + [moment(T0 - 20 * DAY)] * 6).astype("datetime64[us]")
    keys, catalog = keys_of(tables, SOURCE, names, when), build_catalog(SOURCE)
    expected = build_matrix(tables, keys, catalog, SOURCE)
    pd.testing.assert_frame_equal(spark_values(tables, keys, catalog, SOURCE), expected, check_exact=True)


@pytest.mark.prove
def test_the_whole_path_on_two_workers_ends_in_the_same_bundle_and_worklist(tmp_path: Path) -> None:
    source = write_source(tmp_path)
    params = tmp_path / "params.yaml"  # with '--tiny' alone no signal is found, and no model trained
    params.write_text(json.dumps({"leadscore": SETTINGS.model_dump(mode="json")}))
    environment = os.environ | cluster_environment(tmp_path)
    summaries, lists = [], []
    for engine in ("memory", "spark"):
        words = (
            "--source",
            str(source),
            "--data-dir",
            str(tmp_path / engine),
            "--params",
            str(params),
            "--engine",
            engine,
        )
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", "run", *words, "--no-track", "--json"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        summaries.append(json.loads(done.stdout))
        lists.append(pd.read_parquet(tmp_path / engine / "tiny_demo" / "score" / "worklist.parquet"))
    assert summaries[0]["bundle"]["hash"] == summaries[1]["bundle"]["hash"] is not None
    pd.testing.assert_frame_equal(lists[1], lists[0], check_exact=True)
    assert list((tmp_path / "spark" / "work").iterdir()), "Spark's workers were at work"
