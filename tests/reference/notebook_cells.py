"""Notebooks run in this process, cell by cell, with parameters of a test: what a kernel does, without starting one."""

import ast
import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

PARAMETERS = "parameters"


def code_cells(path: Path) -> list[Any]:
    """The code cells of a notebook, in order."""
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def is_parameters(cell: Any) -> bool:
    """Whether a cell is the one whose names may be given from outside."""
    return PARAMETERS in cell.metadata.get("tags", ())


def run_cells(path: Path, parameters: Mapping[str, Any]) -> str:
    """Run a notebook from top to bottom; returns what it printed and what its cells end with.

    Pictures are drawn and closed, frames are told in full, and what a notebook sets for pandas ends with it. What
    stands in the cell of parameters is replaced by ``parameters``, which must be names of that cell.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names: dict[str, Any] = {"__name__": "__main__"}
    told = io.StringIO()
    shown = ("display.width", 400, "display.max_columns", None, "display.max_colwidth", 50)
    with pd.option_context(*shown), contextlib.redirect_stdout(told):
        for cell in code_cells(path):
            body = ast.parse(cell.source, filename=path.name).body
            last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
            exec(compile(ast.Module(body, []), path.name, "exec"), names)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), path.name, "eval"), names)
                told.write("" if value is None else f"{value}\n")
            if is_parameters(cell):
                assert set(parameters) <= set(names), set(parameters) - set(names)
                names |= parameters
            for number in plt.get_fignums():
                plt.figure(number).canvas.draw()
            plt.close("all")
    return told.getvalue()
