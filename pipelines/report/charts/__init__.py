"""Charts as records, bound to plotly for pages and to matplotlib for MLflow."""
