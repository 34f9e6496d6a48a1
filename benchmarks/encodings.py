"""How often the advice for a text that is not UTF-8 is right, beside charset-normalizer.

    python benchmarks/encodings.py

Each sentence is encoded as a whole and as its first three words, in every encoding listed for it.
Right means that the recommended encoding decodes the text as it was; unsure, that several
encodings are named, or none.
"""

from __future__ import annotations

import charset_normalizer

from tagger.text.opening.guessing import candidates

SENTENCES = [
    ("cp1252 mac-roman", "Die Universität Tübingen eröffnet im Frühjahr ein größeres Gebäude."),
    ("cp1252", "La forêt brûlée renaîtra peut-être l’été prochain, espère le garde à Béziers."),
    ("cp1252", "Mañana saldrá el tren de Málaga a Córdoba; según él, tardará menos."),
    ("cp1252", "A inundação atingiu três regiões, mas não há vítimas, disse João."),
    ("cp1252", "Sarà perché l’università è già chiusa: così tornò a Forlì."),
    ("cp1252", "Byrådet på Færøerne vil også støtte skolen i Tórshavn, så børnene får plads."),
    ("cp1252", "Äitini löysi pöydältä kynän, mutta isä etsi yhä lääkäriä Jyväskylästä."),
    ("cp1252", "They’re “open” all year – it’s £6, or €7 at the door…"),
    ("cp1252", "The river doesn’t freeze, Ms Hale said."),
    ("cp1250 iso-8859-2", "Wójt gminy ogłosił, że most będzie czynny już za trzy tygodnie."),
    ("cp1250 iso-8859-2", "Starosta Třebíče řekl, že škola bude v úterý ještě zavřená."),
    ("cp1250 iso-8859-2", "A győri tűzoltók szerint a raktárépület teteje előző este gyulladt ki."),
    ("cp1254", "Müdür, öğrencilerin çoğunun sınavı geçtiğini ve ödül alacağını söyledi."),
    ("cp1257", "Valdība šodien apsprieda jauno likumu, kas stāsies spēkā jūlijā."),
    ("cp1253 iso-8859-7", "Ο δήμαρχος της Πάτρας ανακοίνωσε ότι το λιμάνι θα ανοίξει αύριο."),
    (
        "cp1251 koi8-r cp866 iso-8859-5",
        "Поезд из Казани прибыл вечером, сообщил начальник вокзала.",
    ),
    ("cp1251", "Учора мер Львова відкрив нову школу, її будували чотири роки."),
    ("cp1255", "התזמורת תנגן מחר בערב בחיפה לפני קהל גדול."),
    ("cp1256", "وصل الوزير إلى مدينة فاس مساء يوم الخميس."),
    ("cp874", "รถไฟจากเชียงใหม่มาถึงสถานีเมื่อคืนนี้"),
    ("gb18030", "昨天晚上，火车从成都到了西安，车站里有很多人。"),
    ("big5", "昨天晚上，火車從高雄到了台中，車站裡有很多人。"),
    ("shift_jis euc-jp", "昨夜、電車が京都に着くと、駅前にはたくさんの人がいた。"),
    ("euc-kr", "어젯밤 대전에서 온 기차가 도착하자 역에는 사람이 많았다."),
]


def outcome(data: bytes, text: str, names: list[str]) -> str:
    """Return right, unsure or wrong for the encodings that were recommended."""
    if len(names) != 1:
        return "unsure"
    return "right" if data.decode(names[0], "replace") == text else "wrong"


def main() -> None:
    """Print a table."""
    counts = {
        (by, size): dict.fromkeys(("right", "unsure", "wrong"), 0)
        for by in ("tagger", "charset-normalizer")
        for size in ("sentence", "three words")
    }
    for encodings, sentence in SENTENCES:
        for encoding in encodings.split():
            for size in ("sentence", "three words"):
                text = sentence
                if size == "three words":
                    text = " ".join(text.split()[:3]) if " " in text else text[:6]
                data = text.encode(encoding, "replace")
                text = data.decode(encoding)
                if text.isascii():
                    continue
                best = charset_normalizer.from_bytes(data).best()
                counts["tagger", size][outcome(data, text, candidates(data))] += 1
                guess = [best.encoding] if best else []
                counts["charset-normalizer", size][outcome(data, text, guess)] += 1
    for (by, size), row in counts.items():
        print(f"{by:<20}{size:<13}", *(f"{count:>3} {name}" for name, count in row.items()))


if __name__ == "__main__":
    main()
