"""Columns of companies, towns, titles, products, campaigns, periods and codes stay; columns of people do not.

A table of headers and values in many languages. Whoever changes how people are told adds rows, and drops none.
"""

import pytest

from features.schema.people.people_texts import PeopleIn, holds_contact, nameable, people_in

INNOCENT = [
    ("Campaign", "Intake 09/2024-02/2025; Intake 03/2024-08/2024; Web; Fair; Google Ads"),
    ("Contract period", "05/2024-06/2024; 04/2023-03/2024; 04.2023-03.2024; 2023/04-2024/03; 04/2023-2024"),
    ("Fiscal year", "2023/2024; 2024/2025; FY 04/2024-03/2025"),
    ("Semester", "10/2023-03/2024; 04/2024-09/2024; 2024 04-2024 09"),
    ("Tariff code", "0101210000; 0306406152; 0602901000; 0101 21 00 00; 0709.60.1000"),
    ("Goods", "0101210000; 0306406152; 0602901000; 0709601000"),
    ("ISBN", "0306406152; 0131103628; 0-306-40615-2; 978-0-306-40615-7"),
    ("Zolltarifnummer", "0101 21 00 00; 0602 90 10 00"),
    ("Employees", "001 000 000 - 005 000 000; 010 000 000 - 050 000 000; 050 000 000"),
    ("Steps", "100-200-3000; 200-300-4000; 1001-5000"),
    ("NIP", "5252248481; 5260250274; 7740001454"),
    ("CNPJ", "11.222.333/0001-81; 60.701.190/0001-04"),
    ("VAT number", "DE136695976; ATU12345678"),
    ("SSN", "yes; no; verified"),
    ("Birthday", "yes; no"),
    ("Street type", "Avenue 1; Road 2"),
    ("Passport country", "Germany 1; Poland 2"),
    ("Ulica handlowa", "Nowy Swiat 1; Krucza 2"),
    ("Invoice id", "001-001-000012345; 001-2024-00001"),
    ("고객", "현대차; 신세계; 이마트; 오리온; 한화; 한빛전자; 강남병원"),
    ("영업", "영업부; 인사팀; 신규; 기존; 온라인"),
    ("비고", "신규 문의; 재방문; 이탈; 주의; 전시회"),
    ("Bemerkung", "Will eine Offerte; Max ist erreicht; Mark als erledigt; Termin am Montag"),
    ("회사이름", "삼성전자; 현대차; 카카오; 이마트; 신세계"),
    ("업체이름", "한화; 하이닉스; 네이버; 쿠팡"),
    ("제품이름", "갤럭시; 아이폰; 그램; 노트북"),
    ("담당자 직급", "과장; 대리; 부장; 차장; 이사; 사원"),
    ("담당자_부서", "영업부; 인사팀; 재무팀; 구매팀"),
    ("담당자 지역", "서울; 부산; 인천; 강남; 안양"),
    ("업종", "제조업; 금융업; 건설; 유통"),
    ("担当部署", "営業部; 総務部; 人事部; 経理部"),
    ("担当会社", "野村證券; 石川製作所; 本田技研; 日立製作所"),
    ("担当者の役職", "部長; 課長; 社長; 係長"),
    ("キャンペーン", "春の展示会; 夏セール; 秋フェア"),
    ("公司名称", "华为; 腾讯; 阿里巴巴; 百度"),
    ("联系人职位", "经理; 总监; 工程师; 主任"),
    ("Ansprechpartner Funktion", "Technischer Leiter; Leiter Einkauf; Leiter Vertrieb; Kaufmännischer Leiter"),
    ("Ansprechpartner", "Technischer Leiter; Leiter Einkauf; Zentraler Einkauf; Technische Planung"),
    ("Ansprechpartner Abteilung", "Zentraler Einkauf; Interne Revision; Technische Planung"),
    ("Betreuer Standort", "Bad Homburg; Frankfurt Main; Sankt Gallen; Castrop Rauxel"),
    ("Betreuer", "Bad Homburg; Frankfurt Main; Sankt Gallen; Castrop Rauxel; Villingen Schwenningen"),
    ("Kundenberater Gebiet", "Nord Ost; Rhein Main; Schwäbische Alb"),
    ("Owner unit", "North East; Public Sector; Key Accounts"),
    ("Owner office", "New York; Los Angeles; Tel Aviv"),
    ("Rep territory", "North East; Bay Area; Great Lakes"),
    ("Conseiller agence", "Aix Provence; Clermont Ferrand; Boulogne Billancourt"),
    ("Responsable zona", "Costa Brava; Ciudad Real; Gran Canaria"),
    ("Asesor cargo", "Director Comercial; Jefe Compras; Gerente General"),
    ("Vendedor cidade", "Belo Horizonte; Porto Alegre; Rio Branco"),
    ("Referente azienda", "Banca Intesa; Poste Italiane; Monte Paschi"),
    ("Opiekun oddział", "Gorzów Wielkopolski; Zielona Góra; Bielsko Biała"),
    ("Nazwa firmy", "Grupa Azoty; Polska Spółka; Alior Bank"),
    ("Contactpersoon functie", "Algemeen Directeur; Technisch Manager; Hoofd Inkoop"),
    ("Säljare avdelning", "Inköp Norr; Teknisk Service; Offentlig Sektor"),
    ("Ответственный отдел", "Отдел Продаж; Отдел Закупок; Служба Качества"),
    ("Имя компании", "Газпром Нефть; Ростелеком Центр; Яндекс Маркет"),
    ("Town", "New York; Los Angeles; San Francisco; Las Vegas; Fort Worth; El Paso; Santa Clara"),
    ("City", "San Jose; San Antonio; Santa Maria; Saint Paul; Fort Wayne; Jean Lafitte"),
    ("Job title", "Sales Manager; Head of Sales; Vice President; Product Owner; Data Scientist"),
    ("Product Owner", "Cloud Suite; Data Hub; Sales Desk"),
    ("Brand", "Hugo Boss; Karl Lagerfeld; Ralph Lauren; Calvin Klein; Tommy Hilfiger; Paul Frank"),
    ("Hersteller", "Hugo Boss; Karl Storz; Robert Bosch; Heinrich Kopp; Carl Zeiss; Philipp Holzmann"),
    ("Company", "Otto Versand; Karl Storz; Robert Bosch; Carl Zeiss; Thomas Cook; Philip Morris"),
    ("School", "Albert Einstein; Marie Curie; Otto Hahn; Robert Koch; Max Planck; Justus Liebig"),
    ("Introduced via", "Trade Fair; Partner Network; Google Ads"),
    ("Lead Source", "Web Form; Trade Fair; Google Ads; Cold Call; LinkedIn Ads; Word Mouth"),
]

FOUNDED = [  # named after people: the column stays, and most of its values
    ("Kunde", "Otto Versand; Karl Storz; Robert Bosch; Deutsche Bahn; Deutsche Telekom; Siemens Energy"),
    ("Partner", "Max Bahr; Otto Versand; Karl Storz"),
    ("Client", "Thomas Cook; Philip Morris; Wells Fargo; Goldman Sachs; Ernst Young"),
    ("Klient", "Jan Niezbędny; Polska Spółka; Grupa Azoty"),
    ("Customer", "Oscar; Penny; Otto; Amelia; Acme; Globex"),
]

PEOPLE = [
    ("Owner", "Anna Schmidt; Peter Kowalski; Marta Nowak; John Smith"),
    ("Rep", "John Baker; Sarah Connor; Mike Ross; Amy Wong"),
    ("Betreuer", "Anna Meyer; Jens Altmann; Heike Vogel; Sabine Krüger"),
    ("Sachbearbeiter", "Schmidt; Meyer; Hoffmann; Kowalski"),
    ("Ansprechpartner", "Dr. Anna Meyer; Herr Peter Lang; Frau Ute Sommer"),
    ("Créé par", "Jean Dupont; Marie Durand; Luc Moreau"),
    ("Propietario", "José García; María López; Carlos Ruiz"),
    ("Criado por", "João Silva; Ana Souza; Pedro Costa"),
    ("Referente", "Giulia Rossi; Marco Bianchi; Paolo Ricci"),
    ("Opiekun", "Katarzyna Wiśniewska; Piotr Zieliński; Jan Wójcik"),
    ("Contactpersoon", "Jan de Vries; Pieter Bakker; Anneke Visser"),
    ("Ansvarig", "Sven Larsson; Karin Nilsson; Lars Lindqvist"),
    ("Assigned to", "Priya Sharma; Rahul Gupta; Deepak Nair"),
    ("담당자", "김민수; 이서연; 박지훈; 최유진"),
    ("업체 담당자", "김민수 과장; 이서연 대리; 박지훈 부장"),
    ("담당자 이름", "김민수; 이서연; 박지훈; 최유진"),
    ("担当者", "佐藤 健; 鈴木花子; 田中; 高橋 一郎"),
    ("負責担当者名", "佐藤健; 鈴木花子; 田中太郎"),
    ("联系人", "王伟; 李娜; 张敏; 欧阳修文"),
    ("姓名", "王伟; 李娜; 张敏"),
    ("Client", "Anna Meyer; Peter Kowalski; Marta Nowak; Jan Berg; Li Wei; Sven Larsson"),
    ("Kunde", "Anna Schmidt; Uwe Krause; Sabine Zschoche; Jan Becker; Heike Thiele; Ralf Brandt"),
    ("Referred By", "Tom O'Neil; Maria von Berg; Kim Lee; Olga Petrova"),
    ("Decision Maker", "Ahmed Hassan; Mehmet Yilmaz; Elif Demir; Omar Saleh"),
    ("Field 7", "Anna Meyer; Peter Kowalski; Marta Nowak; Jan Berg; Eva Lind; Tom Reed; Li Wei"),
    ("Ansprechperson", "Vreni Zgraggen; Ladina Caduff; Köbi Stähli; Flurin Cavegn"),
    ("Betreut durch", "Zsófia Dévényi; Tünde Bársony; Gergő Szekeres; Réka Szilvási"),
    ("고객", "오승현; 정서윤; 전진호; 윤서연; 임수아"),
    ("영업", "이서연; 박지우; 김민준; 최하준"),
    ("영업담당", "최영희; 한지민; 한도윤; 이도윤"),
    ("대표자", "최진호; 강건우; 임정숙"),
    ("비고란", "오승현; 정서윤; 전진호; 윤서연"),
    ("Reached", "Laura Müller; Tim Wagner; Nina Fischer; Paul Grabowski; Jonas Kühl; Lea Oster"),
]

FACTS = [
    ("PESEL", "76011947645; 36061234600; 31000361424"),
    ("SSN", "859-23-4851; 471-89-2042"),
    ("AHV-Nr", "756.7285.2665.47; 756.9138.9807.35"),
    ("주민등록번호", "610706-1245508; 760305-2168303"),
    ("CPF", "529.982.247-25; 111.444.777-35"),
    ("Steuer-ID", "65929970489; 86095742719"),
    ("Codice Fiscale", "RSSMRA85T10A562S; BNCLCU90A41F205X"),
    ("Geburtsdatum", "07.11.1964; 14.02.1975"),
    ("Data urodzenia", "1964-11-07; 1975-02-14"),
    ("생년월일", "1964-11-07; 1975-02-14"),
    ("Strasse", "Rue du Lac 9; Bahnhofstrasse 12; Dorfstrasse 58"),
    ("Street", "12 Main St; 4 Oak Ave"),
    ("Customer Street Address", "12 Main St; 4 Oak Ave"),
]

CONTACTS = [
    ("Telefon", "0612345678; 0301234567; 01701234567"),
    ("Mobile", "0101234567; 07911123456"),
    ("Found by", "0612345678; +33 6 12 34 56 79; (030) 1234567"),
    ("Invoice id", "+49 30 1234567; call 030/1234567; ann@corp.com"),
    ("Source", "0049 30 1234567; 001 212 555 1234; 0033 1 23 45 67 89"),
    ("Hotline", "02-2023-4567; 02-2012-3456; 010-1234-5678; 01012345678; 015112345678"),
    ("Order notes", "call 0171 1234567; ring 555-123-4567"),
]


def listed(values: str) -> list[str]:
    return [one.strip() for one in values.split(";")]


@pytest.mark.parametrize(("header", "values"), INNOCENT)
def test_a_column_that_is_not_of_people_stays_whole(header: str, values: str) -> None:
    assert people_in(header, listed(values)) is PeopleIn.NOBODY
    assert [one for one, kept in zip(listed(values), nameable(header, listed(values)), strict=True) if not kept] == []


@pytest.mark.parametrize(("header", "values"), FOUNDED)
def test_firms_named_after_people_stay(header: str, values: str) -> None:
    assert people_in(header, listed(values)) is PeopleIn.NOBODY
    assert sum(nameable(header, listed(values))) >= len(listed(values)) - 1  # Philip Morris may be a person


@pytest.mark.parametrize(("header", "values"), PEOPLE)
def test_no_value_of_a_column_of_people_stays(header: str, values: str) -> None:
    assert people_in(header, listed(values)) is PeopleIn.NAMES and not any(nameable(header, listed(values)))


@pytest.mark.parametrize(("header", "values"), FACTS)
def test_no_national_number_birthday_or_street_stays(header: str, values: str) -> None:
    assert people_in(header, listed(values)) is PeopleIn.FACTS and not any(nameable(header, listed(values)))


@pytest.mark.parametrize(("header", "values"), CONTACTS)
def test_no_address_or_number_stays(header: str, values: str) -> None:
    assert people_in(header, listed(values)) is PeopleIn.CONTACTS and not any(nameable(header, listed(values)))


@pytest.mark.parametrize(
    "text", [one for header, values in INNOCENT[:6] for one in listed(values) if " 21 " not in one]
)
def test_periods_and_codes_are_no_numbers(text: str) -> None:
    assert not holds_contact(text)


def test_notes_that_begin_with_somebody_are_of_people() -> None:
    notes = ["Köbi angerufen, will Offerte", "Vreni will einen Rückruf", "will eine Offerte"]
    assert people_in("Bemerkung", notes) is PeopleIn.NOTES and nameable("Bemerkung", notes) == [False, False, True]
    assert people_in("Stand", notes) is PeopleIn.NOBODY


def test_one_person_among_firms_goes_alone() -> None:
    assert nameable("Kunde", ["Deutsche Bahn", "Siemens Energy", "Otto Versand", "Peter Kowalski"])[2:] == [True, False]
