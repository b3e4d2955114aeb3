"""The command that lists the open leads, best first."""

import shutil
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.schema.vocabulary import LeadList
from pipelines.cli.options import DataDir, Debug, Json, Source
from pipelines.cli.output import Output, options
from pipelines.cli.run import note_past_list

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.workspace.context import Context

app = typer.Typer()


class Order(StrEnum):
    """What the list is sorted by."""

    SCORE = "score"
    POINTS = "points"


_NAMES = 2  # texts that say who a lead is: more do not fit a terminal beside score and reason
_WIDE = 130  # columns of a terminal that has room for everything
_MOST = 60  # characters of a reason printed; its figures are on the card


@app.command()
def worklist(
    source: Source = "demo",
    data_dir: DataDir = "data",
    limit: Annotated[int, typer.Option("--limit", min=1, help="leads to print")] = 20,
    owner: Annotated[str | None, typer.Option("--owner", help="only leads of this owner")] = None,
    state: Annotated[str | None, typer.Option("--state", help="only leads in this state, e.g. mql")] = None,
    sort: Annotated[Order, typer.Option("--sort", help="by the model's score or the rubric's points")] = Order.SCORE,
    disagree: Annotated[
        bool, typer.Option("--disagree", help="only leads that only one of rubric and model would hand off")
    ] = False,
    stage: Annotated[str | None, typer.Option("--stage", help="only leads in this stage of the CRM, e.g. sql")] = None,
    lead_list: Annotated[
        LeadList | None,
        typer.Option("--list", help="to_hand_off (marketing), to_work (sales), watching, resting, customers or closed"),
    ] = None,
    objecting: Annotated[
        bool, typer.Option("--objecting", help="leads that object to profiling: who they are, without a score")
    ] = False,
    out: Annotated[str | None, typer.Option("--out", help="CSV to write all of them to, with every column")] = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """List the open leads of the last run, best first: who, score, chance, state, points, the best reason."""
    context = options(source, data_dir).context()
    from pipelines.artifacts.score_record import OPEN_LEADS, ScoreRecord
    from pipelines.scoring.list_leads import column_headings, read_unscored, read_worklist
    from pipelines.workspace.csv_files import write_csv

    output, scored = Output(json), ScoreRecord.read(context.paths)
    note_past_list(context, scored, output)
    wanted = {
        "owner": owner,
        "state": state,
        "stage": stage,
        "lead_list": None if lead_list is None else str(lead_list),
    }
    if objecting:
        return _show_objecting(context, out, limit, output)
    from models.standing.unscored_lists import UNSCORED

    over = lead_list is not None and str(lead_list) in UNSCORED
    found = (
        read_unscored(context, wanted) if over else read_worklist(context, wanted, disagree=disagree, sort=str(sort))
    )
    if out is not None:
        write_csv(Path(out), found)

    if json:
        output.record(found.head(limit).to_dict(orient="records"))
        return 0
    if over:
        rests = lead_list is LeadList.RESTING
        said = "leads that rest, the first back first" if rests else "leads that are over, the newest close first"
        output.table(f"{len(found):,} {said}", *_shown_unscored(found.head(limit), rests=rests))
        return 0
    what = "open leads" if scored.kind == OPEN_LEADS else "rows of the test block (no row of this source is open)"
    shown = _shown(found.head(limit), shutil.get_terminal_size().columns, column_headings(context.source))
    output.table(f"{len(found):,} {what}, best first", *shown, keep_first=True)
    if out is not None:
        output.text(f"All {len(found):,} with every column: {out}")
    if len(found):
        output.text(f"Why: leadscore explain --source {source} {found['lead_id'].iloc[0]}")
    return 0


def _show_objecting(context: "Context", out: str | None, limit: int, output: Output) -> int:
    """Leads that are listed without a score."""
    from pipelines.privacy.objections import read_objecting
    from pipelines.workspace.csv_files import write_csv

    found = read_objecting(context)
    if out is not None:
        write_csv(Path(out), found)
    shown = found.head(limit).astype("object").where(found.head(limit).notna(), "")
    if output.as_json:
        output.record(shown.to_dict(orient="records"))
    else:
        rows = [tuple(row) for row in shown.itertuples(index=False)]
        output.table(f"{len(found):,} leads that object to profiling, without a score", list(shown.columns), rows)
    return 0


def _shown(
    found: "pd.DataFrame", width: int, headings: Mapping[str, str]
) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """Headers and rows of a terminal's table; a narrow one has fewer columns: a broken word tells nothing."""
    from models.explaining.language import ENGLISH
    from pipelines.scoring.list_leads import naming_texts

    wide = width >= _WIDE
    names = dict(list(naming_texts(found, headings).items())[: _NAMES if wide else 1])
    staged = "stage" in found.columns and bool(found["stage"].fillna("").astype(bool).any())
    dropped = () if wide else ("grade", "points", "state" if staged else "")
    rows = []
    for place, row in enumerate(found.to_dict(orient="records")):
        chance, low, high = (ENGLISH.chance(row[f"probability{end}"], 0) for end in ("", "_low", "_high"))
        if wide:
            chance += f" ({low} to {high})"
        cells = {
            "lead": row["lead_id"],
            **{name: texts[place] for name, texts in names.items()},
            "score": row["score"],
            "chance": chance,
            "grade": row["grade"],
            **({"stage": _capitals(row["stage"])} if staged else {}),
            "state": _capitals(row["state"]),
            **({"points": _points_text(row)} if "manual_points" in row else {}),
            "next": str(row["next_action"]).replace("_", " "),
            "best reason": _short(row["reason_1"]),
        }
        rows.append({name: cell for name, cell in cells.items() if name not in dropped})
    return list(rows[0]) if rows else ("lead",), [tuple(row.values()) for row in rows]


def _shown_unscored(found: "pd.DataFrame", *, rests: bool) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """Headers and rows of leads that are over, or rest."""
    how, when = ("stage", "back_at") if rests else ("outcome", "closed_at")
    rows = [
        (row["lead_id"], row[how], row[when][:10], row["owner"], row["next_action"].replace("_", " "))
        for row in found.to_dict(orient="records")
    ]
    return ("lead", "stage", "back on", "owner", "next") if rests else ("lead", "closed", "on", "owner", "next"), rows


def _capitals(name: Any) -> str:
    """Short names in capitals, as on every page."""
    return str(name).upper() if len(str(name)) == 3 else str(name)


def _points_text(row: Mapping[Any, Any]) -> str:
    """The rubric's points and the state they make, with who alone would hand the lead off."""
    mark = f", {row['disagree']}" if row["disagree"] else ""
    return f"{row['manual_points']:g} {str(row['manual_state']).upper()}{mark}"


def _short(reason: Any) -> str:
    """A reason without its figures, which ``explain`` shows."""
    text = str(reason or "").split(" (")[0]
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"
