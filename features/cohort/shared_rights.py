"""One person in several records: what any of them objects to, and what all of them agree to."""

import pandas as pd

from features.cohort.identity_resolution import address_keys
from features.cohort.objections import objection_columns
from features.schema.source import Source


def share_rights(leads: pd.DataFrame, source: Source) -> pd.DataFrame:
    """The leads with the objections of every record of their person, and with a consent where all of them agree.

    A record that is merged away, or over, speaks for its person all the same: which of several was edited last, an
    export does not tell, and who said no once must not be overheard. Leads kept apart by hand speak for themselves.
    """
    rules = source.identity
    if rules is None or rules.merge == "never" or rules.email not in leads:
        return leads
    objections = [name for name in objection_columns(source) if name in leads]
    consent = {} if source.privacy is None else source.privacy.consent
    consents = [name for one in consent.values() if (name := one.column) in leads]
    if not objections and not consents:
        return leads

    person = address_keys(leads, rules)[0].mask(leads["lead_id"].isin(rules.keep_apart))
    several = person.notna() & person.duplicated(keep=False)
    if not several.any():
        return leads
    person = person[several]
    for name in (*objections, *consents):
        said = leads[name].astype("boolean")
        counts = said.fillna(False).astype("int8")[several].groupby(person)
        shared = counts.transform("max") if name in objections else counts.transform("min")
        leads = leads.assign(**{name: said.mask(several, shared.astype("boolean").reindex(leads.index))})
    return leads
