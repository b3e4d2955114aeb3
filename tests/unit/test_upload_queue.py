"""A queue of uploads that ends leaves no process behind."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from serving.leads import upload_queue


def test_a_process_that_begins_while_the_server_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = SimpleNamespace(writing=lambda: nullcontext(Mock()))
    queue = upload_queue.UploadQueue(SimpleNamespace(store=store))  # type: ignore[arg-type]
    reader, scorer = Mock(), Mock()

    def score(_: Any, __: Any, started: Any) -> None:
        started(reader)
        assert not reader.kill.called
        queue.close()
        started(scorer)

    monkeypatch.setattr(upload_queue, "score_upload", score)
    queue._run(SimpleNamespace(id="1", taken_by="us"))  # type: ignore[arg-type]
    assert reader.kill.called and scorer.kill.called
