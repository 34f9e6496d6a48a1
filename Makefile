# make demo   set up .venv, train on the bundled sample corpus, evaluate, tag an article
# make test   set up .venv, run the whole test suite, linters included
# make bench  measure speed and memory, ours beside others, of the model in RUN (default: one trained on the sample corpus); about half
#             an hour on an idle machine. training.py and tokenization.py are left out: they need configurations and CoNLL-2003

PYTHON ?= python3.11
BIN := .venv/bin
RUN := runs/sample
unexport PYTHONPATH  # another checkout on it would be tested instead of this one

.PHONY: demo test bench clean

demo: .venv/installed
	rm -rf $(RUN)
	@echo; echo "== Training on data/sample (a minute or two)"
	$(BIN)/tagger train --train data/sample/train.conll --dev data/sample/dev.conll $(RUN)
	@echo; echo "== Evaluating on sentences it has never seen"
	$(BIN)/tagger evaluate $(RUN) data/sample/test.conll
	@echo; echo "== Tagging data/sample/article.txt"
	$(BIN)/tagger predict $(RUN) data/sample/article.txt
	@echo; cat data/sample/next.txt

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses 2 --dist worksteal

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

$(RUN)/manifest.json: | .venv/installed
	$(BIN)/tagger train --train data/sample/train.conll --dev data/sample/dev.conll $(RUN)

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[test]"
	@touch $@

clean:
	rm -rf .venv runs .hypothesis .mypy_cache .pytest_cache .ruff_cache
