"""A result of the run that is damaged or being made anew takes its part of a page, not the page."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.workspace.atomic_files import closed_error
from tests.reference.serving import client_for

PAGES = ("/", "/?role=manager", "/?role=scientist", "/?role=marketer", "/model", "/team", "/worklist", "/rubric")
HTML = {"accept": "text/html"}
FILES = ("evaluate/evaluation.json", "thresholds/comparison.json", "train/train.json")


def test_pages_stay_and_say_which_file_is_damaged(tiny_copy: Any, tmp_path: Path) -> None:
    with client_for(tiny_copy, tmp_path / "state") as client:
        for name in FILES:
            file = tiny_copy.context.paths.root / name
            held = file.read_text(encoding="utf-8")
            for path in PAGES:
                file.write_text("{", encoding="utf-8")
                damaged = client.get(path, headers=HTML)
                assert damaged.status_code == 200 and f"{name} is damaged" in damaged.text, (name, path)
                file.unlink()
                away = client.get(path, headers=HTML)
                assert away.status_code == 200 and "is damaged" not in away.text, (name, path)
            file.write_text("{", encoding="utf-8")
            assert f"{name} is damaged" in client.get("/v1/model").json()["unreadable"]
            file.write_text(held, encoding="utf-8")
            assert client.get("/v1/model").json()["unreadable"] == ""
            assert "is damaged" not in client.get("/model", headers=HTML).text


def test_the_comparison_itself_is_refused_where_it_is_damaged_and_unknown_where_it_is_missing(
    tiny_copy: Any, tmp_path: Path
) -> None:
    file = tiny_copy.context.paths.root / "thresholds" / "comparison.json"
    with client_for(tiny_copy, tmp_path / "state") as client:
        file.write_text("{", encoding="utf-8")
        answer = client.get("/v1/thresholds")
        assert answer.status_code == 422 and "comparison.json is damaged" in answer.json()["detail"]
        file.unlink()
        assert client.get("/v1/thresholds").status_code == 404
        assert client.get("/thresholds", headers=HTML).status_code == 200


def test_a_file_may_be_read_once_somebody_lets_us_in_and_a_closed_folder_takes_no_page(
    tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = PermissionError(13, "Permission denied")
    with client_for(tiny_copy, tmp_path / "state") as client:
        with monkeypatch.context() as closed:
            closed.setattr(EvaluationRecord, "read_if_any", Mock(side_effect=closed_error(Path("evaluation.json"))))
            assert "evaluation.json may not be read" in client.get("/worklist", headers=HTML).text
        assert "may not be read" not in client.get("/worklist", headers=HTML).text, "its time is what it was"
        with monkeypatch.context() as closed:
            closed.setattr(EvaluationRecord, "exists", Mock(side_effect=refused))
            touched = EvaluationRecord.path(tiny_copy.context.paths)
            touched.write_bytes(touched.read_bytes())
            answer = client.get("/worklist", headers=HTML)
            assert answer.status_code == 200 and "evaluation.json may not be read" in answer.text
