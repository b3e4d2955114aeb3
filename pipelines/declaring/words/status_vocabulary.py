"""Words by which CRMs and teams call the stages of a lead, in the languages they are used in."""

from collections.abc import Mapping
from typing import Literal, get_args

Standing = Literal["won", "lost", "disqualified", "open"]
STANDINGS: tuple[Standing, ...] = get_args(Standing)

# By meaning; a trailing * stands for any ending of the word. Texts are compared in lower case, without accents,
# punctuation as blanks. Where a word could mean two things (closed, done), it is left out: such a value is named for a
# person to place. So is a noun or an infinitive of a win (заключение договора, do sprzedania, à gagner): it names what
# is being done, and does not say that it was done; endings of participles are therefore written out.
VERDICTS: Mapping[Standing, str] = {
    "won": (
        # English, as shipped by Salesforce, HubSpot, Dynamics, Pipedrive, Zoho, Odoo
        "won|closed won|deal won|closed converted|converted|sold|contract signed|signed contract|deal signed|"
        "agreement signed|client signed|customer signed|purchased|ordered|customer won|client won|"
        # German, Dutch
        "gewonnen*|verkauft|auftrag erhalten|auftrag erteilt|auftrag gewonnen|kunde gewonnen|beauftragt|bestellt|"
        "zuschlag erhalten|erfolgreich abgeschlossen|vertrag unterschrieben|vertrag unterzeichnet|verkocht|"
        "contract getekend|opdracht gewonnen|"
        # French, Spanish, Portuguese, Italian, Romanian
        "gagnee?s?|remportee?s?|conclue?s?|vendue?s?|contrat signe|client gagne|"
        "ganad[oa]s?|vendid[oa]s?|contrato firmado|"
        "cliente ganado|contratad[oa]s?|ganh[oa]s?|ganhou|conquistad[oa]s?|contrato assinado|cliente ganho|vint[oaie]|"
        "vendut[oaie]|acquisit[oaie]|contratto firmato|castigat[aei]?|"
        # Polish, Czech, Slovak, Hungarian, Finnish, Scandinavian, Turkish
        "wygran(?!i[aeu])*|sprzedan(?!i[aeu])*|umowa podpisana|podpisana umowa|pozyskan(?!i[aeu])*|klient pozyskany|"
        "vyhran(?!i)*|prodan(?!i)*|megnyert|elnyert|"
        "nyert|voitettu|myyty|vunnen|vunnet|vundet|solgt|sald|kazanildi|kazanilan|satildi|"
        # Russian, Ukrainian, Greek
        "выигран*|успешно реализовано|успешно завершен*|договор подписан|договор заключен|продан*|"
        "заключен(?!и)*|виграно|"
        "успішно реалізовано|κερδισμεν*|κερδισε|κερδισαμε|κερδηθηκ*"
    ),
    "lost": (
        "lost|loss|closed lost|deal lost|lost lead|lost deal|lost to competit*|out sold|failed|failure|rejected|"
        "declined|refused|not converted|closed not converted|not won|no decision|no sale|no deal|cancelled|canceled|"
        "abandoned|dead|not interested|no longer interested|uninterested|unsuccessful|churned|"
        "verloren*|abgelehnt|abgesagt|absage|nicht erfolgreich|nicht gewonnen|erfolglos|abgebrochen|storniert|"
        "kein interesse|kein bedarf|kein budget|no need|no budget|no interest|brak zainteresowania|brak potrzeby|"
        "brak budzetu|gescheitert|afgewezen|geannuleerd|mislukt|geen interesse|"
        "perdu|perdue|perdus|refuse|refusee|abandonne|abandonnee|annule|annulee|echec|rejete|rejetee|sans suite|"
        "pas interesse*|perdid*|rechazad*|cancelad*|fracas*|abandonad*|no interesad*|rejeitad*|recusad*|"
        "nao interessad*|pers[oaie]|rifiutat*|annullat*|abbandonat*|non interessat*|fallit*|pierdut*|"
        "przegran*|utracon*|stracon*|odrzucon*|anulowan*|porazk*|rezygnacj*|niezainteresowan*|brak zainteresowania|"
        "prohran*|ztracen*|straten*|zamitnut*|elvesztett|elveszett|elvesztve|havitty|menetetty|"
        "forlorad*|tapt|tabt|kaybedildi|kayip|"
        "закрыто и не реализовано|проигран*|потерян*|отказ*|неуспешн*|провал*|програно|втрачен*|відмов*|χαθηκε|χαμεν*"
    ),
    "disqualified": (
        "unqualified|disqualified|not qualified|junk|junk lead|spam|invalid|bad data|bad lead|bad fit|no fit|not a fit|"
        "duplicate|duplicated|fake|test lead|test deal|test opportunity|testlead|wrong number|out of scope|not valid|"
        "garbage|irrelevant|bounced|cannot contact|unreachable|"
        "disqualifiziert|unqualifiziert|nicht qualifiziert|ungeeignet|ungultig|unpassend|dublette|doppelt|"
        "ongekwalificeerd|niet gekwalificeerd|gediskwalificeerd|ongeldig|duplicaat|ongeschikt|"
        "disqualifie*|non qualifie*|pas qualifie*|hors cible|invalide|doublon|descalificad*|no calificad*|"
        "no cualificad*|invalid[oa]|duplicad*|no valid[oa]|descartad*|desqualificad*|nao qualificad*|squalificat*|"
        "non qualificat*|non valid[oa]|duplicat[oa]|scartat*|"
        "zdyskwalifikowan*|niezakwalifikowan*|niekwalifikowan*|duplikat|nieprawidlow*|niewlasciw*|"
        "diskvalifik*|nekvalifik*|diszkvalifik*|hylatty|diskvalificerad|diskvalifisert|"
        "неквалифицирован*|дисквалифицирован*|спам|дубл*|некачествен*|некваліфікован*"
    ),
    "open": (
        "created|open|opened|working|in progress|in process|contacted|not contacted|attempted|attempted to contact|"
        "nurtur*|qualifying|assigned|unassigned|pending|awaiting|prospecting|"
        "contact made|contact established|negotiat*|demo|demo scheduled|meeting|call|visit|"
        "contract sent|presentation*|evaluat*|discovery|trial|connected|on hold|hold|waiting|"
        "follow up|following up|recycle*|untouched|appointment|scheduled|engaged|warm|hot|cold|raw|"
        "decision maker*|needs analysis|value proposition|perception analysis|review|in review|verbal|"
        "commit|best case|forecast|draft|sent|responded|called|started|initial|first contact|"
        "contact in future|callback|reopened|reopen|qualified to buy|decision maker bought in|"
        "appointment scheduled|presentation scheduled|identify|develop|propose|"
        # German, Dutch
        "angelegt|in klarung|in prufung|offen|in bearbeitung|in arbeit|kontaktiert|kontaktaufnahme|kontakt hergestellt|"
        "nicht kontaktiert|angebot erstellt|angebot unterbreitet|verhandlung*|vertragsverhandlung|laufend|lauft|"
        "wiedervorlage|zugewiesen|termin|terminiert|geplant|vereinbart|gesendet|versendet|versandt|verschickt|zuruckgestellt|"
        "wartet|warten*|qualifizierung|qualifizieren|bedarfsanalyse|prasentation*|besuch|anruf|entwickeln|vorschlagen|"
        "entscheidungstrager*|entscheider*|interessentensuche|akquise|"
        "in behandeling|lopend|gecontacteerd|onderhandeling|in afwachting|toegewezen|gepland|verzonden|verstuurd|"
        # French
        "ouvert|ouverte|en cours|contacte|contactee|contact etabli|negociation*|negocier|en attente|attente|"
        "a contacter|a relancer|a traiter|assigne|rendez vous|rdv|planifie*|programmee?s?|envoye*|presentation|"
        "analyse des besoins|proposition de valeur|decideurs?|prospection|qualifier|developper|proposer|essai|"
        # Spanish, Portuguese, Italian
        "abiert*|en curso|en proceso|en progreso|contactad*|contacto establecido|negociacion*|pendiente|asignad*|"
        "seguimiento|en espera|esperando|cita|reunion|programad*|agendad*|enviad*|presentacion|analisis de necesidades|"
        "propuesta de valor|tomador* de decision*|prospeccion|calificacion|calificar|desarrollar|proponer|visita|"
        "abert*|em andamento|em progresso|em curso|contatad*|contato feito|contato realizado|negociacao|negociacoes|"
        "pendente|atribuid*|aguardando|aguarda|em espera|reuniao|apresentacao|demonstracao|analise de necessidades|"
        "proposta de valor|tomador* de decisao|prospeccao|qualificacao|qualificar|desenvolver|propor|"
        "apert*|in corso|in lavorazione|contattat*|trattativa|negoziazione|in attesa|assegnat*|programmat*|pianificat*|"
        "inviat*|appuntamento|riunione|presentazione|deschis*|"
        # Polish, Czech, Slovak, Hungarian, Finnish, Scandinavian, Turkish
        "otwart*|w toku|w trakcie*|w realizacji|skontaktowan*|kontakt nawiazany|negocjacj*|oczekuj*|oczekiwan*|"
        "w kontakcie|przypisan*|do kontaktu|spotkani*|umowion*|zaplanowan*|wyslan*|prezentacj*|analiza potrzeb|"
        "decydent*|kwalifikacj*|poszukiwani*|czeka*|"
        "otevren*|otvoren*|nyitott|avoin|oppen|apen|aben|pagaende|acik|devam ediyor|"
        # Russian, Ukrainian, Greek
        "в работе|открыт*|контакт*|переговор*|ожидан*|відкрит*|в роботі|ανοιχτ*|σε εξελιξη"
    ),
}
# Words of an open deal that say nothing beside a verdict: what the record is called ("Opportunity lost", "Angebot
# abgelehnt"), or of which sort ("Won - New Business").
BESIDE_A_VERDICT = (
    "new|qualified|pre qualified|qualification|active|prospect|lead|iql|mql|sal|sql|pql|opportunity|proposal|"
    "proposition|quote|quoted|open deal|bad timing|interested|subscriber|pipeline|marketing qualified|"
    "marketing qualified lead|sales qualified|sales qualified lead|sales accepted|sales accepted lead|inquiry|"
    "verkaufschance*|neu|qualifiziert|angebot|aktiv|interessent|nieuw|gekwalificeerd|offerte|actief|"
    "nouveau|nouvelle|qualifie|qualifiee|devis|actif|oportunidad*|nuev[oa]|calificad*|cualificad*|propuesta|activ[oa]|"
    "prospecto|cotizacion|nov[oa]|qualificad*|proposta|ativ[oa]|orcamento|nuov[oa]|qualificat*|attiv[oa]|preventivo|"
    "szansa|now[yae]|zakwalifikowan*|ofert*|aktywn*|prospekt|uj|uusi|ny|yeni|"
    "нов*|предложен*|квалифицирован*|активн*|νεο*"
)
# Words that mean a standing only where a status says nothing else: "Customer" is won, "Customer contacted" is not.
ALONE: Mapping[Standing, str] = {
    "won": (
        "win|conversion|success|successful|customer|client|signed|purchase|bought|subscribed|evangelist|"
        "auftrag|zuschlag|abschluss|erfolgreich*|kunde|unterschrieben|klant|getekend|opdracht|succesvol|"
        "signe|signee|succes|exito*|exitos*|cliente|firmad*|sucesso|assinad*|successo|firmat*|"
        "sukces|klient|podpisan(?!i[aeu])*|kund|успешн*|успех|подписан(?!и)*|успішн*"
    ),
    "lost": "",
    "disqualified": "test",
    "open": "",
}
# "not", "no", "without" and the like, in every language that VERDICTS speaks: beside a verdict they turn it round.
# Words that say something else in another language of the table are left out (Italian "mai" is May in German).
NEGATIONS: Mapping[str, str] = {
    "English": "not|no|never|non|none|nor|neither|without|cannot|isnt|wasnt|didnt|t",  # won't and isn't fold to "won t"
    "German": "nicht|kein|keine|keiner|keinen|keinem|keines|nie|niemals|ohne|weder",
    "Dutch": "niet|geen|nooit|zonder",
    "French": "pas|sans|non|jamais|aucun|aucune",
    "Spanish": "no|sin|nunca|jamas|ningun|ninguna|ni|tampoco",
    "Portuguese": "nao|sem|nunca|nenhum|nenhuma|nem",
    "Italian": "non|senza|nessun|nessuna|ne",
    "Romanian": "nu|fara|niciodata|nici",
    "Polish": "nie|bez|brak|nigdy|zaden|zadna|ani",
    "Czech": "neni|nebyl|nebyla|nebylo|nebude|nikdy|bez|zadny|zadna|ne",
    "Slovak": "nie|nebol|nebola|nebolo|nikdy|bez|ziadny|ziadna",
    "Slovenian and Croatian": "ni|nije|nisu|ne|bez|brez|nikada",
    "Hungarian": "nem|nincs|sem|soha",
    "Finnish": "ei|eivat|ilman|koskaan",
    "Danish and Norwegian": "ikke|ej|ikkje|aldrig|aldri|ingen|intet|uden|uten",
    "Swedish": "inte|ej|icke|aldrig|ingen|inget|inga|utan",
    "Turkish": "degil|hic|yok|olmadi",  # behind its word: satıldı değil
    "Russian": "не|нет|ни|без|никогда",
    "Ukrainian": "не|ні|нема|немає|без|ніколи",
    "Greek": "δεν|δε|μη|μην|οχι|χωρισ|ποτε",
}
# those that say what is lacking: behind a lost deal its reason ("Lost - no response", "Utracony - brak odpowiedzi")
LACKING = (
    "no|none|without|kein|keine|keiner|keinen|keinem|keines|ohne|geen|zonder|sans|aucun|aucune|sin|ningun|ninguna|sem|"
    "nenhum|nenhuma|senza|nessun|nessuna|fara|bez|brak|zaden|zadna|zadny|ziadny|ziadna|brez|nincs|ilman|ingen|intet|"
    "inget|inga|uden|uten|utan|нет|без|нема|немає|χωρισ|never|jamais|nunca|nigdy|никогда"
)
# that it may still come: beside a verdict by a "not" ("Noch nicht gewonnen", "Not qualified yet") nothing is over
YET = (
    r"\b(?:yet|still|noch|bisher|nog|encore|toujours|aun|todavia|ainda|ancora|inca|jeszcze|nadal|wciaz|zatim|zatial|"
    r"jeste|meg|viela|annu|enda|endnu|fortfarande|fortsatt|henuz|еще|пока|ще|поки|ακομ[αη])\b|"
    "아직|まだ|未だ|尚未|还未|还没|還未|還沒|暂未"
)
# that somebody did not do something is such a reason too ("Didn't respond"); that a thing is not so, or cannot be said,
# turns the verdict round ("isn't final", "can't be confirmed")
NOT_DONE = r"\b(?:didn|couldn|can|hasn|hadn) ?t\b(?! (?:be|been|confirm\w*|say|tell)\b)"
# what may stand beside words of ALONE: that a thing is done
FILLERS = frozenset(
    (
        *("deal", "closed", "completed", "complete", "done", "received", "abgeschlossen", "erhalten", "erteilt"),
        *("realise", "realisee", "cerrado", "cerrada", "fechado", "fechada", "chiuso", "chiusa", "zamkniety"),
    )
)
# who won it, or that somebody cannot be reached: no verdict on the deal
UNSAID = (
    "lost contact|contact lost|kontakt verloren|contact perdu|contacto perdido|contato perdido|utracony kontakt|"
    "kontakt utracony|won by|competit\\w* won|wettbewerb\\w* gewonnen|konkurren\\w* gewonnen|gewonnen von|gagne par|"
    "ganad[oa] por|ganh[oa] por|sold out|will be won|almost won|likely (?:to be )?won|fast gewonnen"
)
# Who else may have won it: beside a word of a win ("Purchased elsewhere", "타사 계약") the deal may be lost to them, or
# won from them, and a person has to say which.
OTHERS = (
    r"\b(?:competitors?|competition|rivals?|elsewhere|(?:some|any)(?:one|body) else|"
    r"(?:other|another|different|third) (?:vendors?|suppliers?|providers?|compan(?:y|ies)|part(?:y|ies)|bidders?)|"
    r"(?:mit)?wettbewerb\w*|mitbewerb\w*|konkurren\w*|woanders|anderswo|anderweitig|"
    r"ander\w* (?:anbieter\w*|lieferant\w*|firma|leverancier\w*|partij\w*)|elders|concurr?en\w*|ailleurs|"
    r"autres? (?:fournisseurs?|prestataires?)|competencia|competidor\w*|otr[oa]s? (?:proveedor\w*|empresas?|lugar)|"
    r"concorren\w*|outr[oa]s? (?:fornecedor\w*|empresas?|lugar)|altrove|altr[oi] fornitor\w*|konkurenc\w*|konkurent\w*|"
    r"gdzie indziej|inn(?:ego|emu|y) dostawc\w*|jinde|inde|versenytars\w*|mashol|kilpailij\w*|muualt?a|muualle|"
    r"(?:ann[ae]n|anden) leveran[dt]or\w*|nagon annan|rakip\w*|rakib\w*|baska firma\w*|"
    r"конкурент\w*|в другом месте|у других|друг\w* поставщик\w*|ανταγωνιστ\w*|αλλου)\b|"
    "경쟁 ?사(?! ?없)|경쟁 ?업체|경쟁자|타사|타 업체|타업체|다른 ?(?:업체|회사|곳)|"
    "他社|競合(?! ?(?:なし|無))|他決|別会社|"
    "竞争|競爭|对手|對手|竞品|友商|别家|別家|他家"
)
# A win that is not for good: promised, or over since.
NOT_FOR_GOOD = (
    r"\b(?:provisional\w*|preliminar\w*|tentativ\w*|conditional\w*|verbally|subject to|terminated|expired|"
    r"vorlaufig\w*|mundlich\w*|unter vorbehalt|gekundigt\w*|abgelaufen|voorlopig\w*|mondeling\w*|opgezegd|"
    r"provisoi?r\w*|resilie\w*|rescindid[oa]s?|verbalmente|condicional\w*|condizionat\w*|wstepn\w*|warunkow\w*|ustnie|"
    r"wypowiedzian\w*|wygas\w*|predbezn\w*|предварительн\w*|расторгнут\w*|попередньо)\b|"
    r"(?:^|\s)가 ?(?:계약|수주)|구두|내시(?!경)|계약 ?(?:종료|해지|만료|해제)|"
    r"仮(?!想)|内示|口頭|契約 ?(?:終了|解除|解約|満了)|"
    r"合同 ?(?:终止|到期|解除)|合約 ?(?:終止|到期)"
)
# An offer that the customer has taken: an order in one company, a step before the contract in another.
OFFERS = (
    r"\b(?:quotes?|quotations?|quoted|proposals?|offers?|estimates?|angebote?|offertes?|devis|proposition|ofertas?|"
    r"propuestas?|cotizacion|presupuestos?|propostas?|proposta|orcamentos?|preventiv[oi]|offert[ae]|ofert[ay]?|nabidk[ay]|"
    r"tilbud|tarjous|teklif|предложение|кп)\b"
)
TAKEN = (
    r"\b(?:accepted|approved|agreed|angenommen\w*|akzeptiert\w*|bestatigt\w*|geaccepteerd|goedgekeurd|akkoord|acceptee?s?|"
    r"approuvee?s?|validee?s?|aceptad[oa]s?|aprobad[oa]s?|aceit[oae]s?|aprovad[oa]s?|accettat[oaie]|approvat[oaie]|"
    r"zaakceptowan\w*|przyjet\w*|zatwierdzon\w*|accepterad|godkand|accepteret|akseptert|godkendt|godkjent|prijat[ay]|"
    r"hyvaksytty|kabul edildi|onaylandi|принят\w*|согласован\w*|одобрен\w*)\b"
)
# what may stand between the two
AUXILIARIES = (
    r"was|is|has|been|were|be|being|got|now|sent|and|fully|formally|verbally|clients?|customer|wurde|ist|werd|und|vom|"
    r"kund\w*|mundlich|gesendet|a|ete|est|et|bien|deja|envoye|fue|ha|sido|y|ya|foi|e|ja|stat[ao]|gia|zostala|byla|jest|je|"
    r"har|blivit|on|en|by|\d+|было|была|клиентом"
)

# Korean, Japanese and Chinese put no blanks between words and name the outcome last: the match that ends last decides
JOINED: Mapping[Standing, str] = {
    "won": (
        "수주|성사|성약|계약|성공|구매|승리|전환|受注|成約|成立|獲得|契約|成功|クローズ済み受注|赢单|贏單|成交|签约|簽約"
    ),
    "lost": (
        "실패|실주|패배|탈락|취소|거절|손실|놓침|거부|포기|失注|敗戦|不成立|失敗|キャンセル|辞退|見送り|断り|却下|"
        "输单|輸單|丢单|失败|流失|放弃"
    ),
    "disqualified": (
        "부적격|자격미달|미자격|부적합|스팸|중복|무효|허위|비적격|不適格|対象外|無効|重複|スパム|非該当|不適合|"
        "无效|不合格|重复|垃圾|無效"
    ),
    "open": (
        "신규|영업기회|재활용|진행|접촉|연락|상담|제안|협상|협의|견적|검토|대기|보류|육성|접수|배정|오픈|열림|활성|유망|잠재|"
        "적격|가망|예정|예상|추진|유력|임박|가능성|목표|발송|송부|예약|약속|미팅|데모|시연|탐색|분석|개발 중|"
        "新規|進行|商談|対応|提案|交渉|見積|着手|コンタクト|連絡|育成|保留|アプローチ|検討|リード|見込|オープン|アポ|"
        "ヒアリング|待ち|予定|確度|可能性|目標|送付|送信|発送|デモ|プレゼン|訪問|"
        "新建|新增|新线索|跟进|进行|联系|谈判|报价|培育|接触|待定"
    ),
}
# an offer that was taken, in the same scripts: 견적 승인, 見積承認済み
JOINED_OFFERS = "견적|제안|見積|提案|报价"
JOINED_TAKEN = "승인|수락|채택|승낙|承認|承諾|受諾|採用|採択|接受|同意|通过"
# what may follow such a word without turning it: that it is done, or what the thing is called
JOINED_DONE = (
    "완료|체결|확정|종료|처리|됨|되었음|했음|함|완|성공|건|고객|결과|"
    "締結|完了|済み?|確定|終了|決定|した|された|案件|完成|了|結果"
)
