"""Accounts: the buying committee, customers and the products they own or ask about, and one account as a whole."""
