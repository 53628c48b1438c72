# The commands to remember. CI calls the same ones.
#
#   make run     install what is missing, build, serve the demo fleet on http://127.0.0.1:3000
#   make test    everything: domain, HTTP, contract, browser
#   make watch   rebuild and reload on edit
#   make soak    what is random, a race or long, many times over (GF_SOAK=30)
#   make build   leave dist/: the server with its site files, movable to any folder
#   make bench   the figures of docs/performance.md
#   make bench-mlflow   experiments and runs beside MLflow's own page and interface, in one run
#   make bench-mlflow-faults   pages and REST while MLflow is ended, frozen or answers nonsense
#   make bench-models   the registry of models beside MLflow's own page and interface, in one run
#   make bench-evidence   a comparison of two models beside pandas and scipy, in one run

SHELL := /bin/bash
CACHE := $(or $(GF_CACHE),$(HOME)/.cache/guardianflow)
export CARGO_TARGET_DIR ?= $(CURDIR)/target
export PATH := $(CACHE)/tools/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export GF_PYTHON := $(or $(GF_PYTHON),$(CACHE)/py/bin/python)

.PHONY: run test soak watch build bench bench-mlflow bench-mlflow-faults bench-models bench-evidence setup lint clean

run: setup build
	@GF_DEMO=$${GF_DEMO:-1} dist/guardianflow serve

setup:
	@scripts/setup

build: setup
	@scripts/build

# Where rustup cannot fetch the WebAssembly target, scripts/setup has linked a toolchain called web for that half.
watch:
	@scripts/setup watch
	@echo "An edited page is visible in the browser within seconds; the first build takes about five minutes."
	@if [ ! -d "$$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; then \
	  export RUSTUP_TOOLCHAIN=web LEPTOS_BIN_CARGO_COMMAND="cargo +stable"; fi; \
	GF_DEMO=$${GF_DEMO:-1} cargo leptos watch -- serve

test:
	@scripts/setup test
	@scripts/test

soak:
	@scripts/setup test soak
	@scripts/soak

lint:
	@scripts/setup lint
	@scripts/lint

bench: build
	@scripts/setup test
	@bench/run

bench-mlflow: build
	@scripts/setup test
	@bench/mlflow/run

bench-mlflow-faults: build
	@scripts/setup test
	@bench/mlflow/faults

bench-models: build
	@scripts/setup test
	@bench/models/run

bench-evidence: build
	@bench/evidence/run

clean:
	rm -rf dist target node_modules end2end/results
