"""Words the synthetic market is made of."""

import unicodedata

INDUSTRIES = ("software", "manufacturing", "logistics", "finance", "health", "education", "retail")
INDUSTRY_SHARE = (0.22, 0.18, 0.14, 0.13, 0.11, 0.1, 0.12)
INDUSTRY_NEED = {
    "software": 0.5,
    "manufacturing": 0.1,
    "logistics": 0.6,
    "finance": 0.2,
    "health": -0.3,
    "education": -0.8,
    "retail": -0.3,
}
STACKS = ("none", "legacy suite", "competitor", "spreadsheets")
STACK_SHARE = (0.25, 0.25, 0.2, 0.3)
STACK_NEED = {"none": 0.0, "legacy suite": 0.6, "competitor": -0.7, "spreadsheets": 0.2}
COUNTRIES = ("US", "GB", "DE", "FR", "ES", "PL", "KR")
LANGUAGE = {"US": "en", "GB": "en", "DE": "de", "FR": "fr", "ES": "es", "PL": "pl", "KR": "ko"}
TITLES = {
    "en": (
        ("Analyst", "Sales Operations Specialist", "Junior Developer"),
        ("Marketing Manager", "IT Manager", "Operations Manager"),
        ("Head of Sales", "Director of IT", "VP Marketing"),
        ("CEO", "Chief Financial Officer", "Owner"),
    ),
    "de": (
        ("Sachbearbeiter Einkauf", "Werkstudent"),
        ("Teamleiter IT", "Marketingmanagerin"),
        ("Leiter Vertrieb", "Bereichsleiterin Logistik"),
        ("Geschäftsführer", "Vorstand Finanzen"),
    ),
    "fr": (
        ("Assistant commercial", "Analyste"),
        ("Chef de projet", "Responsable informatique"),
        ("Directeur commercial", "Directrice des opérations"),
        ("Président directeur général", "Gérante"),
    ),
    "es": (
        ("Analista", "Técnico de soporte"),
        ("Jefe de proyecto", "Responsable de marketing"),
        ("Director comercial", "Directora de operaciones"),
        ("Director general", "Consejera delegada"),
    ),
    "pl": (
        ("Specjalista ds. zakupów", "Analityk"),
        ("Kierownik projektu", "Menedżer marketingu"),
        ("Dyrektor sprzedaży", "Dyrektor IT"),
        ("Prezes zarządu", "Właściciel"),
    ),
    "ko": (("사원", "대리"), ("과장", "팀장"), ("부장", "이사"), ("대표이사", "사장")),
}
FIRST = ("Anna", "Björn", "Chloé", "Daniel", "Elżbieta", "Fatima", "Grace", "Hugo", "Inés", "Jae-won", "Kofi", "Łukasz")
LAST = ("Müller", "Nowak", "García", "Smith", "Kim", "Dubois", "Okafor", "Jansen", "O'Neil", "Søndergaard", "Rossi")
COMPANY = ("Nordwind", "Blue Harbor", "Atelier Lune", "Kraków Soft", "Hanbit", "Río Verde", "Fjord", "Acorn & Sons")
LEGAL = ("GmbH", "Ltd", "SARL", "S.A.", "sp. z o.o.", "Inc.", "주식회사")
SOURCES = ("organic search", "paid search", "event", "referral", "partner", "outbound list")
SOURCE_SHARE = (0.28, 0.22, 0.14, 0.12, 0.09, 0.15)
SOURCE_NEED = {"referral": 0.4, "partner": 0.2, "outbound list": -0.5}
OWNERS = ("r.ahn", "s.brandt", "t.costa", "u.diallo", "v.evans")
PRODUCTS = ("core", "core plus", "enterprise")


def ascii_of(text: str) -> str:
    """Letters of a name as they stand in an e-mail address.

    >>> ascii_of("O'Neil"), ascii_of("Łukasz"), ascii_of("Björn")
    ('oneil', 'lukasz', 'bjorn')
    """
    folded = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("Ł", "L").replace("ø", "o"))
    return "".join(c for c in folded.lower() if c.isascii() and c.isalnum())
