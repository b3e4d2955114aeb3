"""Checks of the leak audit, one file each: a check reads rows and returns findings, or none."""
