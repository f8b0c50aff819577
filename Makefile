# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A thin face of noxfile.py. It needs git, make and a Python (3.11 or newer); the rest comes from the package index that
# pip is set to use. PYTHON=/path/to/python3 takes that Python; ARGS=... is handed to the one tool.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
export PYTHON ?=
ARGS ?=
NOX = .venv/bin/nox --non-interactive --reuse-existing-virtualenvs $(if $(ARGS),--session $(1) -- $(ARGS),--session $(1)) </dev/null
SESSIONS := lint types units build install integration playbooks full sanity molecule docs awx matrix mutation

.PHONY: help venv gate test test-all test-esri bench soak fleet api roles site importers clean $(SESSIONS)

help: ## Explain every target (this list)
	@sed -n 's/^\([a-z-][a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'
	@echo '  $(SESSIONS):'; echo '                 one part each, ARGS="for the one tool"; .venv/bin/nox --list explains them'

venv: ## Make .venv with the newest fit Python (again only if the requirements change)
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.*/bin/python3; do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then exec "$$python" tools/bootstrap.py; fi; \
	done; echo 'No Python found: install Python 3.11 or newer, or say make PYTHON=/path/to/python3' >&2; exit 1

gate: install ## Try the gate: on a rehearsal site of its own, or, with ARCGIS_URL and ARCGIS_USERNAME, on yours
	@.venv/bin/python tools/gate_demo.py $(ARGS)

test: venv ## What to run at each change: style, types, fast tests, build, integration
	@$(call NOX,lint types units build integration)

test-all: venv ## What test leaves out: tests of whole playbooks, tests in full size, sanity, importers, documentation
	@$(call NOX,playbooks full molecule sanity extra-checks build-import-check docs)

importers: venv ## What Galaxy, Automation Hub and the community package look at
	@$(call NOX,extra-checks build-import-check)

test-esri: venv ## Compare with Esri's own client for Python (installs it: about 320 MB)
	@$(call NOX,esri)

$(SESSIONS): venv
	@$(call NOX,$@)

bench: venv ## Compare speed, requests and memory with the alternatives (ARGS=--quick shows that it works)
	@$(call NOX,bench)

soak: venv ## Play 10,000 random schedules of faults in each dialect against the gate's promise (PROMISE_SCHEDULES)
	@PROMISE_SCHEDULES="$${PROMISE_SCHEDULES:-10000}" PROMISE_FIRST="$${PROMISE_FIRST:-$$(date +%s)}" \
		.venv/bin/nox -s units -- tests/unit/test_promise.py -k good_moment -n 2 -rP --timeout 0 $(ARGS)

fleet: venv ## One gate over 200 rehearsal sites (some minutes)
	@FLEET_SITES=200 .venv/bin/nox -s playbooks -- tests/playbooks/test_fleet.py -k many_sites -s --timeout 600

api: venv ## Write what users build on into tests/unit/api_snapshot.json, which a test compares
	@GISOPS_API=write .venv/bin/nox -s units -- tests/unit/test_api_snapshot.py -k snapshot_says

roles: venv ## Write what the roles repeat of the options' documentation; ARGS="--check" only looks
	@.venv/bin/python tools/roles.py $(ARGS)

site: venv ## Run the rehearsal site; ARGS="--help" lists its options
	@PYTHONPATH=tests/site .venv/bin/python -m rehearsal_site $(ARGS)

clean: ## Remove what these targets have made in this folder
	rm -rf .venv .venv.lock .cache .nox .ansible tests/output gisops-arcgis-*.tar.gz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
