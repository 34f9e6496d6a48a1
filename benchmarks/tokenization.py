"""Which library should turn raw English text into sentences and tokens? Prints the comparison in
Markdown.

    python benchmarks/tokenization.py [--shared FOLDER] [--repeat 5]

Gold standard: CoNLL-2003 English, development and test set (`corpora/conll2003` in the shared
folder; the rules of tagger were written looking at the training set only). Its raw text is not
published, so `rebuild` glues the tokens together as newswire is usually typed. What that does to
the figures: each blank that no rule there removes is a token border given away (above all at
hyphens and in tables), so all are too high, and by the same for every library. A sentence that does
not end in `.`, `?` or `!` (headline, dateline, table row) gets its own line, whose end is not
counted, because nobody has to find it.

Timings are of one process; "first sentence" is import and first use in a new one. Memory is known
on Linux only. Libraries that are not installed are skipped and named.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib import import_module, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# This file is named like a library that it measures: its own folder must not be searched for
# imports.
sys.path[:] = [str(ROOT)] + [p for p in sys.path if Path(p or ".").resolve() != ROOT / "benchmarks"]

Spans = list[tuple[int, int]]
Run = Callable[
    [str], tuple[Spans | None, Spans | None]
]  # tokens, sentences; None: the library has none

LEFT = re.compile(
    r"[.,;:?!)\]%]|\.{2,}|n't|'(?:s|re|ve|m|ll|d)", re.IGNORECASE
)  # no blank before these
RIGHT = re.compile(r"[(\[]|[A-Z]{0,3}\$")  # no blank after these


def documents(path: Path) -> Iterator[list[list[str]]]:
    """The documents of a CoNLL file, each a list of sentences, each a list of tokens."""
    for document in re.split(
        r"^-DOCSTART-.*$", path.read_text(encoding="utf-8"), flags=re.MULTILINE
    ):
        blocks = (block.splitlines() for block in document.strip().split("\n\n"))
        if sentences := [[line.split(" ")[0] for line in lines] for lines in blocks if lines]:
            yield sentences


def glued(tokens: list[str], quoted: dict[str, bool]) -> list[bool]:
    """For each token: does it follow its predecessor directly? `quoted`: which quotation marks are
    open.
    """
    result, after = [], False
    for i, token in enumerate(tokens):
        before = after or bool(LEFT.fullmatch(token))
        after = bool(RIGHT.fullmatch(token))
        if token == "/" and i and tokens[i - 1][-1].isalpha():
            before = after = True
        if token in quoted:
            plural = token == "'" and i > 0 and tokens[i - 1][-1] in "sS" and not quoted[token]
            # Newswire opens the quotation again at each paragraph, so a mark at the beginning
            # always opens.
            closing = i > 0 and (plural or quoted[token])
            quoted[token] = not closing
            before, after = before or closing, not closing
        result.append(before)
    return result


def rebuild(document: list[list[str]]) -> tuple[str, Spans, Spans]:
    """Raw text of a document, its token spans and its sentence spans."""
    text, quoted = "", {'"': False, "'": False}
    tokens: Spans = []
    sentences: Spans = []
    stranded: list[str] = []
    for sentence in document:
        words, first = stranded + sentence, len(tokens)
        joined = glued(words, quoted)
        # The corpus often leaves the mark that opens the next sentence at the end of this one.
        stranded = [words.pop()] if words[-1] == '"' and quoted['"'] and len(words) > 1 else []
        for word, direct in zip(words, joined, strict=False):
            text += "" if direct or text[-1:] in ("", "\n") else " "
            tokens.append((len(text), len(text) + len(word)))
            text += word
        sentences.append((tokens[first][0], len(text)))
        if not text.rstrip("\"')]").endswith((".", "?", "!")):
            text, quoted = text + "\n", dict.fromkeys(quoted, False)
    return text, tokens, sentences


def align(text: str, surfaces: Iterable[str]) -> Spans:
    """Spans of surfaces, found one after the other, for libraries without offsets; others are
    lost.
    """
    spans, at = [], 0
    for surface in surfaces:
        start = text.find(surface, at)
        if start >= 0 and surface:
            at = start + len(surface)
            spans.append((start, at))
    return spans


def flat(sentences: list[Spans]) -> tuple[Spans, Spans]:
    """The tokens of all sentences, and the span of each sentence."""
    return [t for s in sentences for t in s], [(s[0][0], s[-1][1]) for s in sentences if s]


def load_tagger() -> Run:
    *_, tokenizers = map(import_module, ("regex", "sentencex", "tagger.text.tokenizers"))
    tokenizer = tokenizers.get(tokenizers.DEFAULT)
    return lambda text: flat(list(tokenizer(text)))


def load_spacy() -> Run:
    nlp = import_module("spacy").blank("en")
    nlp.add_pipe("sentencizer")
    return lambda text: flat(
        [[(t.idx, t.idx + len(t)) for t in s if not t.is_space] for s in nlp(text).sents],
    )


def load_syntok() -> Run:
    analyze = import_module("syntok.segmenter").analyze
    return lambda text: flat(
        [
            [(t.offset, t.offset + len(t.value)) for t in s]
            for paragraph in analyze(text)
            for s in paragraph
        ],
    )


def load_blingfire() -> Run:
    fire = import_module("blingfire")
    both = (fire.text_to_words_with_offsets, fire.text_to_sentences_and_offsets)
    return lambda text: (list(both[0](text)[1]), list(both[1](text)[1]))


def load_bert() -> Run:
    pieces = import_module("tokenizers.pre_tokenizers").BertPreTokenizer()
    return lambda text: ([span for _, span in pieces.pre_tokenize_str(text)], None)


def load_nltk() -> Run:
    nltk = import_module("nltk.tokenize")
    words = nltk.NLTKWordTokenizer().span_tokenize
    sentences = (
        nltk.PunktSentenceTokenizer().span_tokenize
    )  # its trained models are a separate download
    # The word rules split the full stop at the very end only, so they must see one sentence at a
    # time.
    return lambda text: flat(
        [[(a + i, a + j) for i, j in words(text[a:b])] for a, b in sentences(text)]
    )


def load_segtok() -> Run:
    by, module = import_module("segtok.segmenter").split_single, import_module("segtok.tokenizer")
    of, cut = module.word_tokenizer, module.split_contractions
    return lambda text: flat(
        [
            [(a + i, a + j) for i, j in align(text[a:b], cut(of(text[a:b])))]
            for a, b in align(text, by(text))
        ],
    )


def load_pysbd() -> Run:
    segment = import_module("pysbd").Segmenter(language="en", clean=False, char_span=True).segment
    return lambda text: (None, [(s.start, s.end) for s in segment(text)])


def load_nupunkt() -> Run:
    find = import_module("nupunkt").sent_spans

    def run(text: str) -> tuple[Spans | None, Spans | None]:
        spans, start = [], 0
        for line in text.splitlines(keepends=True):
            spans += [(start + a, start + b) for a, b in find(line) if line[a:b].strip()]
            start += len(line)
        return None, spans

    return run


def load_sentencex() -> Run:
    find = import_module("sentencex").get_sentence_boundaries
    return lambda text: (None, [(s["start_index"], s["end_index"]) for s in find("en", text)])


def load_icu() -> Run:
    icu = import_module("icu4py.breakers")
    return lambda text: (
        [(a, b) for a, b in icu.WordBreaker(text, "en").segments() if not text[a:b].isspace()],
        list(icu.SentenceBreaker(text, "en").segments()),
    )


PEERS: dict[str, tuple[str, Callable[[], Run]]] = {
    "tagger: sentencex + one pattern of regex": ("sentencex regex", load_tagger),
    "spaCy, blank + sentencizer": ("spacy", load_spacy),
    "syntok": ("syntok", load_syntok),
    "BlingFire": ("blingfire", load_blingfire),
    "tokenizers, Bert": ("tokenizers", load_bert),
    "NLTK, untrained Punkt": ("nltk", load_nltk),
    "segtok (aligned)": ("segtok", load_segtok),
    "pysbd": ("pysbd", load_pysbd),
    "nupunkt, line by line": ("nupunkt", load_nupunkt),
    "sentencex alone": ("sentencex", load_sentencex),
    "ICU (icu4py)": ("icu4py", load_icu),
}

ODD = re.split(
    r"\|",
    "Emoji 😀👩\u200d👩\u200d👧 🇩🇪. Yes.|e\u0301te\u0301 \u0301 cafe\u0301. Ok.|zero\u200bwidth, "
    "co\u00adop"
    "|\ufeffmark.|hard\u00a0blank,\u202fthin.|one\u2028two\u2029three\x85four. Five.|nul\x00in a "
    "word."
    "|lone \ud800 surrogate.|unit\x1fand\x1crecord marks.|one.\r\nTwo\rthree.\n\n\tFour|½ ① Ⅷ "
    "İstanbul ß. ǅ"
    "|שלום עולם. مرحبا، \u202eright\u202c."
    "|\"Quoted\", ``so'' and ''so''. it's don't <b> [x]|你好。世界",
)


def exact(name: str, run: Run) -> int:
    """On how many of the odd texts the offsets are right and nothing is lost; an exception is a
    failure.
    """
    from tagger.text.tokenizers import validated

    def spans(text: str) -> list[Spans]:
        tokens, sentences = run(text)
        return [(sentences or []) if tokens is None else tokens]

    good = 0
    for text in ODD:
        with suppress(Exception):  # whatever a library throws at odd text is its failure
            list(validated(spans, name)(text))
            good += 1
    return good


def agreement(run: Run, corpus: list[tuple[str, Spans, Spans]]) -> list[str]:
    """F1 (precision / recall) in percent, of the token spans and of the sentence ends within a
    line.
    """
    hits, found, gold = [0, 0], [0, 0], [0, 0]
    for text, *truth in corpus:
        for i, (right, ours) in enumerate(zip(truth, run(text), strict=True)):
            if ours is None:
                continue
            a, b = set(right), set(ours)
            if (
                i == 1
                # A sentence ends after its last visible character; the end of a line is free.
            ):
                ends = (
                    {(0, s + len(text[s:e].rstrip())) for s, e in spans} for spans in (right, ours)
                )
                a, b = (
                    {x for x in xs if text[x[1] :].lstrip(" ")[:1] not in ("", "\n")} for xs in ends
                )
            hits[i], found[i], gold[i] = hits[i] + len(a & b), found[i] + len(b), gold[i] + len(a)
    return [
        f"{200 * h / (f + g):.2f} ({100 * h / f:.1f} / {100 * h / g:.1f})" if f else "-"
        for h, f, g in zip(hits, found, gold, strict=True)
    ]


def cold(load: Callable[[], Run]) -> tuple[float, float]:
    """Milliseconds and megabytes that loading and the first sentence cost in this process."""
    statm = Path("/proc/self/statm")

    def resident() -> float:
        pages = int(statm.read_text().split()[1]) if statm.exists() else float("nan")
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    before, start = resident(), time.perf_counter()
    load()("Teddy Roosevelt was a great President.")
    return 1e3 * (time.perf_counter() - start), resident() - before


def installed(names: Iterable[str], seen: dict[str, int]) -> None:
    """Add to `seen` the bytes on disk of these packages and of all that they need, where
    installed.
    """
    for name in names:
        key = re.split(r"[^\w.-]", name, maxsplit=1)[0].lower().replace("_", "-")
        if key in seen or not (found := next(iter(metadata.distributions(name=key)), None)):
            continue
        paths = (Path(str(file.locate())) for file in found.files or [])
        seen[key] = sum(path.stat().st_size for path in paths if path.is_file())
        installed((need for need in found.requires or [] if "extra" not in need), seen)


def row(name: str, corpus: list[tuple[str, Spans, Spans]], repeat: int) -> str:
    """One line of the table."""
    packages, load = PEERS[name]
    try:
        run = load()
    except ImportError as error:
        return f"| {name} | not installed, skipped: {error} |"
    seconds, starts, sizes = [], [], dict[str, int]()
    for _ in range(repeat):
        start = time.perf_counter()
        for text, *_ in corpus:
            run(text)
        seconds.append(time.perf_counter() - start)
        fresh = subprocess.check_output([sys.executable, __file__, "--cold", name], text=True)
        starts.append([float(figure) for figure in fresh.split()])
    speed = sum(len(tokens) for _, tokens, _ in corpus) / statistics.median(seconds)
    wait, memory = map(statistics.median, zip(*starts, strict=True))
    installed(packages.split(), sizes)
    cells = [name, " + ".join(map(metadata.version, packages.split())), *agreement(run, corpus)]
    cells += [
        f"{speed:,.0f}",
        f"{exact(name, run)} of {len(ODD)}",
        f"{wait:.0f} ms",
        f"{memory:.0f} MB",
    ]
    return f"| {' | '.join(cells)} | {sum(sizes.values()) / 1e6:.1f} MB, {len(sizes)} packages |"


def main() -> None:
    """Print the table, a row for each library that is installed."""
    parser = argparse.ArgumentParser(
        description="Compare libraries that divide raw text, in Markdown."
    )
    shared = Path(os.environ.get("TAGGER_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=shared, help="where corpora/conll2003 is")
    parser.add_argument("--repeat", type=int, default=5, help="of each timing; the median is shown")
    parser.add_argument("--cold", choices=PEERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cold:
        print(*cold(PEERS[options.cold][1]))
        return
    paths = [options.shared / "corpora" / "conll2003" / name for name in ("eng.testa", "eng.testb")]
    if not all(path.is_file() for path in paths):
        parser.error(
            f"no {paths[0]} or {paths[1].name}; name the folder with --shared or TAGGER_SHARED"
        )
    corpus = [rebuild(document) for path in paths for document in documents(path)]
    print(
        "| library | version | tokens: F1 (P / R) | sentence ends: F1 (P / R) | tokens/s |", end=""
    )
    print(" exact on odd Unicode | first sentence | memory | installed |\n" + "|---" * 9 + "|")
    for name in PEERS:
        print(row(name, corpus, options.repeat), flush=True)


if __name__ == "__main__":
    main()
