"""Words by which columns and names of people are told; see :mod:`features.schema.people.people_texts`."""

# Headers of many languages without accents, a star for any ending: of one person whatever stands below them.
SURE = """
    contact person, contact name, contact persons, client contact, customer contact, person name, full name,
    fullname, first name, firstname, last name, lastname, surname, given name, family name, owner, record owner,
    rep, reps, sales rep*, salesrep*, sales person, salesperson, account manager, account executive, assigned to,
    assignee, created by, added by, entered by, modified by, updated by, changed by, handled by, managed by,
    spoken to, spoke with, ansprechpartner*, ansprechperson*, kontaktperson, betreut durch, bearbeitet durch,
    erfasst durch, erstellt durch, angelegt durch, zustandige person, gesprachspartner*, vorname,
    nachname, betreuer, betreut von,
    kundenbetreuer*, kundenberater*, sachbearbeiter*, vertriebler, vertriebsmitarbeiter*, vertriebsbeauftragt*,
    verkaufer*, besitzer, inhaber, zustandig, verantwortlich, angelegt von, erstellt von, bearbeitet von,
    geandert von, erfasst von, prenom, interlocuteur*, proprietaire, responsable, cree par, modifie par, saisi par,
    gere par, conseiller*, apellido*, propietario, creado por, modificado por, asignado a, vendedor*,
    persona de contacto, asesor*, sobrenome, proprietario, responsavel, criado por, atribuido a, cognome,
    assegnatario, creato da, referente, venditore, imie, nazwisko, opiekun*, handlowiec, wlasciciel,
    utworzon* przez, dodan* przez, osoba kontaktowa, sprzedawca, doradca, contactpersoon, eigenaar, aangemaakt door,
    toegewezen aan, voornaam, achternaam, ansvarig, agare, skapad av, saljare, kontaktpersoner, oprettet af,
    opprettet av, ответственн*, создал*, кем создан*, контактное лицо, имя, фамилия, менеджер, 담당자, 소유자,
    작성자, 등록자, 소개자, 추천인, 대표자, 대표이사, 성명, 성함, 영업담당, 영업 담당,
    영업사원, 영업 사원, 担当者, 担当, 担当営業, 所有者, 作成者, 紹介者,
    氏名, 负责人, 联系人, 创建人, 介绍人, 推荐人, 姓名
"""

# Headers that may mean a person or a choice.
MAYBE = """
    person, people, persons, contact, contacts, decision maker*, advisor, adviser, champion, introduced, introduced
    by, introducer, introduction, referred by, referrer, referral, referred, recommended by, via, brought by,
    invited by, attendee*, participant*, manager, supervisor, account owner name, kontakt, entscheider*, empfohlen
    von, empfehlung von, vermittelt von, vermittler*, geworben von, berater*, leiter*, decideur*, recommande par,
    parraine par, presente par, commercial, gerant, contacto, referido por, recomendado por, presentado por,
    comercial, indicado por, contato, decisor*, contatto, segnalato da, presentato da, responsabile, polecon*
    przez, decydent*, osoba, nazwa osoby, doorverwezen door, aanbevolen door, rekommenderad av, anbefalet af,
    рекомендовал*, контакт*, 영업, 소개, 추천, 결정권자, 이름, 紹介, 決裁者, 名前, 介绍, 推荐
"""

# Headers that mean a company as often as a person.
EITHER = """
    name, client, clients, customer, customers, buyer, agent, consultant, sponsor, partner, partners, kunde, kunden,
    nom, cliente, clientes, nombre, nome, klient, klienta, klant, kund, клиент, 고객, 고객명, 고객이름, 고객 이름,
    顧客名, 客户
"""

# What a header is about that speaks of a person or a company and is no name: how many contacts, the owner's region.
ABOUT = """
    id, ids, nr, no, number, nummer, count, size, type, kind, status, stage, role, title, position, seniority,
    function, department, team, region, country, city, town, state, industry, sector, segment, tier, level, score,
    source, channel, date, time, at, on, domain, product, products, campaign, campaigns, company, companies,
    software, solution, method, preference, reason, unit, division, office, branch, territory, area, zone, location,
    site, job, occupation, profession, brand, event, project, school, plan, store, form, page, list, file, language,
    currency, code, period, term, duration, organization, organisation, business, group, vendor, competitor,
    manufacturer, supplier, hersteller, lieferant, fournisseur, fabricant, proveedor, fabricante, fornitore,
    producent, dostawca, leverancier, funktion, abteilung, gebiet, standort, stadt, ort, land, bundesland, rolle,
    bereich, firma, unternehmen, betrieb, produkt, produkte, kampagne, zeitraum, stufe, niederlassung, filiale,
    gruppe, kanal, quelle, anzahl, datum, titel, beruf, branche, sparte, sprache, typ, art, marke, dauer, laufzeit,
    firmenname, produktname, einheit, werk, fonction, poste, service, departement, ville, pays, agence, entreprise,
    societe, produit, produits, campagne, titre, langue, marque, secteur, siege, statut, etape, origine, metier,
    nom commercial, raison sociale, periode, cargo, puesto, departamento, zona, ciudad, pais, empresa, compania,
    producto, campana, sede, sucursal, idioma, marca, funcion, grupo, numero, estado, etapa, canal, origen, titulo,
    unidad, oficina, razon social, nombre comercial, profesion, periodo, cidade, produto, campanha, funcao, regiao,
    setor, filial, razao social, nome fantasia, azienda, societa, prodotto, campagna, ruolo, funzione, reparto,
    citta, regione, settore, titolo, divisione, ufficio, ragione sociale, professione, paese, stanowisko, dzial,
    firmy, produktu, kampania, kampanii, oddzial, wojewodztwo, zespol, funkcja, branza, kraj, miasto, rola, zawod,
    okres, functie, afdeling, bedrijf, regio, stad, vestiging, rol, beroep, periode, roll, avdelning, avdeling,
    foretag, virksomhed, omrade, stilling, kampanj, by navn, tittel, должност*, отдел*, компани*, город*, регион*,
    продукт*, филиал*, рол*, кампани*, стран*, отрасл*, 회사, 업체, 기업, 법인, 거래처명, 상호, 제품, 상품, 품목,
    직급, 직책, 직위, 부서, 지역, 국가, 도시, 산업, 업종, 유형, 상태, 단계, 등급, 채널, 캠페인, 날짜, 코드, 번호,
    지점, 매장, 브랜드, 기간, 행사, 프로젝트, 학교, 部署, 部門, 部门, 会社, 公司, 企業, 企业, 役職, 职位, 職位,
    职务, 製品, 产品, 商品, 地域, 地区, 都市, 城市, 国家, 業種, 行业, 種類, 类型, 状態, 状态, 店舗, 支店, 拠点,
    番号, 编号, コード, キャンペーン, 期間, 活动
"""

# Headers of telephone numbers, and of other numbers that are written with a nought in front.
PHONES = """
    phone*, telephone*, mobile, cell, cellphone, fax, whatsapp, hotline, telefon*, tel, handy*, mobil*, rufnummer*,
    durchwahl, telefono*, movil, celular, cellulare, portable, komorka, komorkowy, telefoon*, телефон*, мобильн*,
    전화, 휴대폰, 핸드폰, 연락처, 電話, 携帯, 电话, 手机
"""
CODES = """
    id, ids, code, codes, sku, isbn, ean, gtin, upc, hs, hscode, hts, tariff*, taric, cn, part, serial, invoice,
    order, batch, lot, article, period, term, version, zip, postcode, plz, artikel*, artikelnummer, zolltarif*,
    warennummer*, rechnung*, auftrag*, zeitraum, laufzeit, vertrag*, tarif*, facture, commande, factura, pedido,
    codigo, codice, arancel*, periodo, periode, faktura, kod, okres, код*, период*, артикул*, 코드, 번호, 기간,
    품번, コード, 品番, 期間, 编码, 编号
"""

# Headers of what somebody writes about a lead.
NOTES = """
    note, notes, comment, comments, remark, remarks, memo, description, details, call summary, last call, call
    notes, summary, feedback, message, notiz*, bemerkung*, kommentar*, anmerkung*, beschreibung,
    gesprachsnotiz*, nachricht, remarque*, commentaire*, observacion*, comentario*, notas, nota, observac*,
    osservazion*, commento, commenti, uwagi, komentarz*, notatk*, opis, opmerking*, notitie*, anteckning*,
    kommentarer, merknad*, bemaerkning*, примечани*, комментари*, заметк*, 비고, 메모, 備考, メモ, 备注
"""

# Headers of numbers by which a state or an insurance knows a person, and of days of birth; the number of a firm
# (NIP, REGON, CNPJ, VAT) is none. And of streets, which with a house number tell where somebody lives.
NATIONAL = """
    pesel, ssn, social security*, national id, national insurance*, nino, passport, passport no, passport number,
    ahv, ahv nr, ahv nummer, avs, no avs, numero avs, sozialversicherungsnummer, sozialversicherungs nr, svnr,
    rentenversicherungsnummer, steuer id, steuerid, steueridentifikationsnummer, steuerliche identifikationsnummer,
    personalausweis*, ausweisnummer, reisepass*, numero de securite sociale, securite sociale, cpf, dni, curp,
    codice fiscale, bsn, burgerservicenummer, rijksregisternummer, personnummer, fodselsnummer, cpr nummer, rodne cislo,
    dowod osobisty, numer dowodu, seria dowodu, снилс, паспорт*, birthday, birthdate, birth date, date of birth, dob,
    geburtstag*, geburtsdatum, geb datum, geburtsdat, date de naissance, ne le, fecha de nacimiento, data de nascimento,
    data di nascita, data urodzenia, geboortedatum, fodelsedatum, fodselsdato, дата рождения, 주민등록번호, 주민번호,
    외국인등록번호, 여권번호, 생년월일, 생일, マイナンバー, 個人番号, 生年月日, 誕生日,
    身份证, 身份证号, 护照号, 出生日期
"""
STREETS = """
    street, street address, address line, street name, strasse, str, strasse hausnummer, strasse nr, strasse und
    hausnummer, anschrift, hausnummer, rue, no de rue, adresse postale, calle, rua, logradouro, endereco, via e numero,
    indirizzo, ulica, ul, adres, straat, straatnaam, gatuadress, gade, улица, 도로명주소, 상세주소, 番地, 住所, 街道地址
"""

# Frequent given names of many countries; those are left out that many towns and companies begin with.
GIVEN_NAMES = """
    andri chantal flurin giannina hansruedi kobi ladina noemie regula reto sandro severine ueli urs vreni
    adam adrian agnes agnieszka ahmed alan albert alejandro aleksander aleksandra alessandro alex alexander
    alexandra alexei alexey ali alice alicia alina amanda amelia amit amy ana anders andre andrea andreas
    andreea andrei andrew andrzej andy angela anika anita anja anke ann anna anne annette annika anthony antje
    antoine anton antonio aoife arjun arnaud arne arthur artur astrid barbara bartosz beata beatriz ben benjamin
    bernd bettina birgit bjorn bob bogdan boris brian bruno camille carl carla carlos carmen carol caroline
    carsten catherine cecilia celine chiara chloe chris christian christiane christina christine christoph
    christopher claire clara claudia clemens cristina dagmar damian dan daniel daniela daniele danielle david
    davide debbie deborah deepak dennis diana diego dieter dirk dmitri dmitry dominik dominique donald donna
    doris dorota dorothea edward elena elif elisabeth elizabeth elke ella ellen emil emilia emily emma eric
    erica erik erika esther ethan eva evelyn ewa fabian fabio fatima felix fernanda fernando filip fiona florian
    francesca francesco francisco francois frank franz frederic frederik friedrich fritz gabriel gabriela
    gabriele gary george gerald gerhard giorgio giovanni giulia giuseppe gonzalo grace graham greg grzegorz
    guillaume gunter gustav hanna hannah hannes hans harald harry hassan heather heidi heike heiko heinrich
    heinz helen helena helene helga helmut henrik henry herbert hiroshi holger hugo ian ibrahim igor ilse ines
    inga inge ingrid irena irene irina isabel isabella isabelle ivan jacek jack jacob jacques jakob jakub james
    jan jana jane janet janina jasmin jason javier jean jeff jeffrey jelena jennifer jenny jens jeremy jerome
    jerzy jessica jim joachim joan joanna joao jochen joe joel johan johann johanna johannes john jon jonas
    jonathan jorg jorge jose josef joseph juan judith julia julian juliane julie julien jurgen justin justyna
    kai kamil karen karin karina karl karsten kasia katarzyna kate katharina katherine kathleen kathrin katja
    katrin keith kelly ken kenneth kerstin kevin kim kirsten klaus konrad kristin kristina krzysztof kumar kurt
    lara larry lars laura laurent lea lena leo leon leonie liam linda lisa loic lorenzo louis louise luca lucas
    lucia lucie lucy luis luisa lukas lukasz lydia magda magdalena maja malgorzata manfred manuel manuela marc
    marcel marcin marco marcus marek margaret maria marie marina mario marion mariusz mark marko markus marta
    martha martin martina mary mateo mateusz mathias mathieu matt matteo matthew matthias maurice max maximilian
    mehmet melanie melissa mia michael michal michel michele michelle miguel mikael mike milan miriam mohamed
    mohammed monica monika monique muhammad nadia nadine nancy natalia natalie nathalie nathan neha nick nicolas
    nicole niels nikolai nils nina noah nora norbert olaf oleg olga oliver olivia olivier omar oscar oskar otto
    pablo paola paolo pascal patricia patrick patrik paul paula pauline pavel pawel pedro peter petra philip
    philipp philippe pia pierre pietro piotr priya rachel rafael rafal rahul raimund rainer rajesh ralf ralph
    raphael raul rebecca regina reinhard renate rene ricardo richard rita robert roberto robin roland rolf roman
    ronald rosa rudolf ruth ryan sabine sabrina sally salvatore sam samantha samuel sandra sanjay sara sarah
    sascha sebastian sergei sergey sergio sharon silke silvia simon simone sofia sofie sonja sophia sophie
    stefan stefania stefanie steffen stephan stephanie stephen steve steven stuart sunita susan susanne sven
    svetlana sylvia sylvie szymon tanja tara tatiana teresa theo theresa thierry thomas thorsten tim timo
    timothy tina tobias tom tomas tomasz tony torsten tracy udo ulf uli ulrich ulrike ursula ute uwe valentina
    valerie vanessa vera veronica veronika victor vincent vladimir volker walter werner wilhelm william wojciech
    wolfgang xavier yann yasmin yuki yusuf yves yvonne zoe zofia
"""

# What things of two words are called; a value with one of these words is no name of a person.
THINGS = """
    ads ag agency airport area associates association bank banking board branch bv camp campaign care center centre
    channel city cloud club co college company conference consulting corp corporation council county customer data
    day default demo department desk development digital direct director east email energy engine engineer
    engineering enterprise event events executive existing expo fair finance fund gmbh google group growth head
    health holding hospital house human inbound inc industries industry information inside institute insurance
    international kg lake lead limited linkedin list live llc llp ltd management manager market marketing media
    mount natural network new north office officer online operations organic other outbound outside owner paid park
    partner partners pending plan port product products program project public purchase purchasing quality request
    research resources retail river sales san santa school search sector self senior service services shop social
    software solutions south specialist state states store street support systems tax team tech technologies
    technology town trade trading training trial united university unknown user valley vice village web webinar
    website west america austria belgium china danmark deutschland espana europa europe france india italia japan
    korea nederland norge polska schweiz suisse svenska usa spolka grupa apotheke autohaus bad bahn bau einkauf
    fonds geschaftsfuhrer gruppe handel haus hotel kanzlei kaufmannischer leiter leiterin restaurant saint sankt
    spedition stadtwerke stiftung technik technischer verein verlag versand vertrieb werke
"""

# Given names with which a note or a sentence may begin that speaks of nobody: Max budget, Mark as done.
WORDS_TOO = """
    adam ali ben chris dan don frank gary grace jack jean joy kai kim lea leo mark mary max mia milan mike nick noah
    otto pascal patrick paris ray rita rob rolf roman rosa sally sam tim victor
"""

# Frequent family names, with those of companies and towns left out; endings of others stand in people_texts.
FAMILY_NAMES = """
    muller mueller schmidt schneider fischer meyer meier maier mayer weber wagner becker schulz schulze hoffmann
    schafer schaefer koch bauer richter klein wolf schroder schroeder neumann schwarz zimmermann braun kruger
    krueger hofmann hartmann lange schmitt schmitz krause lehmann schmid kohler koehler herrmann konig koenig walter
    huber kaiser fuchs lang weiss jung hahn scholz gunther vogel friedrich keller roth beck lorenz baumann franke
    albrecht schuster simon ludwig bohm winkler kraus schumacher kramer vogt stein jager otto sommer gross seidel
    heinrich brandt haas schreiber graf dietrich ziegler kuhn pohl engel horn busch bergmann voigt sauer arnold
    pfeiffer berg lind lindgren reed gruber steiner moser pichler hofer eder wimmer egger smith johnson williams
    brown jones miller davis wilson anderson taylor moore jackson martin thompson white harris clark lewis robinson
    walker hall allen wright scott green baker adams nelson carter mitchell roberts turner phillips campbell parker
    evans edwards collins stewart morris murphy rogers reed cooper bailey bell howard ward cox richardson watson
    brooks bennett gray hughes price myers foster long ross powell sullivan russell griffin hayes simmons bryant
    hamilton graham wallace cole jordan reynolds fisher ellis harrison gibson kennedy kelly byrne ryan walsh obrien
    davies khan shah clarke patel hussain dupont durand dubois bernard petit leroy moreau lefebvre lefevre roux
    fournier girard bonnet lambert rousseau blanc guerin boyer garnier chevalier legrand gauthier perrin morin
    dumont lemaire blanchard marchand leclerc garcia martinez lopez sanchez perez gonzalez gomez fernandez rodriguez
    hernandez diaz moreno alvarez munoz romero alonso gutierrez navarro torres dominguez vazquez ramos gil ramirez
    serrano molina morales suarez ortega delgado castro ortiz rubio marin cruz flores rivera reyes vargas mendoza
    castillo silva santos oliveira souza sousa pereira ferreira alves costa rodrigues martins ribeiro carvalho
    almeida lopes soares fernandes gomes barbosa rocha dias rossi russo ferrari esposito bianchi romano colombo
    ricci marino greco bruno gallo conti mancini giordano rizzo lombardi moretti barbieri fontana caruso nowak
    wojcik mazur krawczyk kaczmarek krol wieczorek wrobel stepien dudek pawlak walczak adamczyk sikora baran duda
    szewczyk pietrzak marciniak zajac bak novak svoboda dvorak horvat kovac kovacs nagy szabo toth varga popescu
    popa ionescu jansen janssen bakker visser smit meijer boer mulder bos vos peters hendriks dekker brouwer
    dijkstra smits peeters maes jacobs mertens willems claes goossens andersson johansson karlsson nilsson eriksson
    larsson olsson persson hansen jensen nielsen pedersen andersen larsen christensen rasmussen petersen madsen
    kristensen olsen johansen korhonen virtanen makinen nieminen ivanov petrov kuznetsov popov sokolov lebedev
    kozlov novikov morozov volkov shevchenko bondarenko kovalenko sharma singh kumar gupta verma mehta jain reddy
    nair iyer rao das joshi agarwal agrawal kapoor malhotra chopra banerjee mukherjee desai mishra pandey yadav kaur
    li wang zhang liu chen yang zhao huang zhou wu xu sun hu zhu gao lin guo luo liang song zheng xie tang feng deng
    cao peng zeng xiao tian dong pan yuan cai jiang yu du ye cheng wei su lu ding ren yao shen zhong kim lee park
    choi jung kang cho yoon jang lim han shin seo kwon hwang ahn song hong yoo ryu jeon moon sato suzuki takahashi
    tanaka watanabe ito yamamoto nakamura kobayashi kato yoshida yamada sasaki yamaguchi matsumoto inoue kimura
    hayashi shimizu yamazaki mori abe ikeda hashimoto ishikawa ogawa nguyen tran pham hoang phan vu dang bui do ho
    ngo duong ali hassan hussein ahmed mohamed ibrahim mahmoud saleh yilmaz kaya demir sahin celik yildiz yildirim
    ozturk aydin ozdemir arslan dogan kilic aslan
"""

# Frequent family names of Korea, China and Japan, in their scripts, and the syllables of Korean given names.
KOREAN_FAMILIES = """
    김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 유 전 홍 고 문 양 손 배 백 허 남 심 노 하 곽 성 차 주
    우 구 민 진 지 나 엄 채 원 천 방 공 현 함 변 염 여 추 도 소 석 선 설 마 남궁 황보 제갈 선우 사공
"""
KOREAN_GIVEN = """
    가 건 경 광 국 규 근 기 나 남 다 도 동 라 란 람 리 린 만 명 문 미 민 범 별 병 복 봉 빈 상 서 석 선 설 섭 성 세
    소 솔 수 숙 순 슬 승 시 식 아 안 애 양 여 연 열 영 예 옥 완 용 우 욱 웅 원 유 윤 율 은 의 이 익 인 일 자 재 정
    종 주 준 중 지 진 찬 창 채 철 춘 태 택 하 학 한 해 향 혁 현 형 혜 호 홍 화 환 효 훈 휘 희
"""
CHINESE_FAMILIES = """
    王 李 张 張 刘 劉 陈 陳 杨 楊 赵 趙 黄 黃 周 吴 吳 徐 孙 孫 胡 朱 高 林 何 郭 马 馬 罗 羅 梁 宋 郑 鄭 谢 謝 韩
    韓 唐 冯 馮 于 董 程 曹 袁 邓 鄧 许 許 傅 沈 曾 彭 吕 呂 苏 蘇 卢 盧 蒋 蔣 蔡 贾 賈 丁 魏 薛 叶 葉 余 潘 杜 戴
    夏 钟 鍾 汪 田 任 姜 范 方 石 姚 谭 譚 廖 邹 熊 金 陆 陸 郝 孔 白 崔 康 毛 邱 秦 史 顾 侯 邵 孟 段 雷 钱 汤 尹
    黎 贺 赖 龚 欧阳 歐陽 司马 诸葛 上官
"""
JAPANESE_FAMILIES = """
    佐藤 鈴木 高橋 田中 伊藤 渡辺 渡邊 渡邉 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 斎藤 斉藤 齋藤
    清水 山崎 池田 橋本 阿部 石川 山下 中島 石井 小川 前田 岡田 長谷川 藤田 後藤 近藤 村上 遠藤 青木 坂本 福田 太田
    西村 藤井 金子 岡本 藤原 三浦 中野 中川 原田 松田 竹内 小野 田村 中山 和田 石田 上田 森田 柴田 酒井 工藤 横山
    宮崎 宮本 内田 高木 安藤 谷口 大野 丸山 今井 河野 藤本 村田 武田 上野 杉山 増田 平野 大塚 千葉 久保 松井 小島
    岩崎 桜井 野口 松尾 野村 木下 菊地 佐野 新井 渡部 森 林
"""
