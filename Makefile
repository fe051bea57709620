# One task list: people and CI call these.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA := benchmarks/data
RIDDLE := sample_logs/manifests/article
# The folders with an extension, each of all C files in its `_compiled`.
EXTENSIONS := src/envoylogs/reading/decoders src/envoylogs/grouping
# With the folder itself, which changes when a file is renamed or taken out of it.
COMPILED := hatch_build.py $(EXTENSIONS:%=%/_compiled) $(wildcard $(EXTENSIONS:%=%/_compiled/*))
STORIES := first-steps lost-route scanners-and-tls canary
# A worker more than cores, since those with a browser, an Envoy or a program that is killed wait a
# good part of their time; each file whole in one: what its tests share is made once. Files are
# taken in the order of their names, in which those with few but long tests come early.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
IN_PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# How long each fuzzer runs.
SECONDS ?= 600
# What is run once more with the reference decoder, where the compiled one is there; laws ask both.
OF_DECODERS := -m "not property" tests/unit/reading tests/cases

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types layers docs docs-check format bench samples notebooks soak fuzz sanitize clean

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.package ## Run the main job on the sample logs of a real Envoy
	@for story in $(STORIES); do \
	  echo; echo "== sample_logs/$$story"; \
	  $(BIN)/envoylogs summarize sample_logs/$$story --table findings || exit 1; \
	done
	@echo; echo "== why sample_logs/article got 404, by the objects that were applied"; echo
	$(BIN)/envoylogs explain sample_logs/article --config $(RIDDLE)/gateway.yaml \
	  --config $(RIDDLE)/virtualservice-before.yaml
	@echo; echo "== the whole summary of sample_logs/canary"; echo
	$(BIN)/envoylogs summarize sample_logs/canary

test: check ## Check everything and run all tests
	$(BIN)/python -m pytest $(IN_PARALLEL)
	ENVOYLOGS_DECODER=reference $(BIN)/python -m pytest $(IN_PARALLEL) $(OF_DECODERS)

check: lint types layers docs-check ## Run all checks that need no test

lint: $(VENV)/.dev ## Check format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/.dev ## Put the format right
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/.dev ## Check types
	$(BIN)/mypy

layers: $(VENV)/.dev ## Check that imports point down
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/.dev ## Refresh the generated parts of the documents
	$(BIN)/cog -r -I docs README.md docs/*.md docs/findings/*.md docs/causes/*.md docs/envoylogs.1

docs-check: $(VENV)/.dev
	$(BIN)/cog --check -I docs README.md docs/*.md docs/findings/*.md docs/causes/*.md docs/envoylogs.1

bench: $(VENV)/.dev ## Measure every stage and the whole command on 500,000 lines
	$(BIN)/python -m benchmarks.run

samples: $(VENV)/.dev ## Make the sample logs of the lab's stories again, with a real Envoy (3 minutes)
	$(BIN)/python -m lab.samples

notebooks: $(VENV)/.dev ## Run the notebooks anew and keep what they print (needs chromium for pictures)
	$(BIN)/python docs/notebooks.py

soak: $(VENV)/.dev ## Run the property tests for long, with many more examples, then fuzz and sanitize
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest $(IN_PARALLEL) -m "property" -q
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest tests/integration/test_object_stores.py tests/integration/test_dask.py -q
	$(MAKE) fuzz sanitize

fuzz: $(VENV)/.dev ## Fuzz the compiled decoder, alone and against the reference (SECONDS=600 each; clang)
	$(BIN)/python -m tests.fuzzing --seconds $(SECONDS)
	$(BIN)/python -m tests.fuzzing.equality --seconds $(SECONDS) --seed $$(date +%j)

sanitize: $(VENV)/.dev ## Run tests of what is compiled with AddressSanitizer and UBSan (gcc)
	$(BIN)/python -m tests.fuzzing.sanitized

clean: ## Remove what can be made again
	rm -rf $(VENV) build dist $(DATA) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -f $(EXTENSIONS:%=%/_compiled_*.*so) $(EXTENSIONS:%=%/_compiled_*.*pyd)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/.package: $(VENV)/bin/python pyproject.toml $(COMPILED)
	$(BIN)/python -m pip install --quiet --editable .
	@$(BIN)/envoylogs --version
	touch $@

$(VENV)/.dev: $(VENV)/.package
	$(BIN)/python -m pip install --quiet --group dev
	touch $@
