"""Page frames of Data Docs that fetch nothing and run nothing; loaded by the library's site builder, by name."""

import html
from typing import Any

from great_expectations.render.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import ChoiceLoader, PackageLoader, pass_context


class _StandsAlone:
    """Our frames before the library's, and texts of files shown as texts.

    The library hands a cell that is a plain text on as markup, so that an unexpected value could bring its own.
    """

    env: Any

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.env.loader = ChoiceLoader([PackageLoader("pipelines.validation", "data_docs_pages"), self.env.loader])
        self.env.filters["render_content_block"] = self.render_content_block

    @pass_context
    def render_content_block(
        self, context: Any, content_block: Any, index: Any = None, content_block_id: Any = None, **more: Any
    ) -> Any:
        """One block as HTML; texts are escaped, blocks are the library's."""
        if isinstance(content_block, str):
            return html.escape(content_block, quote=False)
        if isinstance(content_block, list):
            parts = (self.render_content_block(context, one, index, content_block_id) for one in content_block)
            return "".join(f"<span>{part}</span> " for part in parts if part is not None)
        return super().render_content_block(context, content_block, index, content_block_id, **more)  # type: ignore[misc]


class PageView(_StandsAlone, DefaultJinjaPageView):
    """A suite or a result."""


class IndexView(_StandsAlone, DefaultJinjaIndexPageView):
    """The first page."""
