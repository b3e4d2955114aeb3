"""Names that runs, versions and aliases go by in MLflow."""

SERVER = "MLFLOW_TRACKING_URI"
CHAMPION, CHALLENGER = "champion", "challenger"
HASH_TAG = "bundle_hash"
BUNDLE = "artifacts/bundle"  # where a model version holds it
PLACE_TAG = "leadscore.place"  # of the data directory whose processes began a run


def model_name(source: str) -> str:
    """Name of a source's registered model."""
    return f"leadscore-{source}"
