# `make help` says what there is.

PYTHON ?= python3
RUN := .venv/bin/python
INSTALL := @command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer." >&2; exit 2; }; \
	$(PYTHON) -I triggers_project/local/install.py

# With it every process would compile all that it imports, and take three times as long to start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help up demo chaos test lint types imports django-checks migrations-check audit collect pytest browser pictures promtool languages docs pgbouncer flows schema fuzz format bench requirements clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

up: ## run everything here, in the foreground, until Ctrl-C
	$(INSTALL) embedded
	@exec $(RUN) -m triggers_project.local.up

demo: ## a guided tour; EVENTS=file.jsonl sends events of your own
	$(INSTALL) embedded
	@exec $(RUN) -m triggers_project.local.demo $(if $(EVENTS),--events "$(EVENTS)")

# Two at a time: mypy, which takes longest, beside all others.
test: ## everything that must hold: lint, types, docs, tests
	$(INSTALL) dev
	@$(MAKE) --no-print-directory --jobs 2 types lint imports django-checks docs audit collect
	@$(MAKE) --no-print-directory pytest

lint: ## style and likely mistakes
	$(INSTALL) dev
	@$(RUN) -m ruff check --quiet . && $(RUN) -m ruff format --quiet --check --diff . && echo "lint: ok"

types: ## mypy
	$(INSTALL) dev
	@$(RUN) -m mypy

imports: ## who may import whom
	$(INSTALL) dev
	@$(RUN) .venv/bin/lint-imports --no-logo

# As it would be set up where it matters. There is no such database; nothing here asks it.
PRODUCTION = DATA_DIR=.venv/production ALLOWED_HOSTS=triggers.example BEHIND_TLS_PROXY=true HSTS_SECONDS=31536000 \
	DATABASE_URL=postgresql://triggers@127.0.0.1:1/triggers REDIS_URL=redis://127.0.0.1:1/0 \
	SECRET_KEY=only-for-this-check-but-long-enough-that-django-is-content-0123456789 \
	FIELD_ENCRYPTION_KEYS=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
django-checks: ## migrations are complete, production settings are safe
	$(INSTALL) dev
	@env $(PRODUCTION) $(RUN) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@env $(PRODUCTION) $(RUN) manage.py check --deploy --fail-level WARNING

migrations-check: ## no migration holds up a system in use; what to write instead of one that does
	$(INSTALL) dev
	@$(RUN) -m pytest -q --no-header tests/migrations

audit: ## known vulnerabilities of what is pinned, if their database can be reached
	$(INSTALL) dev
	@$(RUN) -m triggers_project.local.audit

# Compiles what they import: in a fresh clone each of the four processes would, all at once.
collect: ## that every test can be imported
	$(INSTALL) dev
	@found=$$($(RUN) -m pytest --collect-only -qq 2>&1) && echo "collect: ok" || { echo "$$found"; exit 1; }

# Four processes: half of the time a test waits for a program. A journey's system is shared by all journeys.
pytest: ## the tests alone; ARGS="-k name" picks some
	$(INSTALL) dev
	@$(RUN) -m pytest --numprocesses 4 --dist loadgroup $(ARGS)

browser: ## Debian's Chromium, with which tests/browser looks at the desk; needs root
	@apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium-headless-shell fonts-dejavu-core >/dev/null

pictures: ## docs/desk anew, after a change of the desk's pages
	$(INSTALL) dev
	@$(RUN) -m tests.browser.pictures

# Only the one program out of Debian's package, which would also start a server.
promtool: ## Debian's promtool, with which tests/deploy tries the alerts; into .venv
	$(INSTALL) dev
	@folder=$$(mktemp -d) && trap "rm -rf $$folder" EXIT && chmod 777 $$folder && cd $$folder && \
		{ apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; } && \
		dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool && \
		install usr/bin/promtool $(CURDIR)/.venv/bin/promtool

# Likewise; the two libraries that it needs are no services.
pgbouncer: ## Debian's PgBouncer, for journeys through a system that has grown; into .venv; needs root
	$(INSTALL) dev
	@folder=$$(mktemp -d) && trap "rm -rf $$folder" EXIT && chmod 777 $$folder && cd $$folder && \
		{ apt-get download -qq pgbouncer || { apt-get update -qq && apt-get download -qq pgbouncer; }; } && \
		dpkg-deb --fsys-tarfile pgbouncer_*.deb | tar -x ./usr/sbin/pgbouncer && \
		{ ! ldd usr/sbin/pgbouncer | grep -q "not found" || \
			apt-get install -y -qq --no-install-recommends libevent-2.1-7 libc-ares2 >/dev/null; } && \
		install usr/sbin/pgbouncer $(CURDIR)/.venv/bin/pgbouncer && $(CURDIR)/.venv/bin/pgbouncer --version | head -1

flows: ## the journeys through running systems; SETUP=pgbouncer or another of tests/flows/setups
	$(INSTALL) dev
	@FLOWS_SETUP=$(SETUP) $(RUN) -m pytest tests/flows $(ARGS)

docs: ## the documentation into site/, without internet; dead links and what would be fetched from elsewhere fail
	$(INSTALL) dev
	@$(RUN) -m triggers_project.local.docs.build

# What tests/docs runs the receivers of the documentation with.
LANGUAGES = nodejs php-cli golang-go default-jdk-headless
languages: ## Debian's Node, PHP, Go and Java, for tests/docs; LANGUAGES=php-cli for one; needs root
	@apt-get update -qq && apt-get install -y -qq --no-install-recommends $(LANGUAGES) >/dev/null

schema: ## write docs/openapi.yaml anew, after a change of the API
	$(INSTALL) dev
	@$(RUN) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

fuzz: ## schemathesis over a running system; EXAMPLES=200 for each call
	$(INSTALL) dev
	@FUZZ_EXAMPLES=$(or $(EXAMPLES),100) FUZZ_PHASES=examples,coverage,fuzzing $(RUN) -m pytest tests/flows/test_fuzzing.py

chaos: ## faults against a running system, under load; CHAOS_ROUNDS=20
	$(INSTALL) dev
	@CHAOS_ROUNDS=$${CHAOS_ROUNDS:-20} CHAOS_AWAY=$${CHAOS_AWAY:-15} CHAOS_PAUSE=$${CHAOS_PAUSE:-0.02} $(RUN) -m pytest tests/flows/test_chaos.py \
		--log-cli-level=INFO --log-cli-format="%(message)s" --no-header -q $(ARGS)

format: ## put the code into the common form
	$(INSTALL) dev
	@$(RUN) -m ruff check --fix . && $(RUN) -m ruff format .

bench: ## measure throughput and latency on this machine
	$(INSTALL) embedded
	@exec $(RUN) -m benchmarks

COMPILE = $(RUN) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
requirements: ## pin the newest versions that pyproject.toml allows
	$(INSTALL) dev
	@$(RUN) -m pip install --quiet --require-hashes -r requirements/installer.txt
	@$(COMPILE) --upgrade requirements/installer.in -o requirements/installer.txt
	@$(COMPILE) --upgrade pyproject.toml --extra embedded --extra traces --extra dev -o requirements/dev.txt
	@$(COMPILE) pyproject.toml --extra embedded --constraint requirements/dev.txt -o requirements/embedded.txt
	@$(COMPILE) pyproject.toml --extra traces --constraint requirements/dev.txt -o requirements/traces.txt
	@$(COMPILE) pyproject.toml --constraint requirements/dev.txt -o requirements/base.txt
	@! grep -nE '://|--(extra-)?index|--find-links' requirements/*.txt

clean: ## remove what can be made again; the data in .data stays
	@rm -rf site .cache .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
