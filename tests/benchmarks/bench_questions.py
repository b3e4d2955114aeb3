"""Does asking the top question bring the estimate nearer to the truth than asking a random one?

On the demo (synthetic) the latent state behind every answer is known, so any question can be put to any lead at any
moment. Run ``python -m tests.benchmarks.bench_questions --data-dir DIR`` after ``leadscore run`` with the same DIR.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Floats
from models.bundle import Bundle, load_bundle
from models.explaining.questions import AnswerTable, value_questions
from models.logistic import logit, sigmoid
from pipelines.diagnostics.explanation_fidelity import truth_of
from pipelines.synth.events import QUESTIONS
from pipelines.synth.market import START, Market, make_market
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.matrix_files import load_chop, load_matrix

DRAWS = 400
MODEL, HELD = "as scored", "fact held fixed"


def market_of(context: Context) -> Market:
    """The demo's latent market, drawn again."""
    asked = {"seed": 7, "leads": 4000, "months": 24}
    generator = context.source.generator
    asked |= dict(generator.parameters) if generator is not None else {}
    return make_market(np.random.default_rng(asked["seed"]), asked["leads"], round(asked["months"] * 52 / 12))


def subjects(context: Context) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Last test row of each lead with the truth, and its feature values."""
    matrix = load_matrix(context.paths.matrix).take(load_chop(context.paths.matrix).final.test)
    truth = truth_of(context)
    if truth is None:
        raise SystemExit("this benchmark needs a source with a known truth, such as the demo")
    keys = matrix.keys[["lead_id", "as_of"]].assign(row=np.arange(len(matrix)))
    both = keys.merge(truth, on=["lead_id", "as_of"]).sort_values("as_of").drop_duplicates("lead_id", keep="last")
    both = both.reset_index(drop=True)
    return both, matrix.values.iloc[both["row"]].reset_index(drop=True)


def answered(values: pd.DataFrame, question: str, said: npt.NDArray[Any]) -> pd.DataFrame:
    """The rows as if the question had just been answered."""
    name = f"answer_{question}"
    text = pd.Series(said).astype("str")
    number = values[name].dtype.kind == "f"
    changes: dict[str, Any] = {name: text.astype("float64") if number else text.astype(values[name].dtype)}
    changes |= {f"{name}_age": 0.0, "questions_answered": values["questions_answered"] + 1.0}
    return values.assign(**{key: value for key, value in changes.items() if key in values})


def squared_errors(bundle: Bundle, rows: pd.DataFrame, values: pd.DataFrame, market: Market) -> dict[Any, Floats]:
    """Squared error of the log-odds per question asked, shape (n,), NaN where it is answered already; and unasked.

    ``MODEL``: the score as the product shows it once the answer is on record; ``HELD``: with the answer's effect alone.
    """
    lead = rows["lead_id"].str[1:].astype("int64").to_numpy()
    week = ((rows["as_of"] - START) / pd.Timedelta(days=7)).astype("int64").to_numpy()
    true = rows["log_odds"].to_numpy(dtype=np.float64)
    found = {"": (bundle.log_odds(values) - true) ** 2}
    rng = np.random.default_rng(1)
    for question, (answerer, _, _) in QUESTIONS.items():
        after = answered(values, question, answerer(rng, market, lead, week))
        silent = values[f"answer_{question}"].isna().to_numpy()
        table = next((t for t in bundle.questions if t.question == question), None)
        z = {MODEL: bundle.log_odds(after), HELD: bundle.log_odds(values)}
        z[HELD] = z[HELD] if table is None else held_fixed(bundle, values, after, table)
        for how, estimate in z.items():
            found[how, question] = np.where(silent, (estimate - true) ** 2, np.nan)
    return found


def held_fixed(bundle: Bundle, values: pd.DataFrame, after: pd.DataFrame, table: AnswerTable) -> Floats:
    """Log-odds with an answer's effect among similar leads, the mere fact of having answered held fixed."""
    parts = bundle.contributions(values)
    z = parts.values.sum(axis=1) + parts.base
    band = table.bands(z, parts)
    given = after[table.feature]
    if given.dtype.kind == "f":
        tops = np.array([float(words.rsplit(" ", 1)[-1]) for words in table.values])
        code = np.minimum(np.searchsorted(tops, given.to_numpy()), len(tops) - 1)
    else:
        code = np.array([table.values.index(str(v)) for v in given], dtype=np.int64)
    return np.asarray(z + table.effect[band, code], dtype=np.float64)


def measure(context: Context) -> dict[str, Any]:
    """Mean squared error of the log-odds unasked, after a random question, after the one ranked first."""
    bundle = load_bundle(context.paths.train / "twin")
    rows, values = subjects(context)
    errors = squared_errors(bundle, rows, values, market_of(context))
    scale = bundle.scale
    worth = value_questions(
        bundle.questions, values, bundle.contributions(values), scale.reference_log_odds, scale.points_per_log_odds
    )
    rank = np.column_stack([worth[n].rank if n in worth else np.zeros(len(values)) for n in QUESTIONS])
    silent = np.column_stack([values[f"answer_{n}"].isna().to_numpy() for n in QUESTIONS])
    usable = silent.sum(axis=1) >= 2  # where there is a choice
    top = np.argmax(np.where(silent, rank, -1.0)[usable], axis=1)
    found: dict[str, Any] = {
        "leads": int(usable.sum()),
        "asked": {name: int((top == k).sum()) for k, name in enumerate(QUESTIONS)},
        "base_rate": float(np.mean((_average(rows["log_odds"].to_numpy()) - rows["log_odds"]) ** 2)),
        "unasked": float(errors[""][usable].mean()),
    }
    for how in (MODEL, HELD):
        table = np.column_stack([errors[how, name] for name in QUESTIONS])[usable]
        first, any_one = table[np.arange(len(table)), top], np.nanmean(table, axis=1)
        found[how] = {
            "random": float(any_one.mean()),
            "top": float(first.mean()),
            "top_less_random": _interval(first - any_one),
            "top_less_unasked": _interval(first - errors[""][usable]),
        }
    return found


def _average(log_odds: Floats) -> float:
    return float(logit(float(sigmoid(log_odds).mean())))


def _interval(gap: Floats) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    drawn = gap[rng.integers(0, len(gap), (DRAWS, len(gap)))].mean(axis=1)
    return {"mean": float(gap.mean()), "ci": [float(q) for q in np.quantile(drawn, [0.05, 0.95])]}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    asked = parser.parse_args(arguments)
    sys.stdout.write(json.dumps(measure(open_context("demo", asked.data_dir)), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
