"""Cold starts: `tagger predict` of one sentence, `import tagger`, `tagger --help`, and Python
alone; seconds and peak memory.

    python benchmarks/start.py RUN [--rounds 9]

Each in a new process, in turns; medians. All packages are compiled before, as an installation does.
"""

from __future__ import annotations

import argparse
import compileall
import sys
import tempfile
from pathlib import Path
from statistics import median

import processes
import rounds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    packages = [path for path in sys.path if path.endswith("site-packages")]
    for folder in (str(rounds.ROOT / "tagger"), *packages):
        compileall.compile_dir(folder, quiet=2, workers=0)
    with tempfile.TemporaryDirectory() as folder:
        sentence = Path(folder) / "sentence.txt"
        sentence.write_text("Anna Keller lives in Oslo.\n", encoding="utf-8")
        commands: dict[str, list[str | Path]] = {
            "tagger predict, float32": processes.predict(
                options.run, sentence, "--precision", "float32"
            ),
            "tagger predict, int8": processes.predict(options.run, sentence, "--precision", "int8"),
            "import tagger": [sys.executable, "-c", "import tagger"],
            "tagger --help": [sys.executable, "-m", "tagger.cli.main", "--help"],
            "python -c pass": [sys.executable, "-c", "pass"],
        }
        took: dict[str, list[processes.Took]] = {name: [] for name in commands}
        for number in range(options.rounds + 1):
            for name, command in commands.items():
                found = processes.run(command)
                if number:  # the first fills the system's file cache
                    took[name].append(found)
    formats = {"seconds": ".2f", "processor": ".2f", "memory": ".0f"}
    rows = [
        [name, *(f"{median(getattr(each, c) for each in runs):{f}}" for c, f in formats.items())]
        for name, runs in took.items()
    ]
    print(rounds.table(["what", "seconds", "of processor time", "peak MB"], rows))


if __name__ == "__main__":
    main()
