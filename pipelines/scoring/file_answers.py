"""What a file to be scored says in columns that are kept as snapshots: the newest export, not yet taken."""

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.schema.snapshots import CHANNEL, snapshot_columns
from features.schema.source import Source
from pipelines.ingest.shaping.declared_columns import type_of
from pipelines.ingest.values.answer_texts import answer_texts

_MOMENT = pd.Timedelta(microseconds=1)


def add_file_answers(tables: Tables, rows: pd.DataFrame, seen_at: pd.Series, source: Source) -> pd.DataFrame:
    """The answers with those the file gives, known just before each lead is scored.

    Only what differs from the answer in force is added, so that an answer that still stands keeps its age.

    Parameters
    ----------
    rows : leads of the file, columns that are not in the file left out
    seen_at : when each is scored; NaT for leads the file says nothing new about (they closed before)
    """
    answers = tables["answers"]
    told = seen_at.notna().to_numpy() & rows["lead_id"].notna().to_numpy()
    made = [answers]
    for name in snapshot_columns(source):
        if name not in rows or not told.any():
            continue
        own = answers[(answers["question"] == name).fillna(False).to_numpy(dtype=bool)]
        last = own.sort_values(["happened_at", "known_at"], kind="stable").drop_duplicates("lead_id", keep="last")
        in_force = rows["lead_id"].map(last.set_index("lead_id")["value"]).astype("str").fillna("")
        says = answer_texts(rows[name], type_of(source, "leads", name)).fillna("")

        new = told & np.asarray(says.to_numpy(dtype=object) != in_force.to_numpy(dtype=object), dtype=bool)
        known = (seen_at[new] - _MOMENT).to_numpy(dtype="datetime64[us]")
        values = {"lead_id": rows["lead_id"][new].to_numpy(), "question": name, "value": says[new].to_numpy()}
        frame = pd.DataFrame(values | {"happened_at": known, "known_at": known, "channel": CHANNEL})
        frame["value"] = frame["value"].mask(frame["value"] == "")
        made.append(frame.reindex(columns=answers.columns).astype(answers.dtypes))
    filled = [part for part in made if len(part)]
    return pd.concat(filled, ignore_index=True) if len(made) > 1 and filled else answers
