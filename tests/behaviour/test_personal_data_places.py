"""Names, addresses and telephone numbers stand where docs/privacy.md says, and nowhere else."""

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from pipelines.run import run_stage
from tests.reference.file_texts import text_of
from tests.reference.serving import client_for, score_uploads
from tests.reference.tiny_run import TinyRun

MAY = ("ingest/", "refused/", "kept/", "snapshots/", "serving/uploads/", "raw/", "privacy/", "scored.csv")
SHOWN = ("score/worklist.parquet", "score/accounts.parquet", "score/expansion.parquet")


def planted(run: TinyRun) -> Callable[[str], str | None]:
    """What finds a name, an address or a number of the export in a text; of names the first forty."""
    rows = pd.read_csv(run.context.paths.raw / "leads.csv", dtype=str, keep_default_na=False)
    marked = {text for name in ("Email", "Phone") for text in rows[name] if text}
    names = sorted(set(rows["Full Name"][rows["Full Name"].str.len() > 7]))[:40]
    assert len(marked) > 2_000 and len(names) == 40

    def find(text: str) -> str | None:
        held = [*re.findall(r"[\w.+-]+@[\w.-]+\w", text), *re.findall(r"\+00 555 \d+", text)]
        return next((one for one in held if one in marked), None) or next((n for n in names if n in text), None)

    return find


def places(run: TinyRun, folder: Path, find: Callable[[str], str | None]) -> dict[str, str]:
    """Files below a folder that hold such a word, by their path seen from the source's folder."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (hit := find(text_of(path))):
            found[str(path.relative_to(run.data_dir)).removeprefix(f"{run.context.paths.source}/")] = hit
    return found


def test_a_run_and_mlflow_hold_personal_data_only_where_the_page_says(tiny_copy: TinyRun) -> None:
    run = tiny_copy
    for stage in ("validate", "report", "track"):
        run_stage(run.context, stage)
    found = places(run, run.data_dir, planted(run))
    outside = {name: word for name, word in found.items() if not name.startswith(MAY) and name not in SHOWN}
    assert outside == {}
    assert "ingest/leads.parquet" in found and "ingest/quarantined_rows.parquet" in found
    assert [path.name for path in (run.data_dir / "mlartifacts").rglob("report.html")] == ["report.html"]


def test_a_server_keeps_them_out_of_its_log_and_its_store(tiny_copy: TinyRun) -> None:
    run, paths = tiny_copy, tiny_copy.context.paths
    find, log = planted(run), io.StringIO()
    lead = str(pd.read_parquet(paths.score / "worklist.parquet")["lead_id"].iloc[0])
    mail = pd.read_parquet(paths.ingest / "leads.parquet").set_index("lead_id")["email"][lead]
    server = client_for(run, paths.root / "serving")
    with contextlib.redirect_stderr(log), contextlib.redirect_stdout(log), server as web:
        web.get(f"/v1/lookup?email={mail}")
        web.get(f"/?search={mail}")
        web.get(f"/v1/leads/{lead}")
        web.post(f"/v1/leads/{lead}/answers", json={"question": "budget", "value": ">50k"})
        web.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept"})
        file = (paths.raw / "leads.csv").read_bytes()
        web.post("/v1/uploads", files={"file": ("leads.csv", file[: file.index(b"\n", 4_000) + 1])})
        score_uploads(web)
    assert "request" in log.getvalue() and find(log.getvalue()) is None
    assert {name for name in places(run, paths.root / "serving", find) if not name.startswith(MAY)} == set()
