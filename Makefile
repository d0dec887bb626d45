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
SEED ?=

VENV = .venv
PY = .venv/bin/python
STAMP = .venv/installed

.PHONY: help run test torture setup lint check format bench stop reset clean lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

run: setup ## start everything and show where; Ctrl-C ends it (DEMO=large for a big programme)
	@$(PY) -m app.cli run $(if $(DEMO),--demo $(DEMO)) $(ARGS)

test: setup ## run all tests, on several cores (ARGS="tests/base -k word" for some, on one)
	@$(PY) -m pytest $(if $(ARGS),$(ARGS),-n auto --maxprocesses 4 --dist loadfile)

torture: setup ## the ledger's long tests, about half an hour (SEED=number to draw the same again)
	@SEED=$(SEED) $(PY) -m pytest -m torture -s $(ARGS)

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

bench: setup ## measure; QUICK=1 in a minute, ONLY=part, GROWTH=10m, rivals with PGLEDGER=folder, HORDAK=1
	$(PY) -m bench $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) $(if $(GROWTH),--growth $(GROWTH)) \
		$(if $(PGLEDGER),--pgledger $(PGLEDGER)) $(if $(HORDAK),--hordak)

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
