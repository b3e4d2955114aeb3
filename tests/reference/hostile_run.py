"""Hostile files through init, ingest and scoring: what must hold of each, whatever it is."""

import json
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from features.errors import LeadScoreError, SourceError
from features.schema.load_source import load_source, parse_source
from features.schema.source import Source
from features.schema.table_source import Location
from models.settings import TrainSettings
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.declaring.starter_declaration import declare_facts, read_facts
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.run import run_stage
from pipelines.scoring.leads_file import read_leads_file
from pipelines.scoring.score_file import score_leads, write_scored
from pipelines.stages.ingest import ingest
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.paths import Paths
from tests.reference.hostile_files import HEADER, HostileFile, honest_rows, hostile_file

DECLARATION = """\
name: hostile
kind: flat
synthetic: true
flat:
  target: {column: y, won: ["yes"], lost: ["no"]}
  lead_id: number
tables:
  leads:
    quarantine: {limit: 1, reason: broken on purpose}
    location: {file: FILE}
    columns:
      number: {type: id, role: display}
      created: {type: timestamp, role: display}
      job: {type: category, label: job}
      age: {type: number, label: age}
      budget: {type: number, label: budget}
      asked: {type: boolean, label: asked}
      note: {type: text, role: display}
      y: {role: display}
"""
BLANK = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "#n/a", "nil", "<na>"})  # texts that mean no number


@dataclass
class Tally:
    """What became of the files: outcomes by step and code, rows, and everything that must not be."""

    files: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    read: int = 0
    kept: int = 0
    quarantined: int = 0
    scored: int = 0
    faults: list[str] = field(default_factory=list)

    def record(self) -> dict[str, object]:
        """JSON-ready."""
        return {**vars(self), "outcomes": dict(self.outcomes.most_common()), "faults": self.faults[:20]}


def train_on_honest_rows(folder: Path) -> Context:
    """A model of the honest export, to score hostile files with."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(honest_rows(np.random.default_rng(1), 500), columns=HEADER)
    frame.to_csv(folder / "honest.csv", index=False)
    path = folder / "hostile.yaml"
    path.write_text(DECLARATION.replace("FILE", "honest.csv"), encoding="utf-8")
    settings = TrainSettings.tiny().model_copy(update={"alpha": 0.2})
    context = open_context(str(path), folder / "data", settings)
    for stage in ("ingest", "matrix", "audit", "backtest", "train", "register"):
        run_stage(context, stage)
    return context


def try_file(seed: int, folder: Path, context: Context, tally: Tally) -> None:
    """One file through init, ingest and scoring; faults are noted with the seed that repeats them."""
    file = hostile_file(seed)
    path = folder / f"{seed}{file.name}"
    path.write_bytes(file.content)
    tally.files += 1
    steps = {
        "init": lambda: _init(path, folder),
        "ingest": lambda: _ingest(file, path, folder, tally),
        "score": lambda: _score(path, folder, context, tally),
    }
    for step, run in steps.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ResourceWarning)
            try:
                outcome = run()
            except LeadScoreError as refused:
                outcome = refused.code
                if len(refused.message) < 20 or "Traceback" in refused.message:
                    tally.faults.append(f"seed {seed} {step}: says only '{refused.message}'")
            except Exception as fault:
                outcome = "fault"
                tally.faults.append(f"seed {seed} {file.damage} {step}: {type(fault).__name__}: {str(fault)[:300]}")
        tally.outcomes[f"{step} {outcome}"] += 1
    path.unlink()


def _init(path: Path, folder: Path) -> str:
    """A starter declaration can be loaded, or says what is missing."""
    text = declare_facts(*read_facts(path))
    try:
        parse_source(text, where="starter.yaml", path=folder / "starter.yaml")
    except SourceError as problem:
        assert "not valid YAML" not in problem.message, "the starter declaration is no YAML"
        raise
    return "ok"


def _declared(path: Path, folder: Path) -> Source:
    declared = folder / "hostile.yaml"
    declared.write_text(DECLARATION.replace("FILE", json.dumps(path.name)), encoding="utf-8")
    return load_source(declared)


def _ingest(file: HostileFile, path: Path, folder: Path, tally: Tally) -> str:
    source, paths = _declared(path, folder), Paths(folder / "data", "hostile")
    counts = ingest(source, paths)
    _check_counts(file, counts, paths)
    _check_values(path, source, paths)
    rows = counts.rows["leads"]
    tally.read, tally.kept = tally.read + rows.read, tally.kept + rows.kept
    tally.quarantined += rows.quarantined
    return "ok"


def _check_counts(file: HostileFile, counts: CountsRecord, paths: Paths) -> None:
    rows = counts.rows["leads"]
    assert rows.read == rows.kept + rows.quarantined + rows.left_out, "rows do not reconcile"
    assert rows.kept == len(read_parquet(paths.ingest / "leads.parquet")), "kept rows are not those written"
    lost = read_parquet(paths.ingest / "quarantined_rows.parquet")
    assert rows.quarantined == lost["row"].nunique(), "quarantined rows are not those written"
    if rows.quarantined:
        assert counts.reasons["leads"], "rows in quarantine without a reason"
    if file.rows is not None:
        assert rows.read == file.rows, f"{rows.read} rows read of {file.rows} in the file"


def _check_values(path: Path, source: Source, paths: Paths) -> None:
    """No number, boolean or moment of a kept row is missing where the file has a text."""
    location = source.tables["leads"].location
    assert location is not None
    raw = read_file(path, location, expected=HEADER)
    kept = read_parquet(paths.ingest / "leads.parquet")
    lost = set(read_parquet(paths.ingest / "quarantined_rows.parquet")["row"])
    places = [k for k, row in enumerate(raw.rows.tolist()) if row not in lost]
    if len(places) != len(kept):
        return  # rows were left out as repeats, and told
    for name in ("age", "budget", "asked", "created"):
        if name not in raw.frame or not isinstance(raw.frame[name].dtype, pd.StringDtype | np.dtypes.ObjectDType):
            continue
        texts = raw.frame[name].iloc[places].reset_index(drop=True)
        given = texts.notna() & ~texts.astype("str").str.strip().str.lower().isin(BLANK)
        silent = (given & kept[name].isna()).to_numpy(dtype=bool)
        assert not silent.any(), f"{name}: {texts[silent].iloc[0]!r} became missing without a word"
        if name in ("age", "budget"):
            assert np.isfinite(kept[name].dropna().to_numpy(dtype=np.float64)).all(), f"{name} is not finite"


def _score(path: Path, folder: Path, context: Context, tally: Tally) -> str:
    leads = read_leads_file(path, context.source)
    found = score_leads(context, leads, bundle=str(context.paths.train / "bundle")).frame
    assert len(found) == len(leads.frame), "a row was dropped"
    scored = (found["error"] == "").to_numpy(dtype=bool)
    assert found.loc[scored, "score"].between(0, 100).all(), "a score outside 0 to 100"
    assert found.loc[scored, "probability"].between(0, 1).all(), "a probability outside 0 to 1"
    assert found.loc[~scored, "score"].isna().all(), "a score beside an error"
    tally.scored += int(scored.sum())

    out = folder / "scored.csv"
    write_scored(found, out)
    again = read_file(out, Location(file=out.name)).frame
    assert len(again) == len(found), "the scored file does not read back row by row"
    ids = found["lead_id"].fillna("").astype("str").str.replace("\x00", "").str.strip()
    assert again["lead_id"].str.strip().tolist() == ids.tolist(), "ids do not read back"
    return "ok"
