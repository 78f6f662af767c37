# `make demo` and `make test` do all their own set-up: a virtual environment in .venv, made with the
# first Python that is new enough. VENV=DIR puts it elsewhere, PYTHON=PROGRAM takes another one.

VENV ?= .venv
PYTHON ?=
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3.14 python3)

BIN := $(VENV)/bin
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test soak lint conformance targets bench clean distclean venv dev

help:
	@echo 'make demo       start SSH hosts on loopback, and run `opsrun exec df --hosts web` on them'
	@echo 'make test       ruff, mypy --strict, the layer check and all tests'
	@echo 'make soak       the property and chaos tests with full counts'
	@echo 'make lint       make test without the tests'
	@echo 'make conformance record anew what ansible-playbook does (installs it, or ANSIBLE_PLAYBOOK=)'
	@echo "make targets    ansible-core's own tests with opsrun in its place, beside what passed before"
	@echo 'make bench      side by side with other tools'
	@echo 'make clean      remove what the others leave, but $(VENV)'
	@echo 'make distclean  remove $(VENV) too'

# The committed inventory is what a newcomer will use, so that is what the demo shows.
demo: venv
	@PATH="$$(cd $(BIN) && pwd):$$PATH"; export PATH; \
	opsrun lab run --dir .lab -- env -u OPSRUN_INVENTORY sh -euc ' \
	  echo "$$ opsrun exec df --hosts web"; \
	  opsrun exec df --hosts web; \
	  echo; \
	  echo "$$ opsrun exec --fold df --hosts web"; \
	  opsrun exec --fold df --hosts web'
	@echo
	@echo 'Those were real SSH servers, and they are gone again. To go on:'
	@echo
	@echo '    . $(BIN)/activate'
	@echo '    opsrun lab up                            # eight hosts: web01-04, db01-02, app01-02'
	@echo '    opsrun exec --hosts web:db -- uptime'
	@echo '    opsrun inventory graph'
	@echo '    opsrun lab down'

# Every check is made, whatever the others say, several at a time; JOBS=1 makes them one by one.
test: dev
	$(BIN)/python tests/tools/together.py $(if $(JOBS),--jobs $(JOBS))

soak: dev
	$(BIN)/pytest -m '' --hypothesis-profile=soak
	$(BIN)/python tests/tools/pytest_gevent.py -m '' --hypothesis-profile=soak tests/contract

lint: dev
	@failed=0; \
	for check in 'ruff check' 'ruff format --check' 'mypy --strict' 'lint-imports'; do \
	  echo "$(BIN)/$$check"; \
	  $(BIN)/$$check || failed=1; \
	done; \
	exit $$failed

# ansible-core lives in an environment of its own, and is run as a program.
conformance: dev
	$(BIN)/python tests/conformance/record.py

# Wants ANSIBLE_SOURCE, ansible-core's unpacked source package; says so, and how to have it.
targets: dev
	$(BIN)/python tests/conformance/targets.py

# Every page of benchmarks/results anew: about an hour and a half on two quiet processors.
bench: dev
	@test -f benchmarks/exec.py || { echo 'there are no benchmarks in this tree' >&2; exit 1; }
	@failed=0; \
	for words in exec.py 'playbook.py --rtt 0,10,50,150' startup.py scale_playbook.py scale.py journal.py; do \
	  echo "python benchmarks/$$words"; \
	  $(BIN)/python benchmarks/$$words || failed=1; \
	done; \
	exit $$failed

clean:
	@if [ -x $(BIN)/opsrun ]; then $(BIN)/opsrun lab down >/dev/null; fi
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -path './.*' -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean
	@rm -rf $(VENV)

venv: $(VENV)/.opsrun-lab
dev: $(VENV)/.opsrun-dev

# Each stamp stands for what pip was told to install, as pyproject.toml had it then.
$(VENV)/.opsrun-lab: EXTRAS := lab
$(VENV)/.opsrun-dev: EXTRAS := lab,dev
$(VENV)/.opsrun-lab $(VENV)/.opsrun-dev: pyproject.toml $(BIN)/python
	@echo 'Installing opsrun and what it needs into $(VENV) ...'
	@$(BIN)/python -m pip install -q -e '.[$(EXTRAS)]' >$@.log 2>&1 </dev/null || { \
	  cat $@.log >&2; \
	  echo 'make: pip could not install opsrun into $(VENV); it says why above.' >&2; \
	  echo 'make: it needs a package index: see `pip config list` and PIP_INDEX_URL.' >&2; \
	  exit 1; }
	@mv $@.log $@

# An environment whose Python has gone (an upgrade, a moved tree) is made anew.
$(BIN)/python:
	@for python in $(PYTHONS); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$python" --version) ..."; \
	    "$$python" -m venv --clear $(VENV); exit; \
	  fi; \
	done; \
	echo 'make: opsrun needs Python 3.11 or newer with its venv module, and found none of:' >&2; \
	echo '      $(PYTHONS)' >&2; \
	echo '      (Debian, Ubuntu: apt-get install python3-venv; or make PYTHON=/path/to/python)' >&2; \
	exit 1
