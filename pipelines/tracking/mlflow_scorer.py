"""MLflow's way to our bundle (models from code): feature rows in, probabilities out. It holds no model of its own."""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from mlflow.pyfunc import PythonModel

from models.bundle import Bundle, load_bundle
from models.features_read import features_read, without_the_rest


class LeadScorer(PythonModel):
    """Scores rows of the features that the bundle's model reads."""

    bundle: Bundle

    def load_context(self, context: Any) -> None:
        """Read the bundle that was logged beside this file."""
        self.bundle = load_bundle(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Probability within the horizon and its 90% interval, one row per input row.

        A feature that is not given, null, NaN or empty text is missing, as it is for a lead of whom nothing is known.

        Raises
        ------
        MlflowException : no column is a feature that is read: MLflow drops columns that it does not know, and rows
            with the last of them
        """
        catalog = self.bundle.catalog
        if model_input.shape == (0, 0):
            named = ", ".join(features_read(self.bundle)[:3])
            raise MlflowException(
                f"no column given is a feature that this model reads; its signature names them all ({named}, ...). "
                "Of a lead of whom nothing is known, give one of them as null.",
                error_code=BAD_REQUEST,
            )
        rows = without_the_rest(model_input, catalog.names, catalog)
        texts = rows[list(catalog.categories)].astype("str")
        numbers = rows[list(catalog.numbers)].astype("float64")
        values = pd.concat([numbers, texts.mask(texts == "")], axis=1)[list(catalog.names)]
        probability, low, high = self.bundle.probability(values)
        return pd.DataFrame({"probability": probability, "probability_low": low, "probability_high": high})


set_model(LeadScorer())
