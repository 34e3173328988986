# The commands of kmpeye. Each does its own set-up from a fresh checkout; a second call is instant. `make help` lists them.
# Everything made goes to .venv, .tools and build.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TYPINGS := .tools/typings/.ready

# What the commands are told; docs in tools/run --help, tools/flash --help and tools/deploy --help.
METER ?= multical21
PORT ?=
HTTP_PORT ?= 8080
INTERVAL ?=
DEVICE ?=

# Tools carry no suffix: their first line says what they are.
PYTHON_TOOLS = $(shell grep -sd skip -lE '^\#!.*python' tools/*)
SH_TOOLS = $(shell grep -sd skip -lE '^\#!.*/(ba)?sh' tools/* .ci/*)

.DEFAULT_GOAL := help
.PHONY: help setup run test lint format size bench build flash key bundle deploy repl monitor backup bench-device clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## the Python environment, and MicroPython where it can be had
	@tools/get_micropython || true

run: $(READY)  ## the firmware reading a simulated meter: METER=multical21 PORT= HTTP_PORT=8080
	@tools/get_micropython >/dev/null
	@METER='$(METER)' PORT='$(PORT)' HTTP_PORT='$(HTTP_PORT)' INTERVAL='$(INTERVAL)' $(BIN)/python tools/run

# With CI=true every part has to be there; elsewhere what is missing is said and its tests are skipped.
test: $(READY)  ## all tests: CPython, MicroPython in 64 and in 32 bits
	@if [ "$$CI" = true ] || [ "$$(id -u)" = 0 ]; then tools/install_system || [ "$$CI" != true ]; fi
	@tools/get_micropython || [ "$$CI" != true ]
	@$(BIN)/pytest -q -n 2

lint: $(READY) $(TYPINGS)  ## style, types against the chip's own library, MicroPython syntax
	@$(BIN)/ruff check -q . $(PYTHON_TOOLS)
	@$(BIN)/ruff format -q --check . $(PYTHON_TOOLS) || { $(BIN)/ruff format --diff . $(PYTHON_TOOLS); exit 1; }
	@$(BIN)/python tools/build --check
	@mkdir -p build && $(BIN)/mypy
	@for file in $(SH_TOOLS); do $$(sed -n '1s/^#!//p' $$file) -n $$file || exit 1; done

format: $(READY)  ## puts the code into the style that lint asks for
	@$(BIN)/ruff check -q --fix-only . $(PYTHON_TOOLS)
	@$(BIN)/ruff format . $(PYTHON_TOOLS)

build: $(READY)  ## build/flash and build/firmware.romfs: what goes onto the chip
	@$(BIN)/python tools/build

size: build  ## flash and heap of each module, measured
	@tools/get_micropython >/dev/null
	@$(BIN)/python tools/size

bench: build  ## speed and memory against their limits, into build/bench.json
	@tools/get_micropython
	@$(BIN)/python tools/bench

flash: $(READY)  ## MicroPython onto a chip, erasing it: DEVICE=/dev/ttyUSB0 BOARD=esp32-devkitc [FIRMWARE=file.bin]
	@$(BIN)/python tools/flash '$(DEVICE)'

key: $(READY)  ## the key that updates are signed with, made once
	@$(BIN)/python tools/key

bundle: build  ## build/kmpeye-VERSION.bundle: an update for the page of a device
	@$(BIN)/python tools/bundle

deploy: $(READY)  ## copies the firmware onto a chip: DEVICE=/dev/ttyUSB0
	@$(BIN)/python tools/deploy '$(DEVICE)'

repl: $(READY)  ## the prompt of a board: DEVICE=/dev/ttyUSB0
	@$(BIN)/python tools/board repl '$(DEVICE)'

monitor: $(READY)  ## what a board prints: DEVICE=/dev/ttyUSB0
	@$(BIN)/python tools/board monitor '$(DEVICE)'

bench-device: build  ## measures on a board: DEVICE=/dev/ttyUSB0, or DEVICE=unix
	@$(BIN)/python tools/bench_device '$(DEVICE)'

backup: $(READY)  ## the files of a board into build/backup: DEVICE=/dev/ttyUSB0
	@$(BIN)/python tools/board backup '$(DEVICE)'

clean:  ## removes all that was made, .venv and .tools too
	rm -rf build .venv .tools .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

$(READY): pyproject.toml tools/requirements
	@PYTHON='$(PYTHON)' tools/install_system venv
	@$(PYTHON) -m venv $(VENV)
	@echo "installing the Python packages of pyproject.toml into $(VENV)"
	@$(BIN)/python tools/requirements test > $(VENV)/requirements.txt
	@$(BIN)/pip install -qq --disable-pip-version-check -r $(VENV)/requirements.txt
	@touch $@

$(TYPINGS): pyproject.toml $(READY)
	@rm -rf $(@D)
	@$(BIN)/python tools/requirements typings > $(VENV)/typings.txt
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --target $(@D) -r $(VENV)/typings.txt
	@touch $@
