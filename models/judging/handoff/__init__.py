"""Policies of handing leads to sales, replayed on the same matured weeks."""
