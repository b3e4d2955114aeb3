"""The leak audit, one module per finding code."""
