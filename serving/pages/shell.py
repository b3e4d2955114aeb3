"""The frame of every page: which pages there are, in the order of the rail."""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.routing import APIRoute


@dataclass(frozen=True)
class PageLink:
    """A page in the rail: its address, its name (translated where it is shown) and its icon."""

    href: str
    title: str
    icon: str

    def is_open_at(self, path: str) -> bool:
        """Whether the page, or one below it, is the one at this path."""
        below = _BELOW.get(self.href, (self.href,))
        return path == self.href or path in below or any(path.startswith(f"{part}/") for part in below)


@dataclass(frozen=True)
class PageGroup:
    """Pages under one heading of the rail."""

    title: str
    pages: tuple[PageLink, ...]


_BELOW = {"/": (), "/worklist": ("/worklist", "/leads", "/short"), "/find": ("/find",)}
GROUPS = (
    PageGroup(
        "Work",
        (
            PageLink("/", "Home", "home"),
            PageLink("/worklist", "Worklist", "list"),
            PageLink("/find", "Find anybody", "search"),
            PageLink("/accounts", "Accounts", "team"),
            PageLink("/expansion", "Customers", "growth"),
            PageLink("/team", "Team", "team"),
        ),
    ),
    PageGroup(
        "Improve",
        (
            PageLink("/rubric", "Rubric", "rubric"),
            PageLink("/thresholds", "Thresholds", "threshold"),
            PageLink("/model", "Model", "model"),
            PageLink("/process", "Process", "flow"),
        ),
    ),
    PageGroup(
        "Data and help",
        (
            PageLink("/setup", "Load data", "data"),
            PageLink("/help", "Help", "book"),
            PageLink("/docs", "API", "code"),
        ),
    ),
)


def collect_navigation(routers: Iterable[APIRouter]) -> list[PageGroup]:
    """Groups of the pages that these routers have."""
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    there = {route.path for route in routes}
    groups = [PageGroup(group.title, tuple(p for p in group.pages if p.href in there)) for group in GROUPS]
    return [group for group in groups if group.pages]
