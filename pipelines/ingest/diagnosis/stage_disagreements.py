"""What stages say of the end of leads beside what outcomes say: told, for the two are two books of one thing."""

from collections.abc import Mapping

import pandas as pd

from features.array_types import Tables
from features.cohort.outcomes import credited_outcomes
from features.schema.source import Source
from features.schema.vocabulary import Stage

_ENDS = (str(Stage.WON), str(Stage.LOST))


def describe_disagreements(tables: Tables, source: Source) -> str:
    """A sentence about leads whose last stage and whose outcomes end differently; empty where none do.

    ``tables`` are those of the contract, their leads resolved.
    """
    stages, outcomes = tables["stages"], tables["outcomes"]
    if not len(stages) or not len(outcomes):
        return ""
    names = stages["stage"].astype("str")
    ends = stages.assign(end=names).sort_values(["lead_id", "entered_at"], kind="stable")
    last = ends.drop_duplicates("lead_id", keep="last").set_index("lead_id")["end"]
    last = last[last.isin(_ENDS)]
    credited = credited_outcomes(tables, source)
    won = credited.assign(won=credited["what"] == "won").groupby("lead_id")["won"].max()

    said = last.index.to_series().map(won)
    told = {
        "won by their last stage, but lost by their outcomes": (last == "won") & (said == False),  # noqa: E712
        "lost by their last stage, but won by an outcome": (last == "lost") & (said == True),  # noqa: E712
        "won by their last stage, but without an outcome": (last == "won") & said.isna(),
        "lost by their last stage, but without an outcome": (last == "lost") & said.isna(),
    }
    return _in_words(told, source)


def _in_words(told: Mapping[str, pd.Series], source: Source) -> str:
    parts = []
    for what, hit in told.items():
        rows = int(hit.sum())
        if rows:
            parts.append(f"{rows:,} leads are {what} (e.g. '{hit.index[hit.to_numpy(dtype=bool)][0]}')")
    if not parts:
        return ""
    missing = (
        "where a lead has none, its stages do"
        if source.label.credit == "lead"
        else "a stage won without one only closes the lead, for deals are credited to accounts"
    )
    return f"warning: {'; '.join(parts)}. Outcomes decide what was won; {missing}."
