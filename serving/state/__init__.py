"""What the server holds in memory: model, lead data, ranked worklist."""
