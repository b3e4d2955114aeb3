"""The candidates that learn from one source's rows, by name: what a bundle's components are restored from."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from models.candidates.boosting import BoosterCandidate
from models.candidates.linear import LinearCandidate
from models.candidates.rate import RateCandidate
from models.candidates.rubric import RubricCandidate
from models.candidates.scorecard import ScorecardCandidate
from models.interfaces import Candidate

LEARNED: Mapping[str, Any] = MappingProxyType(
    {
        kind.name: kind
        for kind in (RateCandidate, RubricCandidate, LinearCandidate, ScorecardCandidate, BoosterCandidate)
    }
)


def restore_components(
    states: Mapping[str, Any], files: Mapping[str, str], prefix: str = "", kinds: Mapping[str, Any] = LEARNED
) -> dict[str, Candidate]:
    """Components by name from their states; their files' names begin with ``prefix``."""
    own = {name.removeprefix(prefix): text for name, text in files.items() if name.startswith(prefix)}
    return {name: kinds[name].restore(state, own) for name, state in states.items()}
