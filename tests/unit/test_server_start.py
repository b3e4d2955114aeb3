"""What a server imports before it is ready: nothing that only the first score, the first upload, the first
page or training needs.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LATER = {
    "serving.pages.views",
    *("numba", "llvmlite", "lightgbm", "sklearn", "scipy", "duckdb", "openpyxl", "python_calamine"),
    *("matplotlib", "plotly", "mlflow", "optuna", "great_expectations", "shap", "polars", "alembic"),
}
START = """
import json, sys
from serving.app import create_app
from serving.settings import ServeSettings
app = create_app(ServeSettings(**json.loads(sys.argv[1])))
assert app.state.app_state.ready
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules} | set(sys.modules))))
"""


def test_a_server_is_ready_without_what_compiles_learns_and_draws(tiny_demo: Any, tmp_path: Path) -> None:
    settings = {"source": str(tiny_demo.source), "data_dir": str(tiny_demo.data_dir), "state_dir": str(tmp_path)}
    for _ in range(2):  # the first one makes the store
        done = subprocess.run(
            [sys.executable, "-c", START, json.dumps(settings)], capture_output=True, text=True, check=True
        )
    assert set(json.loads(done.stdout)) & LATER == set()
