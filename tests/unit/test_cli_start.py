"""The command line starts fast and explains itself."""

import subprocess
import sys

import pytest
import typer

from pipelines.cli.main import app

HEAVY = {"numpy", "pandas", "numba", "sklearn", "lightgbm", "mlflow", "great_expectations", "shap", "plotly", "duckdb"}


def commands() -> dict[str, typer.main.TyperGroup]:
    """Every command, the nested ones with a space."""
    group = typer.main.get_command(app)
    found = {}
    for name, command in group.commands.items():
        nested = getattr(command, "commands", None)
        found |= {f"{name} {inner}": c for inner, c in (nested or {}).items()}
        if not nested or command.invoke_without_command:
            found[name] = command
    return found


def test_nothing_heavy_is_imported_to_start() -> None:
    code = "import sys, pipelines.cli.main; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & HEAVY == set()


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_says_what_it_does_and_takes_debug(name: str) -> None:
    command = commands()[name]
    assert command.help and command.help.strip().endswith((".", ")"))
    options = {flag for parameter in command.params for flag in parameter.opts}
    assert "--debug" in options
    assert "--json" in options or name == "serve"
    assert all(getattr(p, "help", "") or p.name in ("lead_id", "help") for p in command.params)


def test_the_verbs_of_the_design_are_there() -> None:
    from pipelines.stages.stage_table import STAGES

    words = [
        "init",
        "run",
        "score",
        "explain",
        "compare",
        "promote",
        "rollback",
        "champion",
        "monitor",
        "serve",
        "bench",
        "frameworks",
    ]
    assert {*STAGES, *words, "data get"} <= set(commands())
