"""Backtest, candidate selection, signal test and the final test block."""
