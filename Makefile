# connlab's verbs. Each is one call; what it does is in lab/ (or .ci/, for the tools).
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

PYTHON ?= python3
LAB := .venv/bin/lab

# What a user may give: the knobs of .env and the options of the verbs. They travel in the
# environment and are quoted "$$N", never pasted into a command, so `N='3; reboot'` is only a bad
# number; and they are taken as typed, so a $ in one is a $.
KNOBS := $(shell sed -n 's/^\([A-Z_]*\)=.*/\1/p' .env)
OPTIONS := N S F CLIENT COUNT HOLD TO RUN
$(foreach v,$(KNOBS) $(OPTIONS),$(if $(filter command,$(word 1,$(origin $v))),$(eval override export $v := $$(value $v))))

##@ The lab

.PHONY: up
up: .venv/.ready  ## Start the server and its clients (knobs: .env, e.g. CONNLIMIT=3)
	@$(LAB) up

.PHONY: scale-clients
scale-clients: .venv/.ready  ## Run N client hosts: make scale-clients N=20
	@$(LAB) scale -- "$${N-}"

.PHONY: status
status: .venv/.ready  ## Show each host and what its kernel counts
	@$(LAB) status

.PHONY: logs
logs: .venv/.ready  ## Show what the hosts wrote (S=server for one service, F=1 to follow)
	@$(LAB) logs $(if $F,--follow) $(if $S,--service "$$S")

.PHONY: attempt
attempt: .venv/.ready  ## Dial once and say what happened (CLIENT=2 COUNT=16 HOLD=5)
	@$(LAB) attempt $(if $(CLIENT),--client "$$CLIENT") $(if $(COUNT),--count "$$COUNT") $(if $(HOLD),--hold "$$HOLD")

.PHONY: connect
connect: .venv/.ready  ## Resolve and connect to a port, say what happened (TO=server:9 CLIENT=2)
	@$(LAB) connect $(if $(CLIENT),--client "$$CLIENT") -- $(if $(TO),"$$TO")

.PHONY: talk
talk: .venv/.ready  ## Type to the server from a client host, Ctrl-D ends (CLIENT=2)
	@$(LAB) talk $(if $(CLIENT),--client "$$CLIENT")

.PHONY: sockets
sockets: .venv/.ready  ## Try every socket family and type, and send a message through each (CLIENT=2)
	@$(LAB) sockets $(if $(CLIENT),--client "$$CLIENT")

.PHONY: down
down: .venv/.ready  ## Stop the lab and remove all that it made
	@$(LAB) down

.PHONY: doctor
doctor: .venv/.ready  ## Check that this machine can run the lab, and say how to mend it
	@$(LAB) doctor

##@ Checks

.PHONY: test
test: .venv/.ready  ## Run every test, in labs of their own
	@.venv/bin/python -m pytest -n 4 --dist loadgroup tests

.PHONY: time-wait
time-wait: .venv/.ready  ## Run the TIME_WAIT experiments (80 s) and print what each setting does
	@.venv/bin/python -m pytest --quiet tests/time_wait || { status=$$?; $(LAB) effects; exit $$status; }
	@$(LAB) effects

.PHONY: claims
claims: .venv/.ready  ## Show what the last run said of each claim, with its evidence
	@$(LAB) claims

.PHONY: report
report: .venv/.ready  ## Draw the charts of a run as HTML pages in its folder (RUN=runs/<UTC>)
	@$(LAB) report $(if $(RUN),-- "$$RUN")

.PHONY: unit
unit: .venv/.ready  ## Run the tests that need no Docker (seconds)
	@.venv/bin/python -m pytest -n 4 --dist loadgroup tests/unit

.PHONY: lint
lint: .venv/.ready  ## Run every linter
	@.ci/lint

.PHONY: bench
bench: .venv/.ready  ## Measure speed and scale, side by side with peers
	@.venv/bin/python -m bench

##@ The house

.PHONY: help
help:  ## Show this list
	@awk -F ':.*## ' '/^##@/ {print "\n" substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' \
	    $(MAKEFILE_LIST)

.PHONY: pages
pages: .venv/.ready  ## Write a whole run's verdicts into README.md and docs/ (RUN=runs/<UTC>)
	@$(LAB) pages $(if $(RUN),--run "$$RUN")

.PHONY: lock
lock:  ## Pin the Python tools anew, from pyproject.toml
	@PYTHON="$(PYTHON)" .ci/lock

.PHONY: clean
clean:  ## Remove the Python tools and every cache (runs/ stays)
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.ready: pyproject.toml requirements.lock
	@PYTHON="$(PYTHON)" .ci/venv
