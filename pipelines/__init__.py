"""Every side effect: ingest, validate, train, compare, report, track, command line."""
