"""What comes first in dates in digits, by all values of a column: the day, the month, or a year of two digits."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from pipelines.ingest.errors import AmbiguousDatesError

DateOrder = Literal["day", "month", "year"]

NUMERIC_DATE = r"^(\d{1,2})[./-](\d{1,2})[./-](\d{2}|\d{4})(?:[ T]+\d{1,2}:[\d:.]+(?: ?[AaPp][Mm])?)?$"
DATE_FORMS: dict[DateOrder, Sequence[str]] = {
    "day": ("%d{0}%m{0}%Y", "%d{0}%m{0}%y"),
    "month": ("%m{0}%d{0}%Y", "%m{0}%d{0}%y"),
    "year": ("%y{0}%m{0}%d",),
}
# Days of a month spread over 1 to 31, years of an export stand close together: so many more different values has the
# place of the days, at least, before that alone tells where they stand. Days on which periods start and end are the
# exception: of contracts that run until 31.12. it is the years that differ.
_SPREAD, _MORE = 1.5, 2
_FIXED_DAYS = (1, 15, 28, 29, 30, 31)
_SLIPS = 0.02  # share of dates that prove nothing against the others: typing errors
_TURNED = 8  # dates none of which has a day above 12: by chance once in a thousand such columns (0.4 ** 8)
_USUAL_YEARS = (15, 40)  # the years of which records of deals are
_CERTAIN = 8  # dates of which spread and years must say so before a known order is given up: by chance 0.5 ** 8


def find_order(
    dates: pd.DataFrame, texts: pd.Series, usual: DateOrder | None, *, dotted: bool = False, what: str
) -> tuple[DateOrder, str]:
    """What comes first in the dates of a column, and a sentence where that is to be told.

    Parameters
    ----------
    dates : the three numbers of each date
    texts : the dates as they are written
    usual : what comes first in the file trained on, or in the file's other columns
    dotted : whether dates with full stops showed the month first there

    Raises
    ------
    AmbiguousDatesError
        if the dates can be read in two ways, or some in one and some in another.
    """
    place = _place_of_years(dates, texts, usual)
    if place in ("both", "unclear"):
        signs = texts.str.contains("[/-]", regex=True).any()  # nobody puts the month before a full stop
        readings = ("day", "month", "year") if signs else ("day", "year")
        raise AmbiguousDatesError(what, str(texts.iloc[0]), readings=readings, holds_both=place == "both")
    if place == "first":
        unlike = "" if usual is None else ", unlike the file trained on or the other columns"
        told = "" if usual == "year" else f"dates such as {texts.iloc[0]} are read with the year first{unlike}."
        return "year", told
    return _day_or_month(dates, texts, None if usual == "year" else usual, dotted=dotted, what=what)


def show_month_before_stop(dates: pd.DataFrame, texts: pd.Series) -> bool:
    """Whether some of the dates have a full stop behind a month: 12.31.2025."""
    return bool((_are_months_first(dates) & _are_dotted(texts)).any())


def _place_of_years(
    dates: pd.DataFrame, texts: pd.Series, usual: DateOrder | None
) -> Literal["first", "last", "unclear", "both"]:
    """Where the years stand; ``last`` where no date could have one of two digits in front.

    What could be read in both ways is read as usual: a few dates of one night tell less than all that came before.
    """
    padded = texts.str.match(r"^\d\d\D\d\d?\D\d\d(?!\d)").fillna(False).astype(bool)
    first, middle, last = dates[0], dates[1], dates[2]
    year_first = padded & middle.between(1, 12) & last.between(1, 31)
    year_last = first.between(1, 31) & middle.between(1, 31) & ((first <= 12) | (middle <= 12))
    slips = _SLIPS * len(dates)
    proves_first, proves_last = (year_first & ~year_last).sum() > slips, (year_last & ~year_first).sum() > slips
    if proves_first or proves_last:
        return "both" if proves_first and proves_last else "first" if proves_first else "last"
    if not year_first.any():
        return "last"

    firsts, lasts = first[year_first], last[year_first]
    spread, years = _place_by_spread(firsts, lasts), _place_by_years(firsts, lasts)
    if usual is not None:
        certain = spread == years and len(firsts) >= _CERTAIN
        known: Literal["first", "last"] = "first" if usual == "year" else "last"
        return spread if certain and spread != "unclear" else known
    few, many = (firsts, lasts) if spread == "first" else (lasts, firsts)
    if spread == "unclear" or few.isin(_FIXED_DAYS).all():
        return years
    if years == "unclear" and few.nunique() == 1 and _follow_each_other(many):
        return "unclear"  # 25.01.24, 25.02.25, 25.03.26: days of one year, or the 25th of three
    return "unclear" if years not in ("unclear", spread) else spread


def _place_by_spread(firsts: pd.Series, lasts: pd.Series) -> Literal["first", "last", "unclear"]:
    """By which place has many more different values, as that of the days has."""
    few, many = sorted((firsts.nunique(), lasts.nunique()))
    if many < _SPREAD * few or many - few < _MORE:
        return "unclear"
    return "first" if lasts.nunique() == many else "last"


def _follow_each_other(numbers: pd.Series) -> bool:
    """Whether no number between the smallest and the largest is missing, all of them usual years."""
    usual = bool(numbers.between(*_USUAL_YEARS).all())
    return usual and int(numbers.max()) - int(numbers.min()) + 1 == numbers.nunique()


def _place_by_years(firsts: pd.Series, lasts: pd.Series) -> Literal["first", "last", "unclear"]:
    """By which place alone holds nothing but usual years."""
    usual_first = bool(firsts.between(*_USUAL_YEARS).all())
    usual_last = bool(lasts.between(*_USUAL_YEARS).all())
    if usual_first == usual_last:
        return "unclear"
    return "first" if usual_first else "last"


def find_turned(moments: pd.Series, dates: pd.DataFrame, example: str) -> str:
    """Why dates that were read already have day and month turned round, in words; empty where nothing says so.

    A spreadsheet set for another country takes 03/04 for the 4th of March and leaves 02/13 a text. What it leaves
    behind are dates whose day could always be a month, beside texts in which none could.
    """
    days = moments.dt.day
    if len(days) < _TURNED or days.max() > 12 or days.nunique() < 2 or len(dates) < _TURNED // 2:
        return ""
    if not ((dates[0] > 12) ^ (dates[1] > 12)).all():
        return ""
    return (
        f"{len(days):,} dates, none with a day above 12, stand beside {len(dates):,} texts such as '{example}', "
        "whose day always is: a spreadsheet set for another country has taken the day for the month in the former"
    )


def _are_months_first(dates: pd.DataFrame) -> pd.Series:
    return dates[1].between(13, 31) & (dates[0] <= 12)


def _are_dotted(texts: pd.Series) -> pd.Series:
    return texts.str.match(r"\d+\.").fillna(False).astype(bool)


def _day_or_month(
    dates: pd.DataFrame, texts: pd.Series, usual: DateOrder | None, *, dotted: bool, what: str
) -> tuple[DateOrder, str]:
    """By which of the first two numbers cannot be a month, in any value of the column; before a full stop the day.

    A month there is shown by the column, or was by the file trained on. Where that had the month first behind other
    signs, dates with full stops may be either.
    """
    days, months = dates[0].between(13, 31) & (dates[1] <= 12), _are_months_first(dates)
    day_first, month_first = bool(days.any()), bool(months.any())
    stops = _are_dotted(texts)
    open_ = ~stops
    unlike = "unlike the file trained on or the other columns"
    doubtful = (dates[0] != dates[1])[stops].any() and not months[stops].any() and not (dotted and usual == "month")
    if doubtful and (usual == "month" or month_first):
        if day_first and stops.all():
            return "day", f"dates such as {texts.iloc[0]} are read with the day first, {unlike}."
        if month_first or not day_first:
            example, both = str(texts[stops].iloc[0]), not bool(stops.all())
            raise AmbiguousDatesError(what, example, readings=("day", "month"), holds_both=both)
    if day_first != month_first:
        order: DateOrder = "day" if day_first else "month"
        return order, f"dates have the {order} first, {unlike}." if usual not in (None, order) else ""
    if not day_first and (not open_.any() or (dates[0] == dates[1])[open_].all()):
        return usual or "day", ""
    if usual is not None and not day_first:
        return usual, ""
    example = str(texts[open_ if open_.any() else ~open_].iloc[0])
    raise AmbiguousDatesError(what, example, readings=("day", "month"), holds_both=day_first)
