"""Exact path-dependent Shapley values of tree ensembles (TreeSHAP), of any depth."""

from models.explaining.treeshap.explainer import TreeShap, UnsupportedError

__all__ = ["TreeShap", "UnsupportedError"]
