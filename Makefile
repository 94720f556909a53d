# `make run` and `make test` are all one needs; both make the virtual environment first.
PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin
# Two processes, the tests of a file in one, because they share a server or a cluster.
BY_FILE := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: run test check bench pretrain ready-made

run: .venv/run
	$(BIN)/streamlit run streamlit_app.py --server.port $(PORT)

test: .venv/test .venv/browser
	$(BIN)/pytest -n 2 -m "not browser and not cluster"
	$(BIN)/pytest $(BY_FILE) -m browser
	$(BIN)/pytest $(BY_FILE) -m cluster

check: .venv/test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/test
	$(BIN)/python -m benchmarks

pretrain: .venv/run
	$(BIN)/python -m kobert_demo.pretraining

ready-made: .venv/run
	$(BIN)/python -m kobert_demo.ready_made

.venv/run: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -r requirements.txt
	touch $@

.venv/test: .venv/run requirements-dev.txt
	$(BIN)/pip install --quiet -r requirements-dev.txt
	touch $@

# Only what several machines need; without it the tests of it are skipped.
.venv/cluster: .venv/test requirements-cluster.txt
	$(BIN)/pip install --quiet -r requirements-cluster.txt
	touch $@

# Debian's Chromium if it is there, else Playwright's own; without either the browser tests are skipped.
.venv/browser: .venv/test
	command -v chromium || $(BIN)/playwright install chromium || echo "no browser: its tests are skipped"
	touch $@
