"""What is worked out beside requests: cancelled work is underway again, failures are neither kept nor hidden."""

import threading
import time
from typing import Any

import pytest

from serving.state.result_cache import ResultCache

PATIENCE = 20.0  # seconds, of which none pass where all is well


def test_who_waits_for_work_that_another_begins_anew_is_told_that_it_is_underway() -> None:
    cache, enough, told = ResultCache(), threading.Event(), list[Any]()
    cache.begin("first", 0, lambda: enough.wait(PATIENCE), patience=0.0)
    waiting = threading.Thread(target=lambda: told.append(cache.begin("page", 1, lambda: "old", patience=PATIENCE)))
    waiting.start()
    while not cache.is_begun("page", 1):
        time.sleep(0.01)
    cache.begin("page", 2, lambda: "new", patience=0.0)
    waiting.join(PATIENCE)
    enough.set()
    assert told[0].underway
    assert cache.begin("page", 2, lambda: "other", patience=PATIENCE).value == "new"


def test_a_fault_is_told_once_and_tried_again() -> None:
    cache = ResultCache()

    def fail() -> str:
        raise RuntimeError("the store is away")

    with pytest.raises(RuntimeError, match="away"):
        cache.begin("page", 1, fail, patience=PATIENCE)
    assert cache.begin("page", 1, lambda: "there", patience=PATIENCE).value == "there"


def test_what_cannot_be_renewed_is_logged_and_rests(capsys: pytest.CaptureFixture[str]) -> None:
    cache, tries = ResultCache(), list[int]()
    cache.get("counts", 1, lambda: 5)

    def fail() -> None:
        tries.append(1)
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass
        raise RuntimeError("a row nobody expected")

    cache.renew("counts", 2, fail)
    cache.begin("after it", 0, lambda: True, patience=PATIENCE)
    cache.renew("counts", 2, fail)
    cache.begin("after that", 0, lambda: True, patience=PATIENCE)
    assert tries == [1] and "not renewed" in capsys.readouterr().err
    kept = cache.last("counts")
    assert kept is not None and kept.value == 5


def test_a_server_that_ends_drops_what_waits_beside_its_requests() -> None:
    cache, begun, enough, done = ResultCache(), threading.Event(), threading.Event(), list[str]()

    def work() -> str:
        begun.set()
        enough.wait(PATIENCE)
        done.append("first")
        return "first"

    cache.begin("first", 0, work, patience=0.0)
    cache.begin("second", 0, lambda: done.append("second"), patience=0.0)
    cache.renew("third", 0, lambda: done.append("third"))
    assert begun.wait(PATIENCE)
    cache.close()
    assert cache.begin("fourth", 0, lambda: done.append("fourth"), patience=0.0).underway
    cache.renew("fifth", 0, lambda: done.append("fifth"))
    enough.set()
    assert cache.begin("first", 0, work, patience=PATIENCE).value == "first"
    cache._worker.shutdown(wait=True)
    assert done == ["first"]
