"""Synthetic B2B funnel with a known truth; see docs/demo.md."""

from pipelines.synth.write import generate_demo, write_demo

__all__ = ["generate_demo", "write_demo"]
