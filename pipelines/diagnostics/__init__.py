"""Figures about a run: monitor, lifecycle, explanation fidelity, peers, throughput."""
