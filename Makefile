# connlab's verbs. Each is one call; what it does is in connlab/ (or .ci/, for the tools).
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# What a user gives, a knob of .env or an option of a verb, is never expanded by make: COUNT='$(shell reboot)' is only a
# bad number, and a $ in a value is a $. From the environment it passes through as long as no line here refers to it
# ($(COUNT) would run it), so recipes use the shell's "$$COUNT". From the command line it would be expanded on its way
# to a recipe, so it is defined anew as what was typed. No $(shell) before that: GNU make 4.4 gives it all of these.
# An option that is given and empty is passed on as empty, and refused.
# The names alone, and the goals, are for who looks for one that is misspelt, or another verb's.
override export CONNLAB_MAKE_GOALS := $(if $(filter default,$(origin MAKECMDGOALS)),$(value MAKECMDGOALS))
override export CONNLAB_MAKE_NAMES := $(foreach v,$(.VARIABLES),$(if $(filter command,$(word 1,$(origin $v))),$v))
$(foreach v,$(CONNLAB_MAKE_NAMES),$(if $(findstring $$,$v),,$(eval override export $v := $$(value $v))))

##@ The lab

.PHONY: up
up: .venv/.ready  ## Start the server and its clients (knobs: .env, as CONNLIMIT=3)
	@.venv/bin/lab up

.PHONY: try
try: .venv/.ready  ## Try a firewall or sysctl file of your own (RULES=prod.rules)
	@.venv/bin/lab try --of-make $${EXPECT+--expect "$$EXPECT"} $${KERNEL+--kernel "$$KERNEL"} -- $${RULES+"$$RULES"}

.PHONY: scale-clients
scale-clients: .venv/.ready  ## Run N client hosts: make scale-clients N=20
	@.venv/bin/lab scale -- "$${N-}"

.PHONY: status
status: .venv/.ready  ## Show each host and what its kernel counts
	@.venv/bin/lab status

.PHONY: logs
logs: .venv/.ready  ## Show what the hosts wrote (S=server for one, F=1 to follow)
	@.venv/bin/lab logs $${F+--follow="$$F"} $${S+--service "$$S"}

.PHONY: attempt
attempt: .venv/.ready  ## Dial 20 times, say what happened (CLIENT=2 COUNT=16 HOLD=5)
	@.venv/bin/lab attempt $${CLIENT+--client "$$CLIENT"} $${COUNT+--count "$$COUNT"} $${HOLD+--hold "$$HOLD"} \
	    $${SOURCE+--source "$$SOURCE"}

.PHONY: connect
connect: .venv/.ready  ## Connect to a port, say what happened (TO=server:9 CLIENT=2)
	@.venv/bin/lab connect $${CLIENT+--client "$$CLIENT"} -- $${TO+"$$TO"}

.PHONY: talk
talk: .venv/.ready  ## Type to the server from a client host, Ctrl-D ends (CLIENT=2)
	@.venv/bin/lab talk $${CLIENT+--client "$$CLIENT"}

.PHONY: sockets
sockets: .venv/.ready  ## Try every socket family and type, send a message (CLIENT=2)
	@.venv/bin/lab sockets $${CLIENT+--client "$$CLIENT"}

.PHONY: restart
restart: .venv/.ready  ## Restart the server in its namespace (REUSE_ADDRESS=0)
	@.venv/bin/lab restart

.PHONY: down
down: .venv/.ready  ## Stop the lab and remove all that it made
	@.venv/bin/lab down

.PHONY: doctor
doctor: .venv/.ready  ## Check that this machine can run the lab, and say how to mend it
	@.venv/bin/lab doctor

##@ Checks

.PHONY: test
test: .typed  ## Run the tests, in labs of their own
	@.venv/bin/python -m pytest -n 5 --dist loadgroup --no-loadscope-reorder -m 'not variation' tests

.PHONY: test-all
test-all: .typed  ## Run every test, also the same in other circumstances (CI does)
	@.venv/bin/python -m pytest -n 6 --dist loadgroup --no-loadscope-reorder tests

.PHONY: tools
tools: .typed  ## Install what some tests need: Compose 2, 5, Chromium (as root)
	@.ci/tools

.PHONY: time-wait
time-wait: .typed  ## Run the TIME_WAIT experiments (80 s), print what settings do
	@.venv/bin/python -m pytest --quiet tests/time_wait || { status=$$?; .venv/bin/lab effects; exit $$status; }
	@.venv/bin/lab effects

.PHONY: claims
claims: .venv/.ready  ## Show each claim with its newest verdict (RUN=runs/<UTC>)
	@.venv/bin/lab claims $${RUN+--run "$$RUN"}

.PHONY: report
report: .venv/.ready  ## Draw the charts of a run as HTML pages (RUN=runs/<UTC>)
	@.venv/bin/lab report -- $${RUN+"$$RUN"}

.PHONY: unit
unit: .typed  ## Run the tests that need no Docker (seconds)
	@.venv/bin/python -m pytest -n 4 --dist loadgroup tests/unit

.PHONY: lint
lint: .typed  ## Run every linter
	@.ci/lint

.PHONY: kernels
kernels: .venv/.ready  ## Measure claims on other kernels (KERNELS='6.12.57')
	@set -f; .venv/bin/lab kernels $${CLAIMS+--claims "$$CLAIMS"} -- $${KERNELS-}

.PHONY: truth-at-scale
truth-at-scale: .venv/.ready  ## Dial from thousands of sources, judge each (SOURCES=1024)
	@.venv/bin/lab truth-at-scale $${SOURCES+--sources "$$SOURCES"} $${IN_FLIGHT+--in-flight "$$IN_FLIGHT"}

.PHONY: bench
bench: .typed  ## Measure speed and scale, side by side with peers
	@.venv/bin/python -m bench

.PHONY: speed
speed: .typed  ## Measure connections a second beside a C program
	@.venv/bin/python -m bench.speed

.PHONY: hold
hold: .typed  ## Hold 10,000 to 250,000 connections, measure what each costs
	@.venv/bin/python -m bench.hold

.PHONY: latency
latency: .typed  ## Measure requests and answers beside asyncio and uvloop
	@.venv/bin/python -m bench.latency

.PHONY: rule-cost
rule-cost: .typed  ## Measure what a limit costs a dial, by what its source holds
	@.venv/bin/python -m bench.rule_cost

##@ The house

.PHONY: help
help:  ## Show this list
	@awk -F ':.*## ' '/^##@/ {print "\n" substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' \
	    Makefile

.PHONY: pages
pages: .venv/.ready  ## Write the newest verdicts into the docs (RUN=runs/<UTC>)
	@.venv/bin/lab pages $${RUN+--run "$$RUN"}

.PHONY: lock
lock:  ## Pin the Python tools anew, from pyproject.toml
	@.ci/lock

.PHONY: clean
clean:  ## Remove unused images, Python tools and caches (runs/ stays)
	@[[ ! -x .venv/bin/lab ]] || .venv/bin/lab clean || true
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Folders are no verbs: `make tests` did nothing, and said that it had ended well.
.PHONY: client connlab docs firewall namespaces probes runs server sysctl tests
client connlab docs firewall namespaces probes runs server sysctl tests:
	@echo "make: $@ is a folder, not a verb; next: make help" >&2; exit 2

# Of verbs that do not call the lab first, which looks at what was typed.
.PHONY: .typed
.typed: .venv/.ready
	@.venv/bin/lab typed

.venv/.ready: pyproject.toml requirements.lock
	@.ci/venv
