"""What the site is made of besides the pages in this folder: references from the code, and links that lead out of it.

The command line's reference is written from typer, the Python one by mkdocstrings from the docstrings of what
``leadscore`` offers. CONTRIBUTING, CHANGELOG and the page on data stand elsewhere in the repository and are taken in.
A link to code leads to the repository where ``repo_url`` names one; otherwise its text stays and the link goes.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
TAKEN_IN = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "data/README.md": "data.md"}
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)#\s]*)(#[^)\s]+)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages and those that stand elsewhere."""
    pages = {"reference/cli.md": cli_reference(), "reference/python.md": python_reference()}
    pages |= {there: (ROOT / here).read_text(encoding="utf-8") for here, there in TAKEN_IN.items()}
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Lead links out of the folder to the page that was made of it, to the repository, or nowhere."""
    here = {made: source for source, made in TAKEN_IN.items()}.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return relinked(markdown, here, page.file.src_uri, config.repo_url or "")


def relinked(markdown: str, here: str, page: str, repository: str) -> str:
    """Text of a page with its links as the site needs them.

    Parameters
    ----------
    here : the file's path in the repository
    page : its path in the site
    """

    def lead(match: re.Match[str]) -> str:
        shown, text, target, anchor = match.group(1), match.group(2), match.group(3), match.group(4) or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), target)) if target else here
        inside = TAKEN_IN.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
        if inside is not None:
            return f"{shown}[{text}]({posixpath.relpath(inside, posixpath.dirname(page) or '.')}{anchor})"
        return f"[{text}]({repository.rstrip('/')}/blob/main/{path}{anchor})" if repository else text

    return LINK.sub(lead, markdown)


def cli_reference() -> str:
    """Every command with its arguments and options, as the command line itself has them."""
    import typer

    from pipelines.cli.main import app

    lines = [
        "# Command line",
        "",
        "Written from the commands; `leadscore COMMAND --help` says the same. Exit statuses:",
    ]
    lines += ["[running](../running.md#what-it-prints-and-the-exit-status).", ""]
    for words, command in _commands(typer.main.get_command(app), ("leadscore",)):
        lines += [f"## {' '.join(words)}", "", " ".join((command.help or "").split()), ""]
        rows = [_parameter(one) for one in command.params if not getattr(one, "hidden", False)]
        rows = [row for row in rows if row is not None]
        if rows:
            lines += ["| | default | |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", {})
    if not inner or getattr(command, "invoke_without_command", False):
        yield words, command
    for name in sorted(inner):
        yield from _commands(inner[name], (*words, name))


def _parameter(one: Any) -> str | None:
    """A row of the table, None for the option that asks for help."""
    names = [*one.opts, *one.secondary_opts]
    if "--help" in names:
        return None
    if one.param_type_name == "argument":
        names = [getattr(one, "metavar", None) or one.name.upper()]
    default = "required" if one.required else "" if one.default in (None, False, ()) else f"`{_plain(one.default)}`"
    said = " ".join((getattr(one, "help", None) or "").split()).replace("|", "\\|")
    shown = ", ".join(f"`{name}`" for name in names)
    return f"| {shown} | {default} | {said} |"


def _plain(value: Any) -> str:
    return str(getattr(value, "value", value))


def python_reference() -> str:
    """The names of ``leadscore`` in the order of its own description, functions first; mkdocstrings fills them."""
    import leadscore

    names = list(leadscore.__all__)
    told = re.findall(r":(?:func|class):`(\w+)`", leadscore.__doc__ or "")
    ordered = [*dict.fromkeys(name for name in told if name in names), *(name for name in names if name not in told)]
    lines = ["# Python", "", "Written from the docstrings; how the calls go together: [from Python](../python.md).", ""]
    return "\n".join([*lines, *(f"::: leadscore.{name}\n" for name in ordered)])
