# `make help` lists the targets; `make` alone runs every test, every check and the demo.
# The environment is .venv; uv makes it, and uv itself comes from PyPI into .tools.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .tools/bin/uv
DYNAMODB_LOCAL := .tools/dynamodb-local
DYNAMODB_LOCAL_VERSION := 2.9.30
DYNAMODB_LOCAL_SHA512 := c5379e44bbf311fab2779961ddb1f8734907bd21c79a6843e590ec1c5280439836665e89aa515dbad6908422c7cf1129e91cb5a3b4c1ea7888a17b9002749ec1
BIN := .venv/bin
SECURITY := .tools/security
MUTATION := .tools/mutation
MINISTACK := .tools/ministack
WORKFLOWS := .tools/workflows
PEER := .aws-sam/peer
# sam and its builders look for python3.13 on the path. SAM's telemetry is off.
RUN := env PATH="$(CURDIR)/$(BIN):$$PATH" SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1

.PHONY: all help build demo test campaign weekly deployed coverage mutants tables-of-mutants mutants-of-rooms check check-code check-locks audit bench soak
.PHONY: docs release deploy lock clean

all: test check demo

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo 'make alone runs test, check and demo.'

demo: build ## restores that nobody names, found and followed to their ends, in the real Lambda runtime
	@PYTHONPATH=functions:tests:. $(RUN) python -m demo

# Three on two cores: a third of the time, a test waits for a process or for something that hangs. Bytecode of tests may
# be written whatever the shell says: pytest takes ten seconds to compile them, in each process.
PYTEST := $(RUN) PYTHONDONTWRITEBYTECODE= python -m pytest --numprocesses 3 --dist worksteal

test: build ## the tests, in random order
	@$(PYTEST) -m "not campaign and not weekly"

campaign: build $(PEER)/.built $(MINISTACK)/.ready $(SECURITY)/.ready $(WORKFLOWS)/.ready ## the tests that take long, and the rows of tables that tell less
	@$(PYTEST) -m campaign

weekly: build ## the rows of large tables that the campaign leaves out, and fifty times the examples of Hypothesis
	@EXAMPLES=weekly $(PYTEST) -m "weekly or hypothesis"

# In one process, with one cloud.
deployed: build $(MINISTACK)/.ready ## deploy, upgrade and uninstall the stack against MiniStack, an AWS on this machine
	@$(RUN) python -m pytest tests/deployed

mutants: $(if $(ROOM),,tables-of-mutants) $(if $(TABLE)$(ONLY),,mutants-of-rooms) ## put small faults into the product, and list those that no test notices (TABLE=report ONLY=text, or ROOM=restore_watch.report)

# The faults that we wrote. Which tests run which lines is measured anew. Without MEASURE=no that takes a quarter of an hour
# before the first.
tables-of-mutants: build $(SECURITY)/.ready $(MINISTACK)/.ready $(WORKFLOWS)/.ready
	@PYTHONPATH=functions:tests:. $(RUN) python -m mutants $(if $(filter no,$(MEASURE)),,--measure) \
		$(if $(TABLE),--table $(TABLE)) $(if $(ONLY),--only "$(ONLY)")

# The faults that mutmut makes in the pure rooms, against their unit tests. It changes copies, and imports each package
# from the top of a folder. `cd .mutants/rooms && mutmut show <name>` shows the change of a survivor.
ROOMS := .mutants/rooms
mutants-of-rooms: $(MUTATION)/.ready
	@rm -rf $(ROOMS) && mkdir -p $(ROOMS)
	@ln -s $(addprefix $(CURDIR)/functions/,foundation restore_watch notify_people) \
		$(addprefix $(CURDIR)/,pyproject.toml template.yaml tests docs events) $(ROOMS)
	@cd $(ROOMS) && $(abspath $(MUTATION))/bin/mutmut run $(if $(ROOM),'$(ROOM).*')
	@cd $(ROOMS) && $(abspath $(MUTATION))/bin/mutmut results | grep -v 'not checked'

coverage: build $(SECURITY)/.ready $(MINISTACK)/.ready $(WORKFLOWS)/.ready ## every test, with the branches of functions/ counted, in the real runtime too
	@FUNCTION_COVERAGE="$(CURDIR)/.coverage" $(PYTEST) tests \
		--cov=foundation --cov=restore_watch --cov=notify_people --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=99

check: check-code check-locks $(SECURITY)/.ready $(WORKFLOWS)/.ready ## lint, types, imports, locks, template, workflows, security
	@$(RUN) sam validate --lint
	@$(RUN) sam validate --lint --template docs/nightly-refresh/template.yaml
	@$(RUN) sam validate --lint --template docs/drills/role.yaml
	@PYTHONPATH=tests $(RUN) python -m workflows.definitions
	@PYTHONPATH=functions:tests $(RUN) python -m security.template
	@PYTHONPATH=tests $(RUN) python -m security.advisories

check-code: .venv/.ready ## the first part: lint, types, import contracts
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@PYTHONPATH=functions:. $(RUN) lint-imports
	@$(RUN) mypy

audit: .venv/.ready $(SECURITY)/.ready ## search for known vulnerabilities; without advisories, fail, where check says so and passes
	@PYTHONPATH=tests $(RUN) python -m security.advisories --strict

release: build ## write what the AWS CLI alone installs, and what ships as CycloneDX: dist/<version>/
	@PYTHONPATH=functions:. $(RUN) python -m deploy.release

# What 1.x took is refused while make reads this file, before anything is built.
ifneq (,$(filter deploy,$(MAKECMDGOALS)))
$(foreach name,STACK ENVIRONMENT SECRET_ARN PROJECTS EMAIL PARAMETERS ARGS LEAVE_RELEASE,$(if \
	$(filter command%,$(origin $(name))),$(error make deploy takes no $(name): see Install with SAM in docs/deploying.md)))
endif

deploy: build ## build, and sam deploy (CONFIG_ENV=dev|small|prod)
	@SAM_CLI_TELEMETRY=0 $(BIN)/sam deploy $(if $(CONFIG_ENV),--config-env $(CONFIG_ENV))

bench: build $(PEER)/.built ## measure speed against the usual kind of handler (PART=cold|warm|sweeps|detection|finding|scale|report)
	@PYTHONPATH=functions:tests:. $(RUN) python -m bench $(PART)

soak: build ## the model and the kills for an hour (MINUTES=60 KILLS=2000 SEED=...)
	@PYTHONPATH=functions:tests $(RUN) python -m model.soak \
		--minutes $(or $(MINUTES),60) $(if $(BATCHES),--batches $(BATCHES)) --kills $(or $(KILLS),2000) $(if $(SEED),--seed $(SEED))

docs: .venv/.ready ## write the generated parts again: the page of error texts, the Terraform module, the sample report
	@PYTHONPATH=functions:. $(RUN) python -m deploy.terraform_files
	@PYTHONPATH=docs:functions $(RUN) python -m troubleshooting.page
	@PYTHONPATH=functions:tests:. $(RUN) python -m demo.sample

# Installing it means accepting Amazon's licence, so no other target does it. `npm pack` fetches only this
# package, not the three hundred others that npm would install with it.
$(DYNAMODB_LOCAL)/.ready:
	@command -v npm >/dev/null && command -v java >/dev/null \
	|| { echo 'DynamoDB Local needs npm to fetch it and Java to run it.' >&2; exit 1; }
	@echo 'Fetching DynamoDB Local. By using it you accept $(@D)/LICENSE.txt.'
	@rm -rf $(@D) && mkdir -p $(@D)
	@npm pack --loglevel=error --pack-destination $(@D) amplify-dynamodb-simulator@$(DYNAMODB_LOCAL_VERSION) >/dev/null
	@$(PYTHON) -c 'import hashlib, sys; sys.exit(hashlib.sha512(sys.stdin.buffer.read()).hexdigest() != sys.argv[1])' \
		$(DYNAMODB_LOCAL_SHA512) <$$(echo $(@D)/*.tgz) || { echo 'This is not the pinned package.' >&2; exit 1; }
	@tar -xzf $(@D)/*.tgz -C $(@D) --strip-components 2 package/emulator
	@rm $(@D)/*.tgz && touch $@

clean: ## delete everything that make created
	@rm -rf .venv .tools .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage dist demo/report

build: .aws-sam/.built ## what sam deploy would upload

# What is built, at any depth. The sums of its files are in .built, so a file that was moved counts, whatever its time.
SUMS := find functions layers/dependencies -type f -not -name '*.pyc' -not -name '.*' -exec cksum {} + | sort
CHANGED := $(shell $(SUMS) | cmp -s - .aws-sam/.built || echo FORCE)

.aws-sam/.built: .venv/.ready template.yaml Makefile $(CHANGED)
# SAM's cache does not see changes of this Makefile, which builds the function.
	@test $@ -nt Makefile || rm -rf .aws-sam
	@echo 'Building what sam would deploy.'
	@$(RUN) sam build --cached >.sam-build.log 2>&1 || { cat .sam-build.log; exit 1; }
	@rm -f .sam-build.log
	@$(SUMS) >$@

.PHONY: FORCE
FORCE:

# The benchmark's peer as a plain `sam build` ships it, and the same compiled like ours. Packages that both use have the
# same version.
$(PEER)/.built: $(shell find bench/peer -type f -not -name '*.pyc' -not -name '.*') tests/requirements.txt .venv/.ready | .aws-sam/.built
	@echo "Building the benchmark's peer."
	@rm -rf $(PEER)
	@PIP_CONSTRAINT="$(CURDIR)/tests/requirements.txt" $(RUN) sam build --template-file bench/peer/template.yaml \
		--build-dir $(PEER)/build --parameter-overrides Architecture=$$(uname -m | sed 's/aarch64/arm64/') \
		>.sam-build.log 2>&1 || { cat .sam-build.log; exit 1; }
	@rm -f .sam-build.log
	@cp -R $(PEER)/build/CheckRestoreFunction $(PEER)/compiled
	@$(BIN)/python -m compileall -q --invalidation-mode unchecked-hash $(PEER)/compiled
	@touch $@

# Packages come with bytecode: where Python may write none, each command would compile them all again.
.venv/.ready: tests/requirements.txt
	@test -x $(UV) || { $(PYTHON) -m venv .tools && .tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	@echo 'Setting up Python 3.13 and the packages in .venv, once.'
	@$(UV) venv --quiet --clear --python 3.13 .venv
	@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r tests/requirements.txt
	@touch $@

$(SECURITY)/.ready: tests/security/requirements.txt .venv/.ready
	@echo 'Setting up checkov and pip-audit in $(SECURITY), once.'
	@$(UV) venv --quiet --clear --python 3.13 $(SECURITY)
	@$(UV) pip install --quiet --compile-bytecode --python $(SECURITY)/bin/python --require-hashes -r tests/security/requirements.txt
	@touch $@

# mutmut imports the unit tests, so it also sees the packages of .venv, behind its own.
$(MUTATION)/.ready: tests/mutants/requirements.txt .venv/.ready
	@echo 'Setting up mutmut in $(MUTATION), once.'
	@$(UV) venv --quiet --clear --python 3.13 $(MUTATION)
	@$(UV) pip install --quiet --compile-bytecode --python $(MUTATION)/bin/python --require-hashes -r tests/mutants/requirements.txt
	@echo '$(CURDIR)/.venv/lib/python3.13/site-packages' >$(MUTATION)/lib/python3.13/site-packages/behind.pth
	@touch $@

$(MINISTACK)/.ready: tests/local_stack/ministack/requirements.txt .venv/.ready
	@echo 'Setting up MiniStack and the AWS CLI in $(MINISTACK), once.'
	@$(UV) venv --quiet --clear --python 3.13 $(MINISTACK)
	@$(UV) pip install --quiet --compile-bytecode --python $(MINISTACK)/bin/python --require-hashes -r tests/local_stack/ministack/requirements.txt
	@touch $@

# npm compares each package with its hash in the lock, and runs none of their scripts. Where there is no npm, or it
# reaches no registry, nothing is set up, and `make check` says so.
UNREACHABLE := EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|ETIMEDOUT
$(WORKFLOWS)/.ready: tests/workflows/package.json tests/workflows/package-lock.json
	@if command -v npm >/dev/null && command -v node >/dev/null; then \
		echo 'Setting up asl-validator in $(@D), once.'; \
		rm -rf $(@D) && mkdir -p $(@D) && cp $^ $(@D); \
		if npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --fetch-retries 1 --fetch-retry-mintimeout 1000 \
			>$(@D)/npm.log 2>&1; \
		then touch $@; \
		else cat $(@D)/npm.log >&2; grep -qE 'code ($(UNREACHABLE))' $(@D)/npm.log; fi; \
	fi

# uv resolves the locks from pyproject.toml. The layer's lock has the versions that the tests run with.
# Locked versions do not change without UPGRADE=--upgrade.
LOCK = $(UV) pip compile --quiet $(UPGRADE) --python-version 3.13 --universal --generate-hashes \
	--no-annotate --no-emit-index-url --no-header
RESOLVE = $(LOCK) pyproject.toml
RESOLVE_SECURITY = $(LOCK) --group pyproject.toml:security
RESOLVE_MINISTACK = $(LOCK) --group pyproject.toml:ministack
RESOLVE_MUTATION = $(LOCK) --group pyproject.toml:mutation

lock: .venv/.ready ## resolve again after a change in pyproject.toml
	@$(RESOLVE) --group test -o tests/requirements.txt
	@$(RESOLVE) --constraints tests/requirements.txt -o layers/dependencies/requirements.txt
	@$(RESOLVE_SECURITY) -o tests/security/requirements.txt
	@$(RESOLVE_MINISTACK) -o tests/local_stack/ministack/requirements.txt
	@$(RESOLVE_MUTATION) -o tests/mutants/requirements.txt

check-locks: .venv/.ready ## the second: compare the locks with pyproject.toml
	@checked=$$(mktemp -d) && trap 'rm -rf "$$checked"' EXIT \
	&& cp tests/requirements.txt "$$checked/tests" && cp layers/dependencies/requirements.txt "$$checked/layer" \
	&& cp tests/security/requirements.txt "$$checked/security" \
	&& cp tests/local_stack/ministack/requirements.txt "$$checked/ministack" \
	&& cp tests/mutants/requirements.txt "$$checked/mutation" \
	&& $(RESOLVE) --group test -o "$$checked/tests" \
	&& $(RESOLVE) --constraints tests/requirements.txt -o "$$checked/layer" \
	&& $(RESOLVE_SECURITY) -o "$$checked/security" \
	&& $(RESOLVE_MINISTACK) -o "$$checked/ministack" \
	&& $(RESOLVE_MUTATION) -o "$$checked/mutation" \
	&& diff -u tests/requirements.txt "$$checked/tests" \
	&& diff -u layers/dependencies/requirements.txt "$$checked/layer" \
	&& diff -u tests/security/requirements.txt "$$checked/security" \
	&& diff -u tests/local_stack/ministack/requirements.txt "$$checked/ministack" \
	&& diff -u tests/mutants/requirements.txt "$$checked/mutation"

# `sam build` runs these in a scratch copy of functions/. Each function ships its own package and the
# foundation, and no files that an editor, a checker or a run left there.
.PHONY: build-RestoreWatchFunction build-ReportFunction build-MeasureFunction build-NotifyPeopleFunction
build-RestoreWatchFunction build-ReportFunction build-MeasureFunction: PACKAGES = foundation restore_watch
build-NotifyPeopleFunction: PACKAGES = foundation notify_people
build-RestoreWatchFunction build-ReportFunction build-MeasureFunction build-NotifyPeopleFunction:
	@command -v python3.13 >/dev/null || { echo 'Building a function needs python3.13 on the path.' >&2; exit 1; }
	cp -R $(PACKAGES) "$(ARTIFACTS_DIR)"
	cd "$(ARTIFACTS_DIR)" && find $(PACKAGES) \( -name __pycache__ -o -name '.*' \) -prune -exec rm -rf {} +
	cd "$(ARTIFACTS_DIR)" && python3.13 -m compileall -q --invalidation-mode unchecked-hash -p /var/task $(PACKAGES)
