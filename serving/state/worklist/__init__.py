"""The ranked worklist in memory: what is asked of it, its columns, its order and its pages."""
