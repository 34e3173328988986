# The commands of kmpeye. Each does its own set-up from a fresh checkout; a second call is instant. `make help` lists them.
# Everything made goes to .venv, .tools and build.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TYPINGS := .tools/typings/.ready
OLDEST := .tools/oldest/.ready

# What the commands are told; docs in tools/run --help, tools/flash --help and tools/deploy --help.
METER ?= multical21
PORT ?=
HTTP_PORT ?= 8080
INTERVAL ?=
DEVICE ?=

# Home Assistant's newest releases want the newest Pythons; without one, an older release is taken.
HA_VENV := .venv-ha
HA_PYTHON ?= $(firstword $(foreach version,3.14 3.13 3.12 3.11,$(shell for python in python$(version) \
  $(HOME)/.pyenv/versions/$(version)*/bin/python3; do $$python -c 'import venv' 2>/dev/null && echo $$python && break; done)))

# Tools carry no suffix: their first line says what they are.
PYTHON_TOOLS = $(shell grep -sd skip -lE '^\#!.*python' tools/*)
SH_TOOLS = $(shell grep -sd skip -lE '^\#!.*/(ba)?sh' tools/* .ci/*)

# The one package the tests take from npm: it looks at the page as those do who check it for accessibility.
NPM := .tools/npm
AXE := axe-core@4.11.0

.DEFAULT_GOAL := help
.PHONY: help setup run test npm test-ha lint format size bench soak soak-real build flash key bundle deploy repl monitor backup bench-device clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(READY) $(OLDEST)  ## the Python environment, and MicroPython where it can be had
	@tools/get_micropython || true

run: $(READY)  ## the firmware reading a simulated meter: METER=multical21 PORT= HTTP_PORT=8080
	@tools/get_micropython >/dev/null
	@METER='$(METER)' PORT='$(PORT)' HTTP_PORT='$(HTTP_PORT)' INTERVAL='$(INTERVAL)' $(BIN)/python tools/run

# With CI=true every part has to be there; elsewhere what is missing is said and its tests are skipped.
test: $(READY) $(OLDEST)  ## all tests: CPython, MicroPython in 64 and in 32 bits
	@if [ "$$CI" = true ] || [ "$$(id -u)" = 0 ]; then tools/install_system || [ "$$CI" != true ]; fi
	@tools/get_micropython || [ "$$CI" != true ]
	@$(MAKE) --no-print-directory npm || [ "$$CI" != true ]
	@$(BIN)/pytest -q -n 2

npm: $(NPM)/.ready  ## what the tests of the page take from npm: axe-core

test-ha: $(HA_VENV)/.ready  ## what is announced, against the real Home Assistant: HA_PYTHON=python3.13
	@$(HA_VENV)/bin/pytest -q -W default --disable-warnings -p no:cacheprovider host_tests/home_assistant

lint: $(READY) $(TYPINGS)  ## style, types against the chip's own library, MicroPython syntax
	@$(BIN)/ruff check -q . $(PYTHON_TOOLS)
	@$(BIN)/ruff format -q --check . $(PYTHON_TOOLS) || { $(BIN)/ruff format --diff . $(PYTHON_TOOLS); exit 1; }
	@$(BIN)/python tools/build --check
	@mkdir -p build && $(BIN)/mypy
	@for file in $(SH_TOOLS); do $$(sed -n '1s/^#!//p' $$file) -n $$file || exit 1; done

format: $(READY)  ## puts the code into the style that lint asks for
	@$(BIN)/ruff check -q --fix-only . $(PYTHON_TOOLS)
	@$(BIN)/ruff format . $(PYTHON_TOOLS)

soak: $(READY)  ## a year of troubles in invented time, for each meter: an hour
	@tools/get_micropython >/dev/null
	@SOAK_DAYS=365 SOAK_SEEDS=3 SOAK_FLASH_DAYS=12 $(BIN)/pytest -q -n 2 --timeout 3000 \
		host_tests/soak/test_year.py host_tests/soak/test_flash_and_heap.py

soak-real: $(READY)  ## three hours of real time with everything on and real clients
	@tools/get_micropython >/dev/null
	@SOAK_SECONDS=10800 $(BIN)/pytest -q -s --timeout 12000 host_tests/soak/test_real_time.py

build: $(READY)  ## what goes onto the chip: build/flash, build/firmware.romfs, build/frozen
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

deploy: $(READY)  ## copies the firmware onto a chip: DEVICE=/dev/ttyUSB0 [BOARD=esp32-devkitc HEAD=hichi-ttl]
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
	rm -rf build .venv $(HA_VENV) .tools .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

$(READY): pyproject.toml tools/requirements
	@PYTHON='$(PYTHON)' tools/install_system venv
	@$(PYTHON) -m venv $(VENV)
	@echo "installing the Python packages of pyproject.toml into $(VENV)"
	@$(BIN)/python tools/requirements test > $(VENV)/requirements.txt
	@$(BIN)/pip install -qq --disable-pip-version-check -r $(VENV)/requirements.txt
	@touch $@

$(HA_VENV)/.ready: pyproject.toml tools/requirements
	@test -n '$(HA_PYTHON)' || { echo 'Home Assistant needs Python 3.11 or newer: HA_PYTHON=' >&2; exit 1; }
	@rm -rf $(HA_VENV)
	@$(HA_PYTHON) -m venv $(HA_VENV)
	@echo "installing Home Assistant into $(HA_VENV)"
	@$(HA_VENV)/bin/python tools/requirements ha > $(HA_VENV)/requirements.txt
	@$(HA_VENV)/bin/pip install -qq --disable-pip-version-check -r $(HA_VENV)/requirements.txt
	@touch $@

$(NPM)/.ready: Makefile
	@echo "installing $(AXE) into $(NPM)"
	@npm install --silent --no-audit --no-fund --no-save --prefix $(NPM) $(AXE)
	@touch $@

# One pinned list of pyproject.toml, apart from what runs here: the chip's stubs, and the compiler of the oldest
# MicroPython that the firmware is for.
$(TYPINGS) $(OLDEST): .tools/%/.ready: pyproject.toml $(READY)
	@rm -rf $(@D)
	@$(BIN)/python tools/requirements $* > $(VENV)/$*.txt
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --target $(@D) -r $(VENV)/$*.txt
	@touch $@
