"""From contributions to points, reasons, evidence and questions."""
