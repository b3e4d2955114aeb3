"""YAML from strangers: what multiplies by aliases or nests without end is refused at once, with its line."""

import itertools

import pytest

from features.schema.yaml_lines import YamlTextError, read_yaml


def laughs(levels: int = 9) -> str:
    """Each line nine times the one before."""
    names = "abcdefghijkl"[:levels]
    first = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    return first + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in itertools.pairwise(names))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (laughs(), "aliases make this too large"),
        ("a: &a [*a]\n", "aliases make this too large"),
        ("a: &a {b: *a}\n", "aliases make this too large"),
        ("x: 1\ny: " + "[" * 5_000 + "]" * 5_000, "line 2: nested more than 50 levels deep"),
        ("- " * 60 + "x", "nested more than 50 levels deep"),
    ],
)
def test_what_never_ends_is_refused(text: str, told: str) -> None:
    with pytest.raises(YamlTextError, match=told):
        read_yaml(text)


def test_aliases_and_depth_that_somebody_would_write_are_read() -> None:
    read = read_yaml("points: &p {demo: 10}\nmore:\n  - *p\n  - *p\n")
    assert read.data["more"] == [{"demo": 10}, {"demo": 10}]
    assert read.line(("more", 1)) == 1, "a value stands where it was written"
    deep = "".join(f"{'  ' * k}k{k}:\n" for k in range(40)) + "  " * 40 + "x: 1\n"
    assert read_yaml(deep).line((*(f"k{k}" for k in range(40)), "x")) == 41
