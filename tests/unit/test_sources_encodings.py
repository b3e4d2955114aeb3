"""Bytes of any code page are read as what was written, or refused with the readings to choose from; never wrongly."""

import random
import re

import pytest

from features.errors import ExitStatus
from features.schema.table_source import CsvFormat
from pipelines.ingest.errors import UncertainEncodingError
from pipelines.ingest.reading.code_pages import read_code_pages
from pipelines.ingest.reading.delimited_text import read_delimited

KOREAN = ["김철수;철강;서울", "이영희;소프트웨어;부산", "박민수;제조업;대구", "최지은;유통;인천", "정우성;금융;광주"]
JAPANESE = ["田中太郎;鉄鋼;東京", "鈴木花子;ソフトウェア;大阪", "佐藤次郎;製造業;名古屋", "高橋;卸売;福岡"]
CHINESE = ["王伟;钢铁;北京", "李娜;软件;上海", "张敏;制造业;广州", "刘洋;零售;深圳"]
TAIWANESE = ["王偉;鋼鐵;台北", "李娜;軟體;高雄", "張敏;製造業;台中", "劉洋;零售;新竹"]
POLISH = ["Łukasz Żak;Przemysł;Łódź", "Anna Sęk;Usługi;Kraków", "Michał Wójcik;Żywność;Gdańsk", "Paweł;Handel;Poznań"]
CZECH = ["Jiří Dvořák;Ocelářství;Plzeň", "Tomáš Růžička;Služby;Brno", "Kovács László;Gyártás;Győr"]
RUSSIAN = ["Иван Петров;Металлургия;Москва", "Анна Смирнова;Торговля;Казань", "Олег Попов;Услуги;Омск"]
GERMAN = ["Jürgen Müller;Maschinenbau;München", "Günther Groß;Lebensmittel;Köln", "Jörg Weiß;Handel;Düsseldorf"]
SPANISH = ["José Muñoz;Construcción;Málaga", "João Simões;Indústria;São Paulo", "Hélène;Santé;Besançon"]
EURO = ["Jürgen Müller;Maschinenbau;100 €", "Zoë Groß;Lebensmittel;200 €", "André Lefèvre;Santé;300 €"]
TURKISH = ["Ayşe Yılmaz;Çelik;İstanbul", "Mehmet Öztürk;Yazılım;İzmir", "Gül Şahin;Sağlık;Eskişehir"]
GREEK = ["Γιώργος;Εμπόριο;Αθήνα", "Μαρία;Υπηρεσίες;Πάτρα"]
WRITTEN = [
    ("cp949", KOREAN),
    ("cp932", JAPANESE),
    ("euc-jp", JAPANESE),
    ("gb18030", CHINESE),
    ("big5", TAIWANESE),
    ("cp1250", POLISH),
    ("iso8859-2", POLISH),
    ("cp1250", CZECH),
    ("cp1251", RUSSIAN),
    ("koi8-r", RUSSIAN),
    ("cp1252", GERMAN),
    ("cp1252", SPANISH),
    ("iso8859-15", EURO),
    ("cp1254", TURKISH),
    ("cp1253", GREEK),
    ("utf-16", KOREAN),
    ("utf-16-le", JAPANESE),
    ("utf-16-be", POLISH),
    ("iso2022_jp", JAPANESE),
]


def export(rows: list[str], count: int, seed: int = 0) -> str:
    draw = random.Random(seed)
    lines = [f"L{i:04d};{draw.choice(rows)};{draw.randint(1, 999)};Won" for i in range(count)]
    return "\r\n".join(["lead;name;line;city;n;status", *lines, ""])


@pytest.mark.parametrize(("encoding", "rows"), WRITTEN)
@pytest.mark.parametrize("count", [1, 2, 5, 400])
def test_no_reading_is_wrong_without_a_question(encoding: str, rows: list[str], count: int) -> None:
    text = export(rows, count)
    try:
        found = read_delimited(text.encode(encoding), CsvFormat(), what="f.csv")
    except UncertainEncodingError as asked:
        assert count <= 5 and text.encode(encoding).decode(asked.candidates[0], errors="replace")
        return
    written = [line.split(";") for line in text.split("\r\n")[1:-1]]
    assert found.frame.to_numpy().tolist() == written
    told = [note for note in found.notes if note.startswith("read as")]
    assert len(told) == (not (encoding.startswith(("utf", "iso2022"))))


@pytest.mark.parametrize(("encoding", "rows"), [pair for pair in WRITTEN if not pair[0].startswith(("utf", "iso2022"))])
def test_an_export_of_any_length_is_certain_and_says_so(encoding: str, rows: list[str]) -> None:
    found = read_delimited(export(rows, 400).encode(encoding), CsvFormat(), what="f.csv")
    assert f"read as {found.encoding}, which no mark says but its words do: '" in found.notes[0]
    shown = re.findall(r"'([^']*)'", found.notes[0])
    assert all(len(part.strip("…")) <= 3 for part in shown) and not {v for row in rows for v in row.split(";")} & {
        *shown
    }


def test_what_is_not_certain_is_a_question_with_the_values_to_tell_by() -> None:
    content = "lead;name\nL1;Åsa Öberg\n".encode("cp1252")
    with pytest.raises(UncertainEncodingError, match="more than one code page") as asked:
        read_delimited("lead;name\nL1;Paweł Sęk\n".encode("cp1250"), CsvFormat(), what="f.csv")
    assert "'…ęk' as cp1250" in str(asked.value) and "csv: {encoding: " in str(asked.value)
    assert not any(name in str(asked.value) + asked.value.readings for name in ("Paweł", "Sęk"))
    assert "cp1250" in asked.value.candidates and len(asked.value.candidates) <= 3
    assert asked.value.code == "LS046" and asked.value.exit_status is ExitStatus.UNREADABLE
    assert read_delimited(content, CsvFormat(encoding="cp1252"), what="f").frame["name"].tolist() == ["Åsa Öberg"]


@pytest.mark.parametrize(
    ("encoding", "form", "sign"),
    [
        ("cp1252", "{}.237,{:02d} €", "€"),
        ("cp1252", "£{},237.{:02d}", "£"),
        ("cp1252", "{} 2{:02d} €", "€"),
        ("iso8859-15", "{}.237,{:02d} €", "€"),
    ],
)
def test_a_sign_of_money_beside_numbers_is_no_cyrillic_letter(encoding: str, form: str, sign: str) -> None:
    """Amounts are often all that is not ASCII: € of cp1252 is a letter in cp866, £ one in cp1251."""
    values = [form.format(i, (37 * i) % 100) for i in range(1, 40)]
    for count in (8, 39):
        found = read_code_pages(";\n".join(values[:count]).encode(encoding))
        assert found.certain and all(sign in text for text in found.best.texts)


@pytest.mark.parametrize("amount", ["1\u00a0{:03},50", "{}\u00a0000", "1\u00a0{:03}\u00a0000,50 р."])
@pytest.mark.parametrize("words", [("Выиграна", "Проиграна", "В работе"), ("Закрыта",)])
def test_a_blank_between_digits_is_no_letter(amount: str, words: tuple[str, ...]) -> None:
    rows = [f"D{i};{words[i % len(words)]};{amount.format(100 + i)};Сайт" for i in range(60)]
    content = "\n".join(["id;status;amount;source", *rows, ""]).encode("cp1251")
    found = read_delimited(content, CsvFormat(), what="f.csv")
    assert found.encoding == "cp1251" and found.frame["status"].iloc[0] == words[0]


SWISS = ["Brunner Söhne;Zürich", "Müller AG;Köniz", "Keller Bäckerei;Genf", "Zürcher & Graf;Bülach"]


@pytest.mark.parametrize(
    ("encoding", "rows", "signs"),
    [
        ("cp1252", SWISS, "’‘–—×÷±°²³·´…"),
        ("mac-roman", SWISS, "’–÷"),
        ("cp850", SWISS, "°²·"),
        ("cp1250", POLISH, "’–×°·"),
        ("cp1251", RUSSIAN, "–—ХхчА"),
        ("cp866", RUSSIAN, "·а"),
        ("cp949", KOREAN, "’×～月"),
    ],
)
def test_signs_and_letters_between_digits_leave_the_words_what_they_are(
    encoding: str, rows: list[str], signs: str
) -> None:
    """Swiss thousands, ranges and sizes, of which a file has many more than different words."""
    for sign in signs:
        written = [
            [*rows[i % len(rows)].split(";")[:2], f"{1 + i % 90}{sign}{37 * i % 1000:03}.50"] for i in range(390)
        ]
        content = "\n".join(["name;city;amount", *map(";".join, written), ""]).encode(encoding)
        found = read_delimited(content, CsvFormat(), what="f.csv")
        assert found.frame.to_numpy().tolist() == written, sign


def test_a_column_of_degrees_is_one_example_of_a_sign() -> None:
    for encoding, rows in (("cp1251", RUSSIAN), ("cp1250", POLISH)):
        content = "\n".join(f"{rows[i % 3]};{i} °C" for i in range(390)).encode(encoding)
        assert read_code_pages(content).best.encoding == encoding


def test_code_pages_that_read_the_same_are_no_question() -> None:
    assert read_code_pages("name\nJürgen Müller\n".encode("latin-1")).certain
    assert read_code_pages("name\nJürgen Müller\n".encode("latin-1")).best.encoding == "cp1252"


def test_each_file_is_read_by_its_own_bytes() -> None:
    both = [read_delimited(export(KOREAN, 40).encode(form), CsvFormat(), what="f").frame for form in ("utf-8", "cp949")]
    assert both[0].equals(both[1])


def test_a_damaged_row_of_a_code_page_is_kept_out_not_guessed() -> None:
    content = export(KOREAN, 50).encode("cp949").replace("서울".encode("cp949"), b"\xbc\xff\xff", 1)
    found = read_delimited(content, CsvFormat(), what="f.csv")
    assert found.encoding == "cp949" and [row.rule for row in found.broken] == ["encoding"] and found.read == 50


def test_a_long_value_is_judged_by_what_tells() -> None:
    rows = [f"L{i};{'see the record of the call in the archive ' * 4}{RUSSIAN[i % 3].split(';')[0]}" for i in range(9)]
    found = read_delimited("\n".join(["lead;note", *rows, ""]).encode("cp1251"), CsvFormat(), what="f.csv")
    assert found.encoding == "cp1251"
    assert found.frame["note"].iloc[0].endswith("Иван Петров")
