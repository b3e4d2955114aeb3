"""Drafts of rubrics that people keep on the server: one each, until it is adopted or discarded."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from features.rubric.draft import next_version
from pipelines.workspace.atomic_files import read_json, write_text
from pipelines.workspace.private_files import make_folder
from serving.auth.api_keys import Caller
from serving.state.app_state import AppState
from serving.store.wall_clock import wall_now

_FOLDER = "rubric_drafts"
LONGEST = 200_000  # characters of a draft as JSON


@dataclass(frozen=True, kw_only=True)
class StoredDraft:
    """A draft: whose it is, its keys (:mod:`features.rubric.draft`), the rubric that was in use when it began (its name
    and version, empty where there was none), and when it changed.
    """

    author: str
    content: dict[str, Any]
    based_on: str
    changed_at: str


def read_draft(app_state: AppState, caller: Caller) -> StoredDraft | None:
    """Somebody's draft, None where there is none.

    One whose number another rubric took meanwhile, as drafts of two people begin with the same, has the next one.
    """
    file = _file(app_state, caller)
    if not file.exists():
        return None
    draft = StoredDraft(**read_json(file))
    taken = [version.rubric.version for version in app_state.find_decided().rubrics.versions]
    if draft.content.get("version", "1") not in taken:
        return draft
    return replace(draft, content=draft.content | {"version": next_version(taken)})


def save_draft(app_state: AppState, caller: Caller, content: dict[str, Any], based_on: str) -> StoredDraft:
    """Keep a draft in place of the one before."""
    draft = StoredDraft(author=caller.name, content=content, based_on=based_on, changed_at=wall_now().isoformat())
    file = _file(app_state, caller)
    make_folder(file.parent)
    write_text(file, json.dumps(asdict(draft), ensure_ascii=False))  # unsorted: the first pattern that fits counts
    return draft


def discard_draft(app_state: AppState, caller: Caller) -> None:
    """Forget a draft."""
    _file(app_state, caller).unlink(missing_ok=True)


def is_too_long(content: dict[str, Any]) -> bool:
    """Whether a draft is larger than any rubric that people can read."""
    return len(json.dumps(content)) > LONGEST


def _file(app_state: AppState, caller: Caller) -> Path:
    """By identity, as several keys may have one name; an identity may hold any sign, the file's name does not."""
    name = hashlib.sha256(caller.identity.encode()).hexdigest()[:24]
    return app_state.folder / _FOLDER / f"{name}.json"
