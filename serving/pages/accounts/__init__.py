"""The pages of accounts: one account as a whole, customers with interest in more, and the search for anybody."""
