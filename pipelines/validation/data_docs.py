"""Data Docs of a project that stand alone: the library's pages without the scripts and styles it loads from afar."""

import shutil
from pathlib import Path

from pipelines.validation.library import great_expectations
from pipelines.workspace.atomic_files import stage_dir

_VIEWS = "pipelines.validation.data_docs_views"
_RENDERERS = {
    "expectations": ("expectations_store", "ExpectationSuitePageRenderer"),
    "validations": ("validation_results_store", "ValidationResultsPageRenderer"),
}


def build_data_docs(project: Path, site: Path) -> Path:
    """Build the site of a project anew, as a whole or not at all; returns its first page.

    The library's own site builder renders each suite and each result; only its page frames are ours, as its own fetch
    twenty files from five hosts.
    """
    gx = great_expectations()
    from great_expectations.render.renderer.site_builder import SiteBuilder

    context = gx.get_context(mode="file", context_root_dir=str(project))
    with stage_dir(site) as out:
        builder = SiteBuilder(
            data_context=context,
            site_name=project.parent.name,
            store_backend={"class_name": "TupleFilesystemStoreBackend", "base_directory": str(out.resolve())},
            show_how_to_buttons=False,
            site_index_builder={
                "class_name": "DefaultSiteIndexBuilder",
                "view": {"module_name": _VIEWS, "class_name": "IndexView"},
            },
            site_section_builders={
                name: {
                    "class_name": "DefaultSiteSectionBuilder",
                    "source_store_name": store,
                    "renderer": {"class_name": renderer},
                    "view": {"module_name": _VIEWS, "class_name": "PageView"},
                }
                for name, (store, renderer) in _RENDERERS.items()
            }
            | {"profiling": "None"},
        )
        builder.build()
        shutil.rmtree(out / "static")  # 4 MB of pictures and fonts that no page refers to
    return site / "index.html"
