"""Readers of what is not delimited text: workbooks, JSON, Parquet, databases."""
