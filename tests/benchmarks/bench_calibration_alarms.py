"""Weekly looks at a model whose probabilities are right: how often calibration is to be watched, or calls for action.

Run ``python -m tests.benchmarks.bench_calibration_alarms [SEED] [YEARS]``. All rows are synthetic.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from features.array_types import Floats, Ints
from models.judging.drift.monitor_findings import judge_calibration
from models.judging.drift.observed_vs_predicted import compare_with_predicted
from models.logistic import sigmoid
from models.settings import MonitorSettings

SETTINGS = MonitorSettings(draws=400)
WEEKS, FIRST = 52, 4
LEADS_A_WEEK = (15, 40)  # one to three wins a week
_LEVEL, _SPREAD, _MOST_ROWS = -2.6, 1.0, 8  # log-odds of a lead, and rows it has at most


@dataclass(frozen=True)
class Rows:
    """What the comparison reads of a matrix."""

    group_codes: Ints
    label: Floats

    def __len__(self) -> int:
        return len(self.label)


def look_for_a_year(rng: np.random.Generator, leads_a_week: int) -> Counter[str]:
    """Levels of the calibration finding in the weekly checks of one quiet year."""
    leads = leads_a_week * WEEKS
    z = _LEVEL + rng.normal(0, _SPREAD, leads)
    won = (rng.random(leads) < sigmoid(z)).astype(float)
    lead = np.repeat(np.arange(leads), rng.integers(1, _MOST_ROWS, leads))
    found: Counter[str] = Counter()
    for week in range(FIRST, WEEKS + 1):
        known = lead[lead < leads_a_week * week]
        wins = int(won[: leads_a_week * week].sum())
        rows = cast(Any, Rows(known, won[known]))
        finding = judge_calibration(compare_with_predicted(rows, z[known], wins, SETTINGS), wins, SETTINGS)
        found[str(finding.level)] += 1
    return found


def main() -> None:
    """Print the shares of checks."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    years = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    rng = np.random.default_rng(seed)
    for leads in LEADS_A_WEEK:
        found = sum((look_for_a_year(rng, leads) for _ in range(years)), Counter[str]())
        judged = sum(found[level] for level in ("ok", "watch", "act"))
        said = ", ".join(f"{level} {found[level] / judged:.1%}" for level in ("watch", "act"))
        sys.stdout.write(f"{leads} leads a week, {years} years, {judged} checks that could judge: {said}\n")


if __name__ == "__main__":
    main()
