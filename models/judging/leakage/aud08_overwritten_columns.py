"""AUD08: a column declared known at creation that shows today's state: as-of against today's value."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.id_lookup import look_up
from models.judging.leakage.finding import Finding

CODE = "AUD08"
SETTLE = pd.Timedelta(days=1)  # after creation; what happens within it still counts as creation
FEWEST = 20  # leads with something afterwards, with a stage, or with a changed value
FEWEST_FILLED = 50  # rows, for a rank correlation
FOLLOWS = 0.85  # rank correlation with a later count: what is known at creation cannot count what comes after
SUMS = 0.75  # share of variance that later counts explain together
CHANGED = 0.05  # share of leads with a history whose value has to have changed, for first and last to differ visibly
LAST = 0.8  # share of changed leads that show the last value
KINDS = 20  # most frequent kinds of activity counted apart
VALUES = 60  # a column with more values stands for no stage
WRONG = 0.05  # of the rarer side, that a column equal to a stage may miss


def check_overwritten_columns(columns: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Attributes (one row per lead, index lead_id) that follow what happened to the lead after its creation."""
    created = tables["leads"].set_index("lead_id")["created_at"]
    counts, flags = dict(_later_counts(tables, created)), dict(_stage_sets(tables, created))
    found = []
    for name in map(str, columns.columns):
        column = columns[name]
        text = _holds_last_value(name, column, tables["answers"])
        if text is None and pd.api.types.is_numeric_dtype(column):
            text = _follows(name, column, counts)
        text = text or _matches_stage(name, column, flags)
        if text is not None:
            advice = "Map its history to answers (when_known: history), or declare it 'role: ignore'."
            found.append(Finding(name, CODE, "leak", f"{text} {advice}"))
    return found


def _after_creation(table: pd.DataFrame, clock: str, created: pd.Series) -> pd.DataFrame:
    """Rows that happened after their lead's creation (and a day to settle)."""
    start = look_up(table["lead_id"], created)
    return table[(table[clock] > start + SETTLE).to_numpy()]


def _later_counts(tables: Mapping[str, pd.DataFrame], created: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    """Per lead: how often something happened after its creation."""
    activities = tables["activities"][["lead_id", "kind", "happened_at"]]
    if len(activities):
        later = _after_creation(activities, "happened_at", created)
        yield "activities after creation", later["lead_id"].value_counts()
        for kind in activities["kind"].value_counts().index[:KINDS]:
            yield f"'{kind}' after creation", later.loc[later["kind"] == kind, "lead_id"].value_counts()
    if len(tables["answers"]):
        answered = _after_creation(tables["answers"][["lead_id", "happened_at"]], "happened_at", created)
        yield "answers after creation", answered["lead_id"].value_counts()


def _stage_sets(tables: Mapping[str, pd.DataFrame], created: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    """Per lead, as sets of leads: stages reached after creation, the stage it is in today, an opportunity at all."""
    stages = tables["stages"]
    if len(stages):
        later = _after_creation(stages, "entered_at", created)
        for stage in later["stage"].unique():
            yield f"stage '{stage}' reached after creation", later.loc[later["stage"] == stage, "lead_id"]
        last = stages.sort_values("entered_at", kind="stable").drop_duplicates("lead_id", keep="last")
        for stage in last["stage"].unique():
            yield f"stage '{stage}' today", last.loc[last["stage"] == stage, "lead_id"]
    if len(tables["outcomes"]):
        yield "a closed opportunity", tables["outcomes"]["lead_id"].dropna()


def _follows(name: str, column: pd.Series, counts: Mapping[str, pd.Series]) -> str | None:
    known = column.notna()
    if known.sum() < FEWEST_FILLED or column[known].nunique() < 2:
        return None
    for words, count in counts.items():
        later = count.reindex(column.index).fillna(0.0).astype("float64")
        if (later > 0).sum() < FEWEST or later[known].nunique() < 3:
            continue
        follows = abs(float(column[known].rank().corr(later[known].rank())))
        if follows >= FOLLOWS:
            return (
                f"'{name}' is declared known at creation but follows the count of {words} "
                f"(rank correlation {follows:.2f})."
            )
    return _sums(name, column[known], counts)


def _sums(name: str, column: pd.Series, counts: Mapping[str, pd.Series]) -> str | None:
    """The column as a weighted sum of what happened later, e.g. a total over some kinds."""
    table = pd.DataFrame({words: count.reindex(column.index).fillna(0.0) for words, count in counts.items()})
    if not len(table.columns) or len(table) < 10 * len(table.columns):
        return None
    x = np.column_stack([np.ones(len(table)), table.to_numpy(dtype=np.float64)])
    y = column.to_numpy(dtype=np.float64)
    weights, *_ = np.linalg.lstsq(x, y, rcond=None)
    left, all_of_it = float(((y - x @ weights) ** 2).sum()), float(((y - y.mean()) ** 2).sum())
    explained = 1 - left / all_of_it * (len(y) - 1) / max(len(y) - x.shape[1], 1)
    if explained < SUMS:
        return None
    return (
        f"'{name}' is declared known at creation but adds up what happened afterwards "
        f"({explained:.0%} explained by counts of later activities and answers)."
    )


def _matches_stage(name: str, column: pd.Series, flags: Mapping[str, pd.Series]) -> str | None:
    cells = pd.factorize(column, use_na_sentinel=False)[0]
    size = int(cells.max()) + 1 if len(cells) else 0
    if size < 2 or size > min(VALUES, len(cells) // 4):
        return None

    rows = np.bincount(cells, minlength=size)
    for words, leads in flags.items():
        flag: Floats = column.index.isin(leads).astype(np.float64)
        rarer = min(flag.sum(), len(flag) - flag.sum())
        if rarer < FEWEST:
            continue
        inside = np.bincount(cells, weights=flag, minlength=size)
        wrong = float(np.minimum(inside, rows - inside).sum())
        if wrong <= WRONG * rarer:
            return (
                f"'{name}' is declared known at creation but matches {words} "
                f"({1 - wrong / len(flag):.1%} of {len(flag):,} leads)."
            )
    return None


def _holds_last_value(name: str, column: pd.Series, answers: pd.DataFrame) -> str | None:
    """The column's history is on record: whether it holds the last entry where the first differs."""
    history = answers[(answers["question"] == name).to_numpy()] if len(answers) else answers
    if len(history) < FEWEST:
        return None

    ordered = history.sort_values("known_at", kind="stable").groupby("lead_id")["value"]
    ends = pd.DataFrame({"first": ordered.first(), "last": ordered.last()}).dropna()
    changed = ends[(ends["first"] != ends["last"]).to_numpy()]
    if len(changed) < FEWEST or len(changed) < CHANGED * len(ends):
        return None

    now = column.reindex(changed.index).astype("str")
    same_as_last = float((now == changed["last"]).mean())
    if same_as_last < LAST:
        return None
    return (
        f"'{name}' holds today's value: of {len(changed):,} leads whose value changed, "
        f"{same_as_last:.0%} show the last one."
    )
