# Everything goes through .venv/bin/python -m ..., never through scripts in .venv/bin: their first line breaks
# in a folder with a space or a long path. For the same reason all paths here are relative.

PYTHON ?=
ARGS ?=
DEMO ?=
QUICK ?=
ONLY ?=
GROWTH ?=
PGLEDGER ?=
HORDAK ?=
LIGHTHOUSE ?=
SEED ?=
ROWS ?=
MINUTES ?= 20
FAULTS ?=
OUT ?= report.json

VENV = .venv
PY = .venv/bin/python
STAMP = .venv/installed

.PHONY: help run test torture machines long drill setup lint check format bench screenshots stop reset clean lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: setup ## start everything and show where; Ctrl-C ends it (DEMO=large for a big programme)
	@$(PY) -m app.cli run $(if $(DEMO),--demo $(DEMO)) $(ARGS)

# One process more than there are cores, four at most: a fifth of the time a test only waits. In the order of the
# folders: else the files of few tests, which are the longest, came last, and one process would end alone. Compiled
# modules are kept even where the environment says otherwise: each process a test starts would compile all again.
TOGETHER = -n $$($(PY) -c "import os; print(min(4, 1 + os.cpu_count()))") --dist loadfile --no-loadscope-reorder

test: export PYTHONDONTWRITEBYTECODE =
test: setup ## run all tests, on several cores (ARGS="tests/base -k word" for some, on one)
	@$(PY) -m pytest $(if $(ARGS),$(ARGS),$(TOGETHER))

torture: setup ## faults by seed under load, SEED=7 MINUTES=20 FAULTS=db-kill,redis-hang OUT=report.json; see docs/proof.md
	@$(PY) -m tests.torture --seed $(or $(SEED),7) --minutes $(MINUTES) --faults "$(FAULTS)" --out "$(OUT)" $(ARGS)

machines: setup ## two webs and two workers, one of each killed; ONLY=kill,pooled,restart,migrations,upgrade; see docs/many-machines.md
	@$(PY) -m tests.machines $(if $(ONLY),--only $(ONLY)) $(ARGS)

long: setup ## the long tests, about three quarters of an hour (SEED=number to draw the same again)
	@LONG=1 SEED=$(SEED) $(PY) -m pytest -m "torture or drawn" -s $(ARGS)

drill: setup ## lose the database's disk under load and restore it to the last posting (ROWS=1000000 for a big one)
	@$(PY) -m bench.drill $(if $(ROWS),--rows $(ROWS)) $(ARGS)

setup: $(STAMP) ## make .venv with exactly the packages of requirements.lock

lint: setup ## check format, style, types and the order of imports
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) -c "from importlinter.cli import lint_imports_command as check; check(['--no-logo'])"

check: lint test ## lint, then test

format: setup ## bring all code into the common format
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

bench: setup ## measure; QUICK=1 in a minute, ONLY=part, GROWTH=10m, rivals with PGLEDGER=folder, HORDAK=1, pages with LIGHTHOUSE=folder
	$(PY) -m bench $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) $(if $(GROWTH),--growth $(GROWTH)) \
		$(if $(PGLEDGER),--pgledger $(PGLEDGER)) $(if $(HORDAK),--hordak) $(if $(LIGHTHOUSE),--lighthouse $(LIGHTHOUSE))

screenshots: setup ## pictures of the main screens, in docs/screens (ONLY=words of their names); needs Chromium
	$(PY) -m tests.journeys.screenshots $(ONLY)

stop: ## end what runs in the background for this folder
	@if [ -x $(PY) ]; then $(PY) -m app.cli stop; else echo "Nothing to stop: there is no .venv yet."; fi

reset: setup ## throw the local data away and make fresh demo data
	@$(PY) -m app.cli reset --yes

clean: ## end what runs, then remove .venv and all local data
	@if [ -f $(STAMP) ]; then $(PY) -c "from pathlib import Path; from base import local; local.remove(Path('.jifen'))"; fi
	rm -rf .venv .venv-lock .jifen .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

lock: ## look for newer packages and write requirements.lock anew
	@$(find_python); rm -rf .venv-lock; "$$python" -m venv .venv-lock
	@.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@.venv-lock/bin/python -m uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-header --no-emit-index-url --upgrade --quiet --output-file requirements.lock
	@rm -rf .venv-lock; echo "requirements.lock is fresh; now: make check"

$(STAMP): requirements.lock pyproject.toml
	@$(find_python); if ! $(PY) -c "" 2>/dev/null; then rm -rf .venv; "$$python" -m venv .venv; fi
	@rm -f $(STAMP); total=$$(grep -c "^[a-z].*==" requirements.lock); \
	echo "Installing $$total packages into .venv: about half a minute."; \
	{ PIP_USER=0 $(PY) -m pip install --no-input --disable-pip-version-check --no-warn-script-location \
		--progress-bar off --require-hashes --only-binary :all: -r requirements.lock 2>&1; echo "exit $$?"; } \
	| awk '!/^exit / { said = said $$0 "\n" } \
		/^Collecting / && ++count % 25 == 0 { print "  " count " found"; fflush() } \
		/^Installing collected/ { print "  unpacking"; fflush() } \
		END { if ($$0 != "exit 0") { printf "%s", said; exit 1 } }'
	@printf '%s\n' '#!/bin/sh' 'root=$$(cd "$$(dirname "$$0")/../.." && pwd)' \
		'PYTHONPATH="$$root" exec "$$root/.venv/bin/python" -m app.cli "$$@"' > .venv/bin/jifen; chmod +x .venv/bin/jifen
	@touch $(STAMP)

# Sets $$python to a Python that is new enough and can make virtual environments.
define find_python
python=; for each in $(PYTHON) python3.11 python3.12 python3.13 python3 python3.14; do \
	if "$$each" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then python=$$each; break; fi; done; \
if [ -z "$$python" ]; then echo "jifen needs Python 3.11 or newer with its venv module (Debian, Ubuntu:" \
	"apt install python3-venv). Found none; you can also say: make setup PYTHON=/path/to/python3" >&2; exit 1; fi
endef
