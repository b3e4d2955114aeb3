"""Whether the server can do its work, asked without waiting for anybody who works."""
