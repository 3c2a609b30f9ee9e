# Every target works on a fresh machine: what is missing is installed first.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Set by some environments; without .pyc files Meltano starts three times slower.
unexport PYTHONDONTWRITEBYTECODE
export UV_COMPILE_BYTECODE := 1
export MELTANO_CLI_DISABLE_VERSION_CHECK := 1
export DO_NOT_TRACK := 1

UV := .uv/bin/uv
# The interpreter that `make PYTHON=/path/to/python3.12` chose for .uv is that of .venv too.
export UV_PYTHON := .uv/bin/python
BIN := .venv/bin
# For the tests alone: a browser for the pages we make, gdb to read the core of a worker that died,
# systemd to check its units.
TEST_PACKAGES := chromium gdb systemd
LINTED := plugins tests bench orchestrate/airflow

.PHONY: help install setup setup-tests demo test unit coverage test-mysql soak faults lint audit format bench bench-extract bench-load bench-binlog bench-night bench-settings fidelity docs sbom clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | column -t -s $$'\t'

$(UV):
	@./orchestrate/setup/uv.sh

# What the kernels of mysql-arrow and mysql-binlog are compiled from.
KERNEL := $(wildcard plugins/mysql-arrow/mysql_arrow/*.[ch] plugins/mysql-binlog/mysql_binlog/plain/*.[ch]) \
	plugins/mysql-arrow/hatch_build.py

.venv/.synced: uv.lock pyproject.toml plugins/*/pyproject.toml $(KERNEL) | $(UV)
	$(UV) sync --locked --quiet
	@touch $@

setup: .venv/.synced  ## Install everything: the Python environment and the sandbox's Debian packages
	@./orchestrate/setup/debian.sh

install: | $(UV)  ## The product alone, as a production host has it: no sandbox, no tools, no Debian packages
	$(UV) sync --locked --no-default-groups --quiet

demo: setup  ## The whole pipeline on the sandbox, from nothing to query results
	@$(BIN)/tidemark-sandbox demo

setup-tests: setup
	@./orchestrate/setup/debian.sh $(TEST_PACKAGES)

# The longest files first, or in the random order of a seed: make test SEED=any (docs/sandbox.md).
test: setup-tests  ## Every test but the soaks; SEED=any for another order, WORKERS=3
	$(BIN)/pytest -n $(or $(WORKERS),3) --dist loadfile --no-loadscope-reorder $(SEED:%=--shuffle-files=%)

unit: .venv/.synced  ## The tests that need no server, in seconds
	$(BIN)/pytest -n 2 --dist loadfile -m "unit and not soak and not mysql"

# Of the packages between MySQL and the warehouse; their own tests, not those of the whole pipeline.
coverage: setup-tests  ## The share of the core's and the plugins' lines that their tests run, and its floor
	@mkdir -p .coverage && rm -f .coverage/data*
	$(BIN)/coverage run -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/core tests/singer \
		tests/tap_mysql tests/tap_s3_parquet tests/target_redshift tests/target_s3_parquet
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# On Debian unstable's MySQL, in a folder of its own (docs/sandbox.md).
test-mysql: setup  ## The tests of the tap, verify, follow, the sandbox and generated databases on MySQL itself
	@./orchestrate/setup/debian.sh debootstrap
	SANDBOX_SERVER=mysql $(BIN)/pytest -m "not soak" tests/tap_mysql tests/generated tests/mysql_arrow \
		tests/mysql_binlog tests/orchestrate/test_follow.py \
		tests/tidemark/services/verify/test_verify_content.py tests/sandbox/test_mysql.py

soak: setup-tests  ## The long tests too
	$(BIN)/pytest -m soak

faults: setup  ## The faults of docs/faults.md: which test proves each, and its last result
	@$(BIN)/pytest --faults

lint: .venv/.synced  ## ruff, import-linter, mypy, sqlfluff
	$(BIN)/ruff check $(LINTED)
	$(BIN)/ruff format --check $(LINTED)
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --disable-progress-bar load transform
	@# Parsing asks for a profile, not for a warehouse.
	cd transform && REDSHIFT_HOST=- REDSHIFT_DATABASE=- ../$(BIN)/dbt --quiet parse --no-partial-parse
	cd transform && ../$(BIN)/dbt-bouncer run --config-file dbt-bouncer.yml

bench-extract: setup  ## The backup leg beside other programs: ROWS=1000000 PIN=1
	@$(BIN)/python bench/extract.py --rows $(or $(ROWS),1000000) $(if $(PIN),--pin)

bench-load: setup  ## The load leg's speed and memory: make bench-load [ROWS=1000000] [FORMAT=auto]
	@$(BIN)/python bench/load.py --rows $(or $(ROWS),1000000) --format $(or $(FORMAT),csv)

bench-binlog: setup  ## Changed keys a CPU second from the binary log: make bench-binlog [ROWS=1000000] [FEW=1000000]
	@$(BIN)/python bench/binlog.py --rows $(or $(ROWS),1000000) $(if $(FEW),--few $(FEW))

bench-night: setup  ## Where the time of a night goes, with nothing new and with 1,000 changed rows
	@$(BIN)/python bench/night.py

bench-settings: setup  ## Strategies, workers, batch sizes and slices by the size of a table: ROWS="10000 200000"
	@$(BIN)/python bench/settings.py $(foreach size,$(ROWS),--rows $(size))

# It fetches nothing but packages; somebody has checked the other suites out.
fidelity: setup  ## Other projects' tests on the stand-in: make fidelity [SUITE=dbt-redshift FROM=/path/to/dbt-adapters]
	@$(BIN)/python bench/fidelity.py $(if $(SUITE),--suite $(SUITE)) $(if $(FROM),--from $(FROM)) --jobs $(or $(JOBS),2)

docs: setup  ## The documentation site of the warehouse, in output/docs
	@$(BIN)/tidemark docs build

sbom: | $(UV)  ## What a production host has, as CycloneDX, in output/sbom.json
	@mkdir -p output
	$(UV) export --locked --no-default-groups --format cyclonedx1.5 --quiet --output-file output/sbom.json > /dev/null

audit: | $(UV)  ## Known vulnerabilities of anything in uv.lock
	@./orchestrate/setup/audit.sh $(UV)

format: .venv/.synced  ## Let ruff and sqlfluff write what lint asks for
	$(BIN)/ruff check --fix $(LINTED)
	$(BIN)/ruff format $(LINTED)
	$(BIN)/sqlfluff fix --disable-progress-bar load transform

clean:  ## Stop the sandbox and remove everything that was made here
	@if [ -x $(BIN)/tidemark-sandbox ]; then $(BIN)/tidemark-sandbox down; fi
	rm -rf .coverage .venv .uv .meltano .sandbox .sandbox-test* .sandbox-bench* .bench transform/target transform/logs
