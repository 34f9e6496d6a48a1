# make demo        set up .venv, train on the bundled sample corpus, evaluate, tag an article
# make check       linters, types and the fast tests: under a minute, for whoever is writing
# make test        linters, types and the whole test suite
# make docs        build the documentation into site/, strictly
# make coverage    the whole suite, measuring which lines and branches it runs; details go to htmlcov/
# make wheel-test  build the wheel, install it alone into a fresh environment, and use it there
# make bench       measure speed and memory, ours beside others, of the model in RUN (default: one
#                  trained on the sample corpus); about half an hour on an idle machine. training.py
#                  and tokenization.py are left out: they need configurations and CoNLL-2003
#
# make reliability kill trainings, mutate files and open hostile ones, for about 20 minutes; the suite
#                  contains a short form
#
# All but wheel-test work in .venv, made by the first Python of at least 3.11 below, or by PYTHON.

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done)
BIN := .venv/bin
RUN := runs/sample
WORKERS := --numprocesses 2 --dist worksteal
unexport PYTHONPATH  # another checkout on it would be tested instead of this one

.PHONY: demo check test docs lint types fast suite coverage wheel-test bench reliability clean

demo: .venv/installed
	rm -rf $(RUN)
	@echo; echo "== Training on data/sample (two minutes or so)"
	$(BIN)/tagger train --train data/sample/train.conll --dev data/sample/dev.conll $(RUN)
	@echo; echo "== Evaluating on sentences it has never seen"
	$(BIN)/tagger evaluate $(RUN) data/sample/test.conll
	@echo; echo "== Tagging data/sample/article.txt"
	$(BIN)/tagger predict $(RUN) data/sample/article.txt
	@echo; cat data/sample/next.txt

# Linters and types run beside the tests, not before them.
check: .venv/installed
	@$(MAKE) --no-print-directory --jobs=3 lint types fast

test: .venv/installed
	@$(MAKE) --no-print-directory --jobs=3 lint types suite

docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lint: .venv/installed
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .

types: .venv/installed
	$(BIN)/mypy

fast: .venv/installed
	$(BIN)/pytest $(WORKERS) -m "not slow"

suite: .venv/installed
	$(BIN)/pytest $(WORKERS)

coverage: .venv/installed
	$(BIN)/pytest $(WORKERS) --cov --cov-report=term:skip-covered --cov-report=html

wheel-test: .venv/installed
	$(BIN)/python tests/wheel.py

bench: .venv/installed $(RUN)/manifest.json
	$(BIN)/python benchmarks/peers.py
	@echo; $(BIN)/python benchmarks/prediction.py $(RUN)
	@echo; $(BIN)/python benchmarks/language_models.py
	@echo; $(BIN)/python benchmarks/training_peer.py
	@echo; $(BIN)/python benchmarks/start.py $(RUN)
	@echo; $(BIN)/python benchmarks/memory.py $(RUN)
	@echo; $(BIN)/python benchmarks/growth.py --plot $(RUN)/growth.png
	@echo; $(BIN)/python benchmarks/decoding.py
	@echo; $(BIN)/python benchmarks/recurrent.py
	@echo; $(BIN)/python benchmarks/vocabulary.py

reliability: .venv/installed
	$(BIN)/python -m benchmarks.reliability

$(RUN)/manifest.json: | .venv/installed
	$(BIN)/tagger train --train data/sample/train.conll --dev data/sample/dev.conll $(RUN)

.venv/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[test]"
	@touch $@

clean:
	rm -rf .venv runs build dist site htmlcov .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
