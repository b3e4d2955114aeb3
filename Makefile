# Every target sets itself up on a bare machine with Python 3.11 to 3.13.
PYTHON ?= python3
SOURCE ?= demo
DATA_DIR ?= data
VENV := .venv
BIN := $(VENV)/bin
UV := uv==0.13.9
TEST_REPORT ?= .cache/test-report.xml
JOBS ?= 2
LOCK := --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes

export NUMBA_CACHE_DIR ?= $(CURDIR)/.cache/numba
export MLFLOW_DISABLE_TELEMETRY := true
unexport PYTHONDONTWRITEBYTECODE # the tests start many processes: each would compile anew what it imports
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run serve test prove coverage shots picture notebooks docs lint hooks check bench lock release clean help
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"leadscore needs Python 3.11 to 3.13; {sys.executable} is {v[0]}.{v[1]}. Try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(UV)

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --no-deps -e .
	$(BIN)/python -m compileall -q features models pipelines serving
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements-dev.lock
	$(BIN)/uv pip install --quiet --no-deps -e .
	$(BIN)/python -m compileall -q features models pipelines serving
	@touch $@ $(VENV)/.run

run: $(VENV)/.run ## run the whole pipeline on a source (SOURCE=demo, bank_sample, bank, ...)
	$(BIN)/leadscore run --source $(SOURCE) --data-dir $(DATA_DIR)

serve: $(VENV)/.run ## serve the API and pages for a source that was run
	$(BIN)/leadscore serve --source $(SOURCE) --data-dir $(DATA_DIR)

test: $(VENV)/.dev ## run the tests in tiny settings
	@bash .ci/system
	@mkdir -p .cache
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not prove" --junitxml=$(TEST_REPORT)

prove: $(VENV)/.dev ## run the long rehearsals and store their figures under .cache/prove
	@bash .ci/system
	@mkdir -p .cache/prove
	$(BIN)/python -m pytest -m prove -p no:randomly -o junit_family=xunit1 --junitxml=.cache/prove/report.xml

COVERED ?= tests features models pipelines serving
coverage: $(VENV)/.dev ## run the tests and print how much of each room they run (COVERED=folders: only these tests)
	@bash .ci/system
	@mkdir -p .cache/coverage
	$(BIN)/python -m pytest $(COVERED) -n $(JOBS) --dist worksteal -m "not prove" --cov --cov-report=
	@for room in features models pipelines serving; do printf '%-10s %s %%\n' $$room $$($(BIN)/coverage report --include="$$room/*" --format=total); done
	@printf '%-10s %s %%\n' total $$($(BIN)/coverage report --format=total)
	$(BIN)/coverage html --quiet -d .cache/coverage/html

picture: $(VENV)/.dev ## draw the picture of docs/architecture.md anew from the code
	$(BIN)/python -m tests.reference.architecture_picture

SHOTS := worklist-1280 card-1280 card-390 short-1280 thresholds-1280 rubric-tried-1280 team-1280 model-1280
shots: $(VENV)/.dev ## take the pictures of docs/roles anew
	@bash .ci/system
	LEADSCORE_SCREENSHOTS=.cache/screenshots $(BIN)/python -m pytest tests/browser/test_pages_roles.py -p no:randomly
	for name in $(SHOTS); do cp .cache/screenshots/$$name.png docs/roles/images/; done

notebooks: $(VENV)/.dev ## install the kernel of the notebooks for your Jupyter, and pair each with its script
	$(BIN)/python -m ipykernel install --user --name leadscore --display-name leadscore
	$(BIN)/jupytext --quiet --sync notebooks/*.py
	@echo 'Open notebooks/ in JupyterLab or VS Code and choose the kernel leadscore.'

docs: $(VENV)/.dev ## build the site of docs/ into .cache/site (LEADSCORE_REPOSITORY: address that links to code lead to)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo 'Look at it: $(BIN)/python -m http.server -d .cache/site'

lint: $(VENV)/.dev ## style, types, import directions, and what bandit finds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python -m tests.reference.bandit_findings

hooks: $(VENV)/.dev ## run ruff, import-linter and mypy before every commit
	$(BIN)/pre-commit install

check: lint test ## lint and test

PAGE ?= .cache/bench/bench.md
bench: $(VENV)/.dev ## write a page of figures: machine, versions, rates of a finished run, ratios (PAGE=file)
	$(BIN)/python -m tests.benchmarks.bench_page --out $(PAGE) --source $(SOURCE) --data-dir $(DATA_DIR)

lock: | $(BIN)/python ## compile the host-free, hashed lock files
	$(BIN)/uv pip compile pyproject.toml --extra spark --extra postgres --extra demo --extra dvc --extra oidc --group dev --group docs $(LOCK) -o requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml -c requirements-dev.lock $(LOCK) -o requirements.lock

release: $(VENV)/.dev ## build source archive and wheel of the version, if the changelog speaks of it
	@bash .ci/release

clean: ## remove the environment and caches; data stay
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
