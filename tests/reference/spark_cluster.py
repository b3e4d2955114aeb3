"""A small Spark cluster for tests: two workers in processes of their own, from the pyspark that pip installed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WORKERS = 2
MASTER = f"local-cluster[{WORKERS},1,1024]"
_ROOT = Path(__file__).resolve().parents[2]


def cluster_environment(folder: Path) -> dict[str, str]:
    """Variables with which ``local-cluster`` starts; workers write below the folder, not into the installed package."""
    import pyspark

    home = folder / "spark"
    home.mkdir(parents=True)
    for part in Path(pyspark.__file__).parent.iterdir():
        (home / part.name).symlink_to(part)
    return {"SPARK_HOME": str(home), "SPARK_MASTER": MASTER, "PYTHONPATH": str(_ROOT), "SPARK_LOCAL_IP": "127.0.0.1"}


@contextmanager
def cluster_variables(folder: Path) -> Iterator[None]:
    """The variables set in this process for a while."""
    told = cluster_environment(folder)
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
