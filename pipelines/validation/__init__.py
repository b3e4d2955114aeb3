"""Great Expectations: suites, checkpoints, results and Data Docs of a source's tables, in a project of the library."""
