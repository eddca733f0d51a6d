# Two commands make everything: `make env`, `make replicate`. `make` alone explains the rest.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help env data-check replicate test slow bench simulate audit readme verify accept paper lock clean

# Python keeps what it has compiled, in .venv and __pycache__: imports take a third of the time.
unexport PYTHONDONTWRITEBYTECODE

# What a result must not depend on: threads, hash order, a display, settings in the home folder.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export PYTHONHASHSEED := 0
export MPLBACKEND := Agg
export MPLCONFIGDIR := $(CURDIR)/replication/.cache/matplotlib

python := .venv/bin/python
ready := .venv/.complete
only := $(if $(ONLY),--only "$(ONLY)")
force := $(if $(FORCE),--force)
smoke := $(if $(SMOKE),--smoke)
cores := $(if $(CORES),--cores $(CORES))
bench := replication/.cache/benchmark

help: ## this list
	@echo "make <target>; options in brackets"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' Makefile

env: $(ready) ## make .venv from requirements.lock [PYTHON=/path/to/python3]
	@echo ".venv is complete: $$($(python) --version)"

# The last line marks the environment as complete, so one that was interrupted is made afresh.
$(ready): requirements.lock pyproject.toml
	@python=$$(sh replication/find_python.sh) || exit 1; \
	rm -rf .venv && \
	if command -v uv >/dev/null 2>&1; then \
	    echo "making .venv with uv and $$python" && \
	    uv venv --quiet --python "$$python" .venv && \
	    uv pip install --quiet --python $(python) --require-hashes -r requirements.lock && \
	    uv pip install --quiet --python $(python) --no-deps --no-build-isolation -e .; \
	else \
	    echo "making .venv with pip and $$python (about a minute)" && \
	    "$$python" -m venv .venv && \
	    $(python) -m pip install --quiet --disable-pip-version-check \
	        --require-hashes -r requirements.lock && \
	    $(python) -m pip install --quiet --disable-pip-version-check \
	        --no-deps --no-build-isolation -e .; \
	fi
	@touch $(ready)

data-check: $(ready) ## compare every file of data/ with data/MANIFEST.sha256
	@$(python) replication/run.py --only data

replicate: $(ready) ## make every table, figure and number, the paper and the verdict [ONLY=13A] [FORCE=1] [CORES=2] [SMOKE=1]
	@$(python) replication/run.py $(only) $(force) $(cores) $(smoke)

test: $(ready) ## style, types, layers of import and the test suite
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	.venv/bin/lint-imports --no-logo
	$(python) -m pytest

slow: $(ready) ## run the long tests that `make test` leaves out (minutes)
	$(python) -m pytest -m slow

bench: $(ready) ## time the package beside its peers, a quarter of an hour [QUICK=1, two minutes] [MILLION=1]
	@mkdir -p $(bench)
ifdef MILLION
	@for units in 250000 1000000; do \
	    $(python) tests/benchmark/million_units.py --units $$units --folder $(bench)/$$units \
	        --report $(bench)/$$units.json || exit 1; rm -r $(bench)/$$units; \
	done
	@$(python) tests/benchmark/report.py --million $(bench)/250000.json $(bench)/1000000.json
else
	@NUMBA_NUM_THREADS=1 RAYON_NUM_THREADS=1 $(python) -m pytest tests/benchmark \
	    $(if $(QUICK),--quick) --benchmark-json=$(bench)/run.json
	@$(python) tests/benchmark/report.py $(bench)/run.json $(if $(QUICK),--into $(bench))
endif

simulate: $(ready) ## run the Monte Carlo behind Table 18 into replication/simulation (a quarter of an hour)
	@$(python) replication/simulate.py

audit: $(ready) ## check that the package is whole and clean: files, licences, sources, names, nothing unused
	@$(python) replication/audit.py

readme: $(ready) ## write the generated parts of README.md anew
	@$(python) replication/readme.py

verify: $(ready) ## compare replication/output with the accepted numbers; writes VERDICT.md and index.html
	@$(python) replication/verify.py

accept: $(ready) ## make the present output the accepted numbers (give the reason in CHANGELOG.md)
	@$(python) replication/verify.py --accept

paper: $(ready) ## build the paper from replication/output
	@$(python) replication/run.py --only paper

lock: ## resolve requirements.in again into requirements.lock (needs uv)
	@command -v uv >/dev/null 2>&1 || { echo "make lock needs uv on PATH" >&2; exit 1; }
	uv pip compile --quiet --upgrade --universal --python-version 3.12 --generate-hashes \
	    --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	    requirements.in -o requirements.lock

clean: ## remove what is made and not committed: .venv, caches, logs, data/derived
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	rm -rf data/derived replication/.cache replication/log
	find ccec_econ replication tests -type d -name __pycache__ -prune -exec rm -rf {} +
