"""The ideal customer and the personas, as declared: who fits, who does not, and why, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ConfigDict, Field, model_validator

from features.array_types import Bools, Texts
from features.assembly.frameless_rows import PlainRows, Values, missing_in, objects
from features.catalog.families.job_titles import JobFunction, Seniority
from features.catalog.feature import Catalog
from features.errors import PolicyError
from features.schema.columns import TypedNumbers
from features.schema.operations import ColumnValue
from features.schema.source import Name


class PolicyModel(TypedNumbers):
    """Base of everything a policy declares: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Trait(PolicyModel):
    """What one attribute of an ideal customer is: one of some values, or a number in a range (ends included)."""

    attribute: Name = Field(description="feature, as leadscore features lists it")
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _sensible(self) -> "Trait":
        ranged = self.minimum is not None or self.maximum is not None
        if bool(self.values) == ranged:
            raise ValueError(f"trait '{self.attribute}' needs either values or a range")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"trait '{self.attribute}': minimum {self.minimum:g} is above maximum {self.maximum:g}")
        return self

    @property
    def words(self) -> str:
        """What is asked for, in words."""
        if self.values:
            return " or ".join(self.values)
        if self.minimum is None:
            return f"at most {self.maximum:,g}"
        return f"at least {self.minimum:,g}" if self.maximum is None else f"{self.minimum:,g} to {self.maximum:,g}"

    def holds(self, column: pd.Series) -> tuple[Bools, Bools]:
        """Rows the trait holds for, and rows whose value is known at all."""
        known = column.notna().to_numpy()
        if self.values:
            wanted = {value.casefold() for value in self.values}
            return known & column.astype("str").str.casefold().isin(wanted).to_numpy(dtype=bool, na_value=False), known
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        low = -np.inf if self.minimum is None else self.minimum
        high = np.inf if self.maximum is None else self.maximum
        return (numbers >= low) & (numbers <= high), np.isfinite(numbers)

    def holds_in(self, values: Values) -> Bools:
        """Rows the trait holds for."""
        if isinstance(values, PlainRows):
            found = objects(values, self.attribute).tolist()
            known = (~missing_in(values, self.attribute)).tolist()
            return np.array(
                [yes and self.holds_for(one) for yes, one in zip(known, found, strict=True)], dtype=np.bool_
            )
        return self.holds(values[self.attribute])[0]

    def holds_for(self, value: Any) -> bool:
        """:meth:`holds` of one known value."""
        if self.values:
            return str(value).casefold() in {text.casefold() for text in self.values}
        low = -np.inf if self.minimum is None else self.minimum
        high = np.inf if self.maximum is None else self.maximum
        return bool(low <= float(value) <= high)


class Exclusion(Trait):
    """Who is not a customer, whatever else speaks for them; a proposal for a person to confirm."""

    reason: Name


class Persona(PolicyModel):
    """A kind of person in the buying committee: by title, by the company they work for, by what they do; all must hold.

    A trait whose value is not known does not hold.
    """

    name: str = Field(min_length=1)
    seniority: tuple[Seniority, ...] = ()
    function: tuple[JobFunction, ...] = ()
    traits: tuple[Trait, ...] = Field(default=(), description="industry, size and the like: features of attributes")
    behaviour: tuple[Trait, ...] = Field(default=(), description="what they do: features of engagement, in a range")

    @model_validator(mode="after")
    def _says_something(self) -> "Persona":
        if not self.seniority and not self.function and not self.asks_features:
            raise ValueError(f"persona '{self.name}' needs a seniority, a function, traits or a behaviour")
        return self

    @property
    def asks_features(self) -> tuple[Trait, ...]:
        """What it asks beyond the title."""
        return (*self.traits, *self.behaviour)


class Profile(PolicyModel):
    """The ideal customer profile; empty where none is declared."""

    ideal: tuple[Trait, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    personas: tuple[Persona, ...] = ()

    def check(self, catalog: Catalog) -> None:
        """PolicyError if the profile uses attributes that the source does not declare."""
        of_personas = (trait for persona in self.personas for trait in persona.asks_features)
        asked = dict.fromkeys(trait.attribute for trait in (*self.ideal, *self.exclusions, *of_personas))
        unknown = [f"'{name}'" for name in asked if name not in catalog.names]
        if unknown:
            known = ", ".join(f.name for f in catalog if f.family in ("attributes", "titles"))
            what = "which is not a feature" if len(unknown) == 1 else "which are no features"
            raise PolicyError(
                f"the profile uses {', '.join(unknown)}, {what} of this source. Known: {known}. "
                "Take those traits out of the policy, or declare their columns as features."
            )

    def exclusion_reasons(self, values: Values) -> Texts:
        """Per row the reason of the first exclusion that holds, '' if none."""
        found = np.full(len(values), "", dtype=object)
        for item in self.exclusions:
            found[item.holds_in(values) & (found == "")] = item.reason
        return found

    def persona(self, values: pd.DataFrame, catalog: Catalog) -> Texts:
        """Per row the first persona that fits title, company and behaviour; '' if none does."""
        found = np.full(len(values), "", dtype=object)
        read = {what: _read_titles(values, catalog, what) for what in ("seniority", "function")}
        for item in self.personas:
            mask = found == ""
            for what, wanted in (("seniority", item.seniority), ("function", item.function)):
                if wanted:
                    mask &= np.isin(read[what], [str(one) for one in wanted])
            for trait in item.asks_features:
                mask &= trait.holds(values[trait.attribute])[0]
            found[mask] = item.name
        return found

    def persona_of(self, values: Mapping[str, Any], catalog: Catalog) -> str:
        """:meth:`persona` of one row."""
        read = {what: values.get(name) for what, name in _title_columns(catalog).items()}
        for item in self.personas:
            asked = (("seniority", item.seniority), ("function", item.function))
            titled = all(read.get(what) in {str(one) for one in wanted} for what, wanted in asked if wanted)
            if titled and all(_holds_for_known(trait, values.get(trait.attribute)) for trait in item.asks_features):
                return item.name
        return ""

    def mismatches(self, values: Mapping[str, Any], catalog: Catalog) -> tuple[list[str], list[str]]:
        """Of one row: what does not fit the ideal customer, in words, and the attributes that are not known."""
        wrong, unknown = [], []
        for trait in self.ideal:
            name, value = label_of(trait.attribute, catalog), values[trait.attribute]
            if value is None or pd.isna(value):
                unknown.append(name)
            elif not trait.holds_for(value):
                wrong.append(
                    f"{name} is {_format_value(values[trait.attribute])}; the ideal customer has {trait.words}"
                )
        return wrong, unknown


def label_of(attribute: str, catalog: Catalog) -> str:
    """An attribute's name for people to read."""
    return catalog[attribute].label or attribute.replace("_", " ")


def contradictions(profile: Profile) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where the profile asks for what it excludes: path in the document, and what to do."""
    for k, item in enumerate(profile.exclusions):
        for trait in profile.ideal:
            both = sorted(set(trait.values) & set(item.values)) if trait.attribute == item.attribute else []
            if both:
                yield (
                    ("profile", "exclusions", k),
                    f"'{item.attribute}' of {', '.join(both)} is both ideal and excluded; remove it from one list.",
                )
    names = [persona.name for persona in profile.personas]
    for k, name in enumerate(names):
        if name in names[:k]:
            yield ("profile", "personas", k), f"persona '{name}' appears twice; give each its own name."


def _title_columns(catalog: Catalog) -> dict[str, str]:
    """The columns that titles were read into, by what was read."""
    found: dict[str, str] = {}
    for feature in catalog.of_family("titles"):
        if isinstance(feature.params, ColumnValue) and feature.params.derive is not None:
            found.setdefault(feature.params.derive, feature.name)
    return found


def _read_titles(values: pd.DataFrame, catalog: Catalog, what: str) -> Texts:
    """The seniority or function read from each row's title, '' where none is known."""
    name = _title_columns(catalog).get(what)
    if name is None:
        return np.full(len(values), "", dtype=object)
    return values[name].astype("object").where(values[name].notna(), "").to_numpy()


def _holds_for_known(trait: Trait, value: Any) -> bool:
    return value is not None and not pd.isna(value) and trait.holds_for(value)


def _format_value(value: Any) -> str:
    """A value as people write it: numbers grouped."""
    return f"{value:,g}" if isinstance(value, int | float) else str(value)
