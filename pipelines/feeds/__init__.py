"""The feeds of a source: how they looked when a bundle was trained, and what is wrong with them now."""
