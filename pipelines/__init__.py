"""Every side effect: ingest, validate, train, compare, report, track, command line.

Stages talk to each other through files. What a file holds is a typed value of :mod:`pipelines.artifacts`, with one
reader and one writer; where it lies is said by :mod:`pipelines.workspace`.
"""
