"""Manual point rules: schema, checks, ledger, and their YAML and CSV forms."""
