"""The bundle as an MLflow model that loads anywhere: its signature, a made-up example, and the code it needs."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import features
import models
from features.catalog.feature import FeatureType
from models.bundle import Bundle, load_bundle
from models.features_read import features_read, middle_values, without_the_rest
from pipelines.workspace.matrix_files import load_matrix

SHIM = Path(__file__).with_name("mlflow_scorer.py")
OUTPUTS = ("probability", "probability_low", "probability_high")
# what features/ and models/ load to score; MLflow adds itself
LIBRARIES = (
    "lightgbm",
    "llvmlite",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "pyyaml",
    "scipy",
    "threadpoolctl",
    "typing-extensions",
)
_TRIED_ROWS = 50  # on which it is checked that the features named are those that count


def log_model(mlflow: Any, bundle_folder: Path, example: dict[str, Any] | None) -> Any:
    """Log a bundle into the active run: JSON and booster text, beside them the code of features/ and models/.

    Parameters
    ----------
    example : values of the features that are read, of a made-up lead
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    bundle = load_bundle(bundle_folder)
    read = tuple(name for name in bundle.catalog.names if name in example) if example else features_read(bundle)
    kinds = {feature.name: "string" if feature.type is FeatureType.CATEGORY else "double" for feature in bundle.catalog}
    return mlflow.pyfunc.log_model(
        name="bundle",
        python_model=str(SHIM),
        artifacts={"bundle": str(bundle_folder.resolve())},
        code_paths=[str(Path(package.__path__[0])) for package in (features, models)],
        pip_requirements=[f"{library}=={version(library)}" for library in LIBRARIES],
        signature=ModelSignature(
            inputs=Schema([ColSpec(kinds[name], name, required=False) for name in read]),
            outputs=Schema([ColSpec("double", name) for name in OUTPUTS]),
        ),
        input_example=None if example is None else _frame({name: example[name] for name in read}, kinds),
    )


def _frame(example: Mapping[str, Any], kinds: Mapping[str, str]) -> pd.DataFrame:
    """The example as a row; JSON holds a missing number as null."""
    return pd.DataFrame(
        {
            name: pd.Series([value], dtype="str" if kinds[name] == "string" else "float64")
            for name, value in example.items()
        }
    )


def example_of(bundle: Bundle, folder: Path) -> dict[str, Any]:
    """The middle value of each feature that the model reads, over the rows of a matrix: no lead's own row.

    Where scores of rows without the other features differ, which no model of ours does, all features are named.
    """
    values = load_matrix(folder).values
    read, some = features_read(bundle), values.head(_TRIED_ROWS).reset_index(drop=True)
    if not np.array_equal(bundle.raw_log_odds(some), bundle.raw_log_odds(without_the_rest(some, read, bundle.catalog))):
        read = bundle.catalog.names
    return middle_values(values[list(read)])
