"""A lead that was last open before the close that is named: every place says of which day its score is."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from pipelines.cli.results import card_text
from pipelines.scoring.score_file import score_file
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.table_files import load_tables
from tests.reference.serving import client_for
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]


def lose_then_win(run: TinyRun) -> tuple[str, str, str]:
    """A lead with a single deal, lost, gets another that was won ten days later; its id, and the days of both."""
    tables = load_tables(run.context.paths)
    outcomes, leads = tables["outcomes"], tables["leads"].set_index("lead_id")
    once = outcomes[~outcomes["lead_id"].duplicated(keep=False) & outcomes["lead_id"].notna()]
    lost = once[~once["won"].astype(bool) & (once["closed_at"] < "2026-01-01")]
    late = lost["closed_at"] - lost["lead_id"].map(leads["created_at"]) > pd.Timedelta(days=5)
    deal = lost[late.to_numpy(dtype=bool)].tail(1)
    later = {name: deal[name] + pd.Timedelta(days=10) for name in ("closed_at", "known_at")}
    file = run.context.paths.ingest / "outcomes.parquet"
    won = deal.assign(opportunity_id="another", won=True, **later)
    write_parquet(file, pd.concat([read_parquet(file), won[outcomes.columns].astype(outcomes.dtypes)]))
    days = (deal["closed_at"], won["closed_at"])
    return (str(deal["lead_id"].iloc[0]), *(f"{day.iloc[0]:%Y-%m-%d}" for day in days))


def test_the_day_of_the_score_is_told_where_a_lead_was_last_open_before_it_closed(
    tiny_copy: TinyRun, tmp_path: Path, cli: Cli
) -> None:
    lead, lost, won = lose_then_win(tiny_copy)
    said = cli("explain", lead, *tiny_copy.args)[1]
    assert said.startswith(f"Closed: won on {won}.") and f"the score is of {lost}, when it was last open." in said
    record = json.loads(cli("explain", lead, *tiny_copy.args, "--json")[1])
    handed = {"handed_over_at": "2025-12-01", "score_at_handoff": 40, "score_at_close": 55}
    text = card_text(record | {"standing": record["standing"] | handed})
    assert "Score at the handoff on 2025-12-01: 40, when it was last open: 55" in text

    with client_for(tiny_copy, tmp_path) as client:
        card = client.get(f"/v1/leads/{lead}").json()
        page = client.get(f"/leads/{lead}", headers={"accept": "text/html"}).text
    assert (card["closed"]["at"][:10], card["closed"]["open_until"][:10], card["as_of"][:10]) == (won, lost, lost)
    assert ", when it was last open." in page and "The score when it was last open." in page
    assert "The score is the one it had then." not in page and "The score at its close." not in page

    export = pd.read_csv(tiny_copy.context.paths.raw / "leads.csv", dtype=str)
    export[export["Lead ID"] == lead].to_csv(tmp_path / "one.csv", index=False)
    score_file(tiny_copy.context, tmp_path / "one.csv", tmp_path / "out.parquet")
    (note,) = pd.read_parquet(tmp_path / "out.parquet")["note"]
    assert note.startswith(f"won on {won}, not open any more; the score is of {lost}, when it was last open")
