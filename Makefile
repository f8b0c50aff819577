# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Everything goes through here. It needs git, make and a Python (3.11 or newer); the rest comes from the package index
# that pip is set to use. `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

# PYTHON=/path/to/python3 takes that Python instead of the newest fit one found; ARGS=... is handed to the one tool.
PYTHON ?=
ARGS ?=

# Any Python that runs will do to start tools/make_venv.py, which then looks for the best one.
define START
for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python \
	"$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.*/bin/python3; do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1; then exec "$$python" $(1); fi; \
done; echo "No Python found: install Python 3.11 or newer, or say make PYTHON=/path/to/python3" >&2; exit 1
endef

CHECKS := .venv/bin/python tools/checks.py
PARTS := ruff mypy yamllint ansible-lint licenses changelog docs-check build sanity integration molecule units

.PHONY: help venv venv-esri test test-esri matrix importers venv-importers bench fleet soak awx lint $(PARTS) install gate roles \
	api site clean venv-docs docs

help: ## Explain every target (this list)
	@echo 'Usage: make TARGET [PYTHON=/path/to/python3] [ARGS="for the one tool"]'; echo
	@sed -n 's/^\([a-z-][a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '  %-14s %s\n' "$$name" "$$text"; done

gate: venv install ## Try the gate: against a rehearsal site of its own, or, with ARCGIS_URL and ARCGIS_USERNAME, yours
	@.venv/bin/python tools/gate_demo.py $(ARGS)

test: venv ## Run all checks, and print what ran and how long each part took
	@$(CHECKS) all

test-esri: venv venv-esri ## Compare with Esri's own client for Python (installs it: about 320 MB)
	@$(CHECKS) esri --args='$(ARGS)'

matrix: venv ## ansible-core 2.16 and 2.18 to 2.22 (two hours on two cores; ARGS="--core 2.16 --part units" runs some of it)
	@.venv/bin/python tools/matrix.py $(ARGS)

importers: venv venv-importers ## What Galaxy, Automation Hub and the community package look at (ARGS="-s docs-check": of nox)
	@$(CHECKS) importers --args='$(ARGS)'

bench: venv venv-esri ## Compare speed, requests and memory with the alternatives (15 minutes; ARGS=--quick: one; ARGS=--help)
	@PYTHONPATH=tools .venv/bin/python -m bench $(ARGS)

fleet: venv ## One gate over 200 rehearsal sites (some minutes)
	@FLEET_SITES=200 $(CHECKS) units --args='tests/playbooks/test_fleet.py -k many_sites -s --timeout 600'

soak: venv ## Many thousands of random faults, in either dialect, against the gate's promise (half an hour and more)
	@STEP_LIMIT=36000 PROMISE_SCHEDULES="$${PROMISE_SCHEDULES:-10000}" PROMISE_FIRST="$${PROMISE_FIRST:-$$(date +%s)}" \
		$(CHECKS) units --args='tests/unit/test_promise.py -k good_moment -n 2 -rP --timeout 0 $(ARGS)'

awx: venv ## Run awx_setup with the modules of awx.awx on a simulated AWX (downloads 56 MB once)
	@$(CHECKS) awx --args='$(ARGS)'

venv: ## Make .venv with the newest fit Python and ansible-core (again only when the requirements change)
	@$(call START,tools/make_venv.py .venv -r tests/requirements/dev.txt --python "$(PYTHON)" --show ansible-core)

venv-esri: ## Make .venv-esri, with Esri's client
	@$(call START,tools/make_venv.py .venv-esri -r tests/requirements/esri.txt --no-deps arcgis==2.4.4 \
		--limit 3.13 --python "$(PYTHON)" --show arcgis)

venv-importers: ## Make .venv-importers and .venv-nox, with galaxy-importer and antsibull-nox
	@$(call START,tools/make_venv.py .venv-importers -r tests/requirements/importers.txt \
		--limit 3.13 --python "$(PYTHON)" --show galaxy-importer)
	@$(call START,tools/make_venv.py .venv-nox -r tests/requirements/nox.txt \
		--limit 3.13 --python "$(PYTHON)" --show antsibull-nox)

lint: venv ## ruff, mypy, yamllint and ansible-lint (profile production)
	@$(CHECKS) lint

ruff: venv ## Python style and format
	@$(CHECKS) ruff

mypy: venv ## Python types (strict)
	@$(CHECKS) mypy

yamllint: venv ## YAML style
	@$(CHECKS) yamllint

ansible-lint: venv ## Roles, playbooks and scenarios, profile production
	@$(CHECKS) ansible-lint

units: venv ## Unit tests, in random order, with coverage; ARGS="tests/unit/... -k name" runs some of them
	@$(CHECKS) units --args='$(ARGS)'

sanity: venv ## ansible-test sanity; ARGS="--test validate-modules" runs one of them
	@$(CHECKS) sanity --args='$(ARGS)'

integration: venv ## ansible-test integration against the rehearsal site; ARGS="target" runs one of them
	@$(CHECKS) integration --args='$(ARGS)'

molecule: venv ## Scenarios of the roles; ARGS="scenario" runs one of them
	@$(CHECKS) molecule --args='$(ARGS)'

docs-check: venv ## The documentation of plugins and roles
	@$(CHECKS) docs-check

licenses: venv ## Every file says its licence (REUSE)
	@$(CHECKS) licenses

changelog: venv ## Changelog fragments
	@$(CHECKS) changelog

build: venv ## Build the collection, install it into a scratch folder, and load everything from there
	@$(CHECKS) build

install: venv ## Build the collection and install it into .cache/collections
	@$(CHECKS) install

roles: venv ## Write what the roles repeat of the options' documentation; ARGS="--check" only looks
	@.venv/bin/python tools/roles.py $(ARGS)

api: venv ## Write what users build on into tests/unit/api_snapshot.json, which a test compares (docs/upgrades.md)
	@GISOPS_API=write $(CHECKS) units --args='tests/unit/test_api_snapshot.py -k snapshot_says'

site: venv ## Run the rehearsal site; ARGS="--help" lists its options
	@PYTHONPATH=tests/site .venv/bin/python -m rehearsal_site $(ARGS)

docs: venv-docs ## Build the documentation site into .cache/docs/html; ARGS=--widths looks at it with Chromium too
	@PYTHONPATH=tools .venv-docs/bin/python -m docs_site $(ARGS)

venv-docs: ## Make .venv-docs, with Sphinx
	@$(call START,tools/make_venv.py .venv-docs -r tests/requirements/docs.txt --python "$(PYTHON)" --show sphinx)

clean: ## Remove what these targets have made in this folder
	rm -rf .venv .venv.lock .venv-esri .venv-esri.lock .venv-importers .venv-importers.lock .venv-nox .venv-nox.lock \
		.venv-docs .venv-docs.lock .cache .nox .ansible tests/output gisops-arcgis-*.tar.gz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
