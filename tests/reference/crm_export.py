"""One file out of a CRM as its users export it: open and closed deals, today's values, people's names, made up."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

STATUSES = {"won": "Won", "lost": "Lost", "disqualified": "Unqualified", "new": "New", "open": "Open"}
HEADERS: Mapping[str, str] = {
    "id": "Record ID",
    "name": "Last Name",
    "mail": "Email",
    "title": "Job Title",
    "company": "Company name",
    "industry": "Industry",
    "employees": "Number of Employees",
    "source": "Original Source",
    "status": "Lead Status",
    "created": "Create Date",
    "closed": "Close Date",
    "owner": "Contact owner",
    "amount": "Amount",
    "views": "Number of Pageviews",
    "link": "Record link",
}
_KOREAN = "레코드 번호|이름|이메일|직책|회사명|업종|직원 수|유입 경로|단계|생성일|종료일|담당자|금액|페이지뷰 수|링크"
_POLISH = (
    "Numer rekordu|Nazwisko|E-mail|Stanowisko|Firma|Branża|Pracownicy|Źródło|Etap|Data utworzenia|Data zamknięcia|"
    "Opiekun|Kwota|Liczba wizyt|Link"
)
KOREAN = dict(zip(HEADERS, _KOREAN.split("|"), strict=True))
POLISH = dict(zip(HEADERS, _POLISH.split("|"), strict=True))


def deals(rows: int = 500, seed: int = 3) -> pd.DataFrame:
    """Deals of one and a half years, a tenth of them still open; columns are the keys of :data:`HEADERS`."""
    rng = np.random.default_rng(seed)
    created = pd.Timestamp("2024-01-02") + pd.to_timedelta(np.sort(rng.uniform(0, 540, rows)), unit="D")
    employees = np.exp(rng.normal(4, 1.2, rows)).round().astype(int)
    source = rng.choice(["Search", "Referral", "Offline"], rows)
    title = rng.choice(["CEO", "Head of Marketing", "VP Sales", "Consultant", "Intern"], rows)
    free = rng.random(rows) < 0.25

    z = -1.2 + 0.6 * (np.log(employees) - 4) + 1.6 * (source == "Referral") - 1.2 * free + 0.8 * (title == "CEO")
    won = rng.random(rows) < 1 / (1 + np.exp(-z))
    closed = created + pd.to_timedelta(rng.gamma(2, 14, rows), unit="D")
    is_open = closed > created.max()
    junk = ~won & (rng.random(rows) < 0.25)
    over = np.where(won, STATUSES["won"], np.where(junk, STATUSES["disqualified"], STATUSES["lost"]))
    status = np.where(is_open, np.where(rng.random(rows) < 0.4, STATUSES["new"], STATUSES["open"]), over)

    return pd.DataFrame(
        {
            "id": [str(91_000_000 + int(i) * 37) for i in rng.permutation(rows)],
            "name": [f"Lee{i}" for i in range(rows)],
            "mail": [f"p{i}@{'gmail.com' if f else f'firm{i % 170}.example'}" for i, f in enumerate(free)],
            "title": title,
            "company": [f"Firm {i % 170} Ltd" for i in range(rows)],
            "industry": rng.choice(["Software", "Retail", "Health"], rows),
            "employees": employees,
            "source": source,
            "status": status,
            "created": created.strftime("%Y-%m-%d %H:%M"),
            "closed": np.where(is_open, "", closed.strftime("%Y-%m-%d %H:%M")),
            "owner": rng.choice(["Kim", "Max", "Pat"], rows),
            "amount": np.where(is_open | ~won, "", (employees * 37).astype(str)),
            "views": rng.poisson(np.where(won & ~is_open, 12, 4)),
            "link": [f"https://crm.example/contact/{i}" for i in range(rows)],
        }
    ).sample(frac=1.0, random_state=1)


def write_export(
    path: Path,
    frame: pd.DataFrame,
    headers: Mapping[str, str] = HEADERS,
    statuses: Mapping[str, str] | None = None,
) -> Path:
    """The deals as a file under its CRM's headers; ``statuses`` renames them."""
    meant = {STATUSES[key]: text for key, text in (statuses or {}).items()}
    frame.assign(status=frame["status"].replace(meant)).rename(columns=headers).to_csv(path, index=False)
    return path
