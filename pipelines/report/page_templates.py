"""Templates of pages that are written once: everything is escaped, and an unknown name is an error."""

from functools import cache
from typing import Any

from pipelines.report.formatting import FILTERS


@cache
def open_template(package: str, name: str) -> Any:
    """A template in the ``templates`` of a package, with the filters of the report."""
    # imported with the first page: most commands write none
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment.get_template(name)
