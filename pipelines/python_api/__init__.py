"""What the command line does, as functions: read, features at a moment, labels, audit, train, score, explain, judge."""
