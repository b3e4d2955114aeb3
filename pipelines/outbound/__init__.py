"""Connections that this product opens to other machines: where they may go, and how long they may take."""
