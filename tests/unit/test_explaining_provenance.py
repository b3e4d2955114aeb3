"""A status says how we came to know it."""

import numpy as np
import pandas as pd

from features.catalog.build_catalog import build_catalog
from models.explaining.evidence import assess_evidence
from models.explaining.framework import load_framework
from tests.reference.worlds import SOURCE


def statuses(provenance: str, values: dict[str, float]) -> dict[str, tuple[str, str, str]]:
    """Per criterion of BANT status, provenance and words of one lead."""
    asked = {**SOURCE.questions, "budget": SOURCE.questions["budget"].model_copy(update={"provenance": provenance})}
    source = SOURCE.model_copy(update={"questions": asked})
    catalog = build_catalog(source)
    row = pd.DataFrame({f.name: [values.get(f.name, np.nan)] for f in catalog.of_family("evidence")})
    found = assess_evidence(row, catalog, load_framework("bant"), source)
    return {name: (e.status[0], e.provenance[0], e.source_of[0]) for name, e in found.items()}


def test_answers_carry_the_declared_provenance() -> None:
    answered = {"evidence_budget_met": 1.0, "evidence_budget_age": 3.0}
    for provenance in ("stated", "verified", "enriched", "inferred"):
        status, found, words = statuses(provenance, answered)["budget"]
        assert (status, found) == ("met", provenance)
        assert words.startswith(f"{provenance}: ")


def test_acts_are_inferred_from_and_silence_has_none() -> None:
    document = [f for f in build_catalog(SOURCE).of_family("evidence") if f.unit == "count"]
    acted = statuses("stated", {feature.name: 1.0 for feature in document})
    kinds = {status: provenance for status, provenance, _ in acted.values()}
    assert kinds.get("indicated") == "inferred"
    assert all(part == ("unknown", "", "") for part in statuses("stated", {}).values())
