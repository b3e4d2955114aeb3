"""The rubric page: rules as rows that people change, a draft, its replay, and its adoption."""
