"""Who may do what: API keys, single sign-on, scopes of a request."""
