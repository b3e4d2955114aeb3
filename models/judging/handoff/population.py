"""Of whom a comparison speaks: marketing decides about leads that sales does not have yet, not about running deals."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Tables, Texts
from features.assembly.stage_at import records_handoffs, stages_at
from features.kernel.column_reader import FrameRows
from features.point_in_time.microseconds import micros
from features.schema.source import Source
from features.schema.vocabulary import Phase

Whom = Literal["before_handoff", "all"]
NOUNS: dict[Whom, str] = {"before_handoff": "leads not yet with sales", "all": "leads"}
NO_STAGES = "No stage tells leads that are with sales from others, so the comparison is on all rows."
_DECLARED_ALL = "The comparison is on all rows, leads that sales already has among them (comparison.population: all)."
_NOBODY_WON = (
    "No lead {of}was won from before its handoff, so there is nothing to compare there: the comparison is on "
    "all rows, leads that sales already has among them."
)
_APART = " What the model says of leads that sales already has is judged apart."


@dataclass(frozen=True, kw_only=True)
class Population:
    """Which rows a comparison is made on, shape (n,) each.

    Parameters
    ----------
    name : as declared under ``comparison.population``
    kept : rows that are compared
    with_sales : rows of leads that sales had at that moment; nobody where no stage tells
    stage : the stage at that moment, '' where none is on record
    sentence : who is compared, in words
    """

    name: Whom
    kept: Bools
    with_sales: Bools
    stage: Texts
    sentence: str

    @property
    def noun(self) -> str:
        """Those compared, as the object of a sentence."""
        return NOUNS[self.name]

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "noun": self.noun,
            "rows": int(self.kept.sum()),
            "rows_in_all": len(self.kept),
            "rows_with_sales": int(self.with_sales.sum()),
            "sentence": self.sentence,
        }


def population_of(
    source: Source, tables: Tables, keys: pd.DataFrame, label: Floats, *, by_model: bool = True
) -> Population:
    """The population declared, or by default leads not yet with sales where stages tell them from others.

    ``keys`` and ``label`` are those of the judged rows; a row is looked at as it stood at its own moment. They are the
    test rows of a model, or without one (``by_model`` false) all matured rows: the sentence says which.
    """
    everybody = np.ones(len(keys), dtype=np.bool_)
    if source.kind == "flat" or not records_handoffs(tables):
        nobody, silent = np.zeros(len(keys), dtype=np.bool_), np.full(len(keys), "", dtype=object)
        return Population(name="all", kept=everybody, with_sales=nobody, stage=silent, sentence=NO_STAGES)

    before, stage = is_before_handoff(source, tables, keys)
    declared = None if source.comparison is None else source.comparison.population
    if declared == "all" or (declared is None and not label[before].any()):
        said = _DECLARED_ALL if declared == "all" else _NOBODY_WON.format(of="of the test " if by_model else "")
        return Population(name="all", kept=everybody, with_sales=~before, stage=stage, sentence=said)
    apart = _APART if by_model else ""
    sentence = (
        "Compared are leads not yet with sales at that moment (lead, IQL, MQL, PQL, or recycled and rested): "
        f"{int(before.sum()):,} of {len(before):,} {'test' if by_model else 'matured'} rows."
    )
    return Population(name="before_handoff", kept=before, with_sales=~before, stage=stage, sentence=sentence + apart)


def open_population(source: Source, tables: Tables, keys: pd.DataFrame) -> tuple[Bools, str]:
    """Which of the open leads marketing decides about, by the population declared, and what they are called."""
    declared = None if source.comparison is None else source.comparison.population
    if source.kind == "flat" or not records_handoffs(tables) or declared == "all":
        return np.ones(len(keys), dtype=np.bool_), "open leads"
    return is_before_handoff(source, tables, keys)[0], "open leads not yet with sales"


def is_before_handoff(source: Source, tables: Tables, keys: pd.DataFrame) -> tuple[Bools, Texts]:
    """Per row whether the lead, open at that moment, was not with sales then; and its stage."""
    as_of = micros(keys["as_of"])
    held = stages_at(FrameRows(tables["stages"]), keys["lead_id"].astype("str").to_numpy(dtype=object), as_of)
    before = held.phases_while_open(as_of, source.label) == str(Phase.BEFORE_HANDOFF)
    return np.asarray(before, dtype=np.bool_), held.stage
