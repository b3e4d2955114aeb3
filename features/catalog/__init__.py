"""The catalog: every feature of a source as a frozen declaration."""
