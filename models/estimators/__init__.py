"""The models as scikit-learn estimators: frames in, probabilities out."""
