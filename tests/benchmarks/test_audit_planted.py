"""Planted leaks with meaningless names, of presence and of absence, are found, and honest columns are left alone."""

from tests.benchmarks.bench_audit import HOSTS, host, judge


def test_planted_leaks_are_found_without_false_alarms() -> None:
    n, base, ordered = HOSTS[0]
    result = judge(*host(n, base, 3), ordered, 5)
    assert result["false_leaks"] == []
    assert len(result["false_suspects"]) <= 1  # type: ignore[arg-type]
    found = list(result["caught"].values())  # type: ignore[attr-defined]
    assert found.count("leak") >= 8
    assert found.count("missed") <= 1
    assert set(result["caught_lost"].values()) == {"leak"}  # type: ignore[attr-defined]
    assert len(result["caught_absent"]) == 10  # type: ignore[arg-type]
    assert set(result["caught_absent"].values()) == {"leak"}  # type: ignore[attr-defined]
    assert result["false_links"] == []


def test_a_date_of_the_close_is_found_in_rows_without_an_order() -> None:
    n, base, ordered = HOSTS[3]
    result = judge(*host(n, base, 14), ordered, 5)
    assert result["false_leaks"] == result["false_suspects"] == []
    caught = result["caught"]
    assert caught["written at close"] == "leak"  # type: ignore[index]
    assert "missed" not in caught.values()  # type: ignore[attr-defined]
