"""Names and labels of the product for the headers and files of an export."""

import re
from collections.abc import Iterable, Mapping

from features.schema.readable_names import distinct_name, readable_name
from pipelines.declaring.words.header_words import part_words, words_of


def name_columns(
    headers: Iterable[str], taken: Iterable[str], usual: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Names of the product for headers: lower case in Latin letters, none twice, none that is taken.

    ``usual`` are names that some headers have already, in any case.

    >>> name_columns(["Job Title", "업종", "job_title", "Firma"], ["owner"], {"Firma": "company"})
    {'Job Title': 'job_title', '업종': 'eobjong', 'job_title': 'job_title_2', 'Firma': 'company'}
    """
    fixed = dict(usual or {})
    used = {*taken, *fixed.values()}
    return {
        header: fixed[header] if header in fixed else distinct_name(readable_name(words_of(header)), used)
        for header in headers
    }


def name_source(title: str, prefix: str) -> str:
    """A source's name from what it is called; the prefix stands before a digit, or alone where no letter is left.

    >>> name_source("All Deals 2025", "export"), name_source("9", "leads"), name_source("…", "leads")
    ('all_deals_2025', 'leads_9', 'leads')
    """
    return readable_name(words_of(title), prefix, prefix)


def label_header(header: str) -> str:
    """A header as a person reads it on a card.

    >>> label_header("NumberOfEmployees"), label_header("Größe_(EUR)"), label_header("Deal - Title")
    ('number of employees', 'größe (eur)', 'deal title')
    """
    return re.sub(r"(?:[_.\s]|(?<=\s)-(?=\s))+", " ", part_words(header)).strip().lower() or header
