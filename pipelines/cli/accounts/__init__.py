"""Commands on accounts and the people behind them."""
