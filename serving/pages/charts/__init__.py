"""Geometry of charts that are inline SVG: places in per cent, so that text keeps its size at every width."""
