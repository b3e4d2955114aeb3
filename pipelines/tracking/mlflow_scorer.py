"""MLflow's way to our bundle (models from code): feature rows in, probabilities out. It holds no model of its own."""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from models.bundle import Bundle, load_bundle


class LeadScorer(PythonModel):
    """Scores rows of the bundle's feature matrix."""

    bundle: Bundle

    def load_context(self, context: Any) -> None:
        """Read the bundle that was logged beside this file."""
        self.bundle = load_bundle(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Probability within the horizon and its 90 % interval, one row per input row."""
        catalog = self.bundle.catalog
        values = model_input.loc[:, list(catalog.names)].astype(dict.fromkeys(catalog.categories, "str"))
        blank = {name: values[name].mask(values[name] == "") for name in catalog.categories}
        probability, low, high = self.bundle.probability(values.assign(**blank))
        return pd.DataFrame({"probability": probability, "probability_low": low, "probability_high": high})


set_model(LeadScorer())
