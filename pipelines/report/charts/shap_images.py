"""The chosen model's exact contributions drawn by the shap package: beeswarm, waterfall, dependence, for MLflow."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from models.bundle import Bundle, load_bundle
from models.explaining.shap_explanation import shap_explanation
from models.features_read import middle_values
from models.interfaces import Contributions
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix

if TYPE_CHECKING:
    import shap

_ROWS = 500  # of the test block that are drawn: a beeswarm of more shows nothing else
_SHOWN = 15  # features of a beeswarm, and of a waterfall
_DEPENDENCES = 3  # the strongest numeric features, a picture each
_DPI = 110


def draw_shap(context: Context, folder: Path) -> list[Path]:
    """Pictures of the bundle trained last on rows of the test block; nothing where no model was made.

    Waterfalls are of two made-up leads, with the middle values of the test rows that were won, and of those that were
    not: a picture of one row would be one person's.
    """
    where = context.paths.train / "bundle"
    if not (where / "bundle.json").exists():
        return []
    bundle = load_bundle(where)
    matrix = load_matrix(context.paths.matrix)
    rows = load_chop(context.paths.matrix).final.test
    drawn = np.sort(np.random.default_rng(context.settings.seed).permutation(rows)[:_ROWS])
    values = matrix.values.iloc[drawn].reset_index(drop=True)
    label = matrix.label[rows]
    typical = {won: matrix.values.iloc[rows[label == float(won)]] for won in (True, False)}
    if not bundle.contributions(values).names or any(part.empty for part in typical.values()):
        return []

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of matplotlib and numpy within shap; what is wrong with the plots is seen
        return _draw(bundle, values, typical, folder)


def _explanation(bundle: Bundle, values: pd.DataFrame) -> "tuple[Contributions, shap.Explanation]":
    parts = bundle.contributions(values)
    names = {feature.name: feature.label or feature.name for feature in bundle.catalog}
    return parts, shap_explanation(parts, _drawable(values), names)


def _made_up(bundle: Bundle, rows: pd.DataFrame) -> pd.DataFrame:
    """One row with the middle values of several."""
    middle = pd.DataFrame([middle_values(rows)])
    texts = list(bundle.catalog.categories)
    return middle.assign(**{name: middle[name].astype("str").where(middle[name] != "") for name in texts})


def _drawable(values: pd.DataFrame) -> pd.DataFrame:
    """Texts stay texts: shap draws them grey, and a missing one must not look like a number."""
    texts = {
        str(name): values[name].astype(object).where(values[name].notna(), "")
        for name in values
        if not pd.api.types.is_numeric_dtype(values[name])
    }
    return values.assign(**texts)


def _draw(bundle: Bundle, values: pd.DataFrame, typical: Mapping[bool, pd.DataFrame], folder: Path) -> list[Path]:
    import matplotlib

    before = matplotlib.get_backend(auto_select=False)
    matplotlib.use("Agg")
    try:
        import shap

        parts, every = _explanation(bundle, values)
        title = f"Log-odds on {len(values):,} test rows"
        found = [_picture(folder / "shap_beeswarm.png", title, shap.plots.beeswarm, every, max_display=_SHOWN)]
        for won, rows in typical.items():
            one = _explanation(bundle, _made_up(bundle, rows))[1][0]
            what = "won" if won else "not won"
            title = f"A made-up lead: middle values of {len(rows):,} test rows that were {what}"
            path = folder / f"shap_waterfall_{what.replace(' ', '_')}.png"
            found.append(_picture(path, title, shap.plots.waterfall, one, max_display=_SHOWN))
        for place, column in enumerate(_strongest_numbers(parts, values), start=1):
            one = every[:, column]
            one.data = one.data.astype(np.float64)
            title = f"Log-odds on {len(values):,} test rows"
            found.append(_picture(folder / f"shap_dependence_{place}.png", title, shap.plots.scatter, one))
    finally:
        if before is not None:
            matplotlib.use(before)
    return found


def _strongest_numbers(parts: Contributions, values: pd.DataFrame) -> list[int]:
    """Columns of the numeric features with the largest mean absolute contribution that take more than one value."""
    order = np.argsort(-np.abs(parts.values).mean(axis=0), kind="stable")
    drawn = [
        int(k)
        for k in order
        if parts.names[k] in values
        and pd.api.types.is_numeric_dtype(values[parts.names[k]])
        and values[parts.names[k]].nunique() > 1
    ]
    return drawn[:_DEPENDENCES]


def _picture(path: Path, title: str, plot: Any, explanation: Any, **options: Any) -> Path:
    """What a plot of shap's draws, as a file."""
    from matplotlib import pyplot

    pyplot.figure()
    plot(explanation, show=False, **options)
    figure = pyplot.gcf()
    figure.suptitle(title, fontweight="bold", y=1.03)
    figure.savefig(path, dpi=_DPI, bbox_inches="tight")
    pyplot.close(figure)
    return path
