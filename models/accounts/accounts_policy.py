"""Accounts as a declaration: the seats of the buying committee, and which acts speak of which product."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, model_validator

from features.catalog.families.job_titles import JobFunction, Seniority
from features.errors import PolicyError
from features.schema.policy_yaml import list_problems, read_policy_file, validate_policy
from features.schema.source import Name, Source
from features.schema.vocabulary import Dimension, Topic
from models.explaining.profile import PolicyModel
from models.explaining.qualification_policy import SalesStage


class TitleRule(PolicyModel):
    """What a job title must say; everything named must hold."""

    seniority: tuple[Seniority, ...] = ()
    function: tuple[JobFunction, ...] = ()
    words: str = Field(
        default="", description="words of the title, without accents, divided by |; a trailing * matches any ending"
    )

    without: str = Field(default="", description="words, written like `words`, that a title must not have")

    @model_validator(mode="after")
    def _says_something(self) -> "TitleRule":
        if not self.seniority and not self.function and not self.words:
            raise ValueError("a rule on titles needs a seniority, a function or words")
        return self


class AnswerRule(PolicyModel):
    """What somebody must have answered: values of one question, or whether an answer on a topic meets its rule."""

    question: str | None = None
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    topic: Topic | None = None
    met: bool = True

    @model_validator(mode="after")
    def _sensible(self) -> "AnswerRule":
        ranged = self.minimum is not None or self.maximum is not None
        if (self.question is None) == (self.topic is None):
            raise ValueError("a rule on answers needs either a question or a topic")
        if self.question is not None and bool(self.values) == ranged:
            raise ValueError(f"the rule on question '{self.question}' needs either values or a range")
        return self


class ActRule(PolicyModel):
    """What somebody must have done, and how often within how many days."""

    kinds: tuple[str, ...] = ()
    assets: tuple[str, ...] = Field(default=(), description="assets, exact or glob")
    dimension: Dimension | None = None
    against: bool = Field(default=False, description="kinds declared with direction -1, such as unsubscribing")
    at_least: int = Field(default=1, ge=1)
    within_days: float = Field(default=90.0, gt=0, le=3650)

    @model_validator(mode="after")
    def _says_something(self) -> "ActRule":
        if not self.kinds and not self.assets and self.dimension is None and not self.against:
            raise ValueError("a rule on activities needs kinds, assets, a dimension or 'against'")
        return self


class Seat(PolicyModel):
    """A seat of the buying committee and how its holder is recognised.

    What somebody says goes before the title, the title before what somebody does: an answer of ``denied_by`` takes a
    person off the seat, whatever the title says.
    """

    id: Name
    label: str = Field(min_length=1)
    meaning: str = ""
    wanted: bool = Field(default=True, description="whether it is missed where nobody holds it")
    needed_from: SalesStage | None = Field(
        default=None, description="stage with sales from which naming the missing seat is the next step"
    )
    titles: tuple[TitleRule, ...] = ()
    answers: tuple[AnswerRule, ...] = ()
    denied_by: tuple[AnswerRule, ...] = ()
    acts: tuple[ActRule, ...] = ()

    @model_validator(mode="after")
    def _can_be_held(self) -> "Seat":
        if not self.titles and not self.answers and not self.acts:
            raise ValueError(f"nobody can be recognised on seat '{self.id}': give it titles, answers or acts")
        if self.needed_from is not None and not self.wanted:
            raise ValueError(f"seat '{self.id}' is not wanted, so no stage can need it; leave needed_from out")
        return self


class ProductSigns(PolicyModel):
    """Which acts and answers speak of a product."""

    label: str = ""
    signs: tuple[ActRule, ...] = ()
    answers: tuple[AnswerRule, ...] = ()


class AccountsPolicy(PolicyModel):
    """Seats of the buying committee, and products. See docs/accounts.md."""

    name: Name
    version: str = "1"
    agreed_by: tuple[str, ...] = ()
    seats: tuple[Seat, ...] = Field(min_length=1)
    engaged_days: float = Field(default=90.0, gt=0, le=3650, description="who acted within them is active")
    products: dict[str, ProductSigns] = Field(
        default_factory=dict, description="product, as outcomes name it, to what speaks of it"
    )
    least_wins_per_product: int = Field(
        default=40, ge=10, description="a product with fewer wins on record gets no score of its own"
    )

    @property
    def wanted(self) -> tuple[Seat, ...]:
        """Seats that are missed where nobody holds them."""
        return tuple(seat for seat in self.seats if seat.wanted)


def parse_accounts(text: str, source: Source, *, where: str = "accounts policy") -> AccountsPolicy:
    """Accounts policy of a YAML text; a PolicyError names the line of everything the source does not know."""
    policy, document = validate_policy(text, AccountsPolicy, where)
    problems = [f"line {document.line(path)}: {message}" for path, message in _contradictions(policy, source)]
    if problems:
        raise PolicyError(list_problems(where, problems))
    return policy


def load_accounts(path: Path, source: Source) -> AccountsPolicy:
    """Accounts policy of a YAML file."""
    return parse_accounts(read_policy_file(path, "accounts policy"), source, where=path.name)


_Place = tuple[str | int, ...]  # of a key in the document


def _contradictions(policy: AccountsPolicy, source: Source) -> Iterator[tuple[_Place, str]]:
    ids = [seat.id for seat in policy.seats]
    for k, seat in enumerate(policy.seats):
        if seat.id in ids[:k]:
            yield ("seats", k, "id"), f"seat '{seat.id}' appears twice; give each its own id."
        for key, rules in (("answers", seat.answers), ("denied_by", seat.denied_by)):
            for n, rule in enumerate(rules):
                yield from _unknown_question(rule, source, ("seats", k, key, n))
        for n, act in enumerate(seat.acts):
            yield from _unknown_kinds(act, source, ("seats", k, "acts", n))

    outcomes = source.tables.get("outcomes")
    column = outcomes.columns.get("product") if outcomes is not None else None
    for name, signs in policy.products.items():
        if column is None:
            yield ("products", name), "the source's outcomes declare no 'product', so no product can be owned."
        elif column.values and name not in column.values:
            known = ", ".join(column.values)
            yield ("products", name), f"product '{name}' is not among those the source declares: {known}."
        for n, act in enumerate(signs.signs):
            yield from _unknown_kinds(act, source, ("products", name, "signs", n))
        for n, rule in enumerate(signs.answers):
            yield from _unknown_question(rule, source, ("products", name, "answers", n))


def _unknown_question(rule: AnswerRule, source: Source, path: _Place) -> Iterator[tuple[_Place, str]]:
    if rule.question is not None and rule.question not in source.questions:
        known = ", ".join(source.questions) or "none"
        yield path, f"question '{rule.question}' is not declared in the source; declared: {known}."


def _unknown_kinds(rule: ActRule, source: Source, path: _Place) -> Iterator[tuple[_Place, str]]:
    for kind in rule.kinds:
        if kind not in source.activity_kinds:
            known = ", ".join(source.activity_kinds) or "none"
            yield path, f"activity kind '{kind}' is not declared in the source; declared: {known}."
