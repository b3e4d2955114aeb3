"""Words by which columns and names of people are told; see :mod:`features.schema.people.people_texts`."""

# Headers of many languages without accents, a star for any ending: of one person whatever stands below them.
SURE = """
    contact person, contact name, contact persons, client contact, customer contact, person name, full name,
    fullname, first name, firstname, last name, lastname, surname, given name, family name, owner, record owner,
    rep, reps, sales rep*, salesrep*, sales person, salesperson, account manager, account executive, assigned
    to, assignee, created by, added by, entered by, modified by, updated by, changed by, handled by, managed by,
    spoken to, spoke with, ansprechpartner*, kontaktperson, vorname, nachname, betreuer, betreut von,
    kundenbetreuer*, kundenberater*, sachbearbeiter*, vertriebler, vertriebsmitarbeiter*, vertriebsbeauftragt*,
    verkaufer*, besitzer, inhaber, zustandig, verantwortlich, angelegt von, erstellt von, bearbeitet von,
    geandert von, erfasst von, prenom, interlocuteur*, proprietaire, responsable, cree par, modifie par, saisi
    par, gere par, conseiller*, apellido*, propietario, creado por, modificado por, asignado a, vendedor*,
    persona de contacto, asesor*, sobrenome, proprietario, responsavel, criado por, atribuido a, cognome,
    assegnatario, creato da, referente, venditore, imie, nazwisko, opiekun*, handlowiec, wlasciciel, utworzon*
    przez, dodan* przez, osoba kontaktowa, sprzedawca, doradca, contactpersoon, eigenaar, aangemaakt door,
    toegewezen aan, voornaam, achternaam, ansvarig, agare, skapad av, saljare, kontaktpersoner, oprettet af,
    opprettet av, ответственн*, создал*, кем создан*, контактное лицо, имя, фамилия, менеджер, 담당자, 소유자,
    작성자,
    등록자, 소개자, 추천인, 성명, 이름, 担当者, 担当, 所有者, 作成者, 紹介者, 氏名, 负责人, 联系人, 创建人,
    介绍人, 推荐人, 姓名
"""

# Headers that may mean a person, a company or a choice.
MAYBE = """
    person, people, persons, contact, contacts, name, client, clients, customer, decision maker*, buyer, agent,
    advisor, adviser, consultant, champion, sponsor, introduced, introduced by, introducer, introduction,
    referred by, referrer, referral, referred, recommended by, via, brought by, invited by, attendee*,
    participant*, manager, supervisor, partner, account owner name, kunde, kontakt, entscheider*, empfohlen von,
    empfehlung von, vermittelt von, vermittler*, geworben von, berater*, leiter*, decideur*, recommande par,
    parraine par, presente par, nom, commercial, gerant, cliente, contacto, nombre, referido por, recomendado
    por, presentado por, comercial, indicado por, contato, nome, decisor*, contatto, segnalato da, presentato
    da, responsabile, klient, klienta, polecon* przez, decydent*, osoba, nazwa osoby, klant, doorverwezen door,
    aanbevolen door, kund, rekommenderad av, anbefalet af, клиент, рекомендовал*, контакт*, 고객명, 소개, 추천,
    결정권자,
    顧客名, 紹介, 決裁者, 客户, 介绍, 推荐
"""

# Headers of what somebody writes about a lead.
NOTES = """
    note, notes, comment, comments, remark, remarks, memo, description, details, call summary, last call, call
    notes, summary, feedback, message, notiz*, bemerkung*, kommentar*, anmerkung*, beschreibung,
    gesprachsnotiz*, nachricht, remarque*, commentaire*, observacion*, comentario*, notas, nota, observac*,
    osservazion*, commento, commenti, uwagi, komentarz*, notatk*, opis, opmerking*, notitie*, anteckning*,
    kommentarer, merknad*, bemaerkning*, примечани*, комментари*, заметк*, 비고, 메모, 備考, メモ, 备注
"""

# Frequent given names of many countries; those are left out that many towns and companies begin with.
GIVEN_NAMES = """
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
    ads ag agency airport area associates association bank banking board branch bv camp campaign care center
    centre channel city cloud club co college company conference consulting corp corporation council county
    customer data day default demo department desk development digital direct director east email energy engine
    engineer engineering enterprise event events executive existing expo fair finance fund gmbh google group
    growth head health holding hospital house human inbound inc industries industry information inside institute
    insurance international kg lake lead limited linkedin list live llc llp ltd management manager market
    marketing media mount natural network new north office officer online operations organic other outbound
    outside owner paid park partner partners pending plan port product products program project public purchase
    purchasing quality request research resources retail river sales san santa school search sector self senior
    service services shop social software solutions south specialist state states store street support systems
    tax team tech technologies technology town trade trading training trial united university unknown user
    valley vice village web webinar website west
"""
