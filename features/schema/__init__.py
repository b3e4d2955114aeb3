"""The data contract and the source declaration that maps an export to it."""
