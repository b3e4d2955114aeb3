"""The gate between challenger and champion."""
