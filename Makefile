# Few targets, one line of purpose each. What they do is in lab/ and in the tools they call.
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.cache/uv/bin:$(PATH)
RUN := uv run --locked

.PHONY: help lab lab-down test lint codec docs bench fuzz drill model soak

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

lab: ## Build the lab, deploy it with site.yml and run the 8-guardian test
	@lab/up

lab-down: ## Remove the lab: hosts, network, image, keys
	@lab/down

# The tests have hosts of their own, which molecule makes (.config/molecule/config.yml): a running lab is left alone. Those of a
# run that failed stay up to be looked at, and are removed by the next.
test: export LAB_NAME := guardian-test
test: export LAB_SUBNET := 10.199.24.0/24
test: export LAB_DIRECTORY := $(CURDIR)/.cache/test-lab
test: export MOLECULE_COMMAND_BORDERS := false
test: export MOLECULE_EPHEMERAL_DIRECTORY := $(CURDIR)/.cache/molecule
test: ## Install what the tests need, check style, deploy the council on hosts of the tests' own, run all tests
	@lab/bootstrap
	@tests/bootstrap
	@$(MAKE) --no-print-directory lint
	@lab/down >/dev/null
	@$(RUN) molecule test --scenario-name cluster --destroy never || { lab/diagnose; false; }
	@lab/up
	@$(RUN) pytest
	@lab/down >/dev/null

lint: ## Check style and types: ruff, mypy, shellcheck, ansible-lint, yamllint
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy
	@$(RUN) shellcheck $(shell git grep -lE '^#!.*(ba)?sh$$')
	@$(RUN) ansible-lint --offline
	@$(RUN) yamllint --strict .

codec: ## Generate the H.225.0 codec anew (docs/decisions/0002-codec.md)
	@cd library/h323 && uv run --no-project --with pycrate==0.8.1 python -m generator src/h323/asn1

docs: ## Write docs/roles.md anew from the roles' argument_specs
	@$(RUN) python docs/generate_roles.py

bench: ## Measure the gatekeeper on this machine, in 4 minutes; OPTIONS="--help" says what else it can
	@$(RUN) python tests/bench/bench.py $(OPTIONS)

fuzz: ## Fuzz the codec, the tokens and the gatekeeper's core for a minute each
	@$(RUN) --group fuzz python -m tests.fuzz.fuzz

drill: ## Break the lab in every way, 20 times, and measure what a terminal sees (hours); OPTIONS="--help" says what else it can
	@$(RUN) python -m tests.drill $(OPTIONS)

soak: ## Kill the witness log's services at random for minutes, and look for lost records; OPTIONS="--minutes 10 --seed 1"
	@$(RUN) python -m tests.witness_soak $(OPTIONS)

model: ## Search the fencing for runs that break a rule, further than the tests do; OPTIONS="--depth 4 --runs 1000 --seed 1"
	@$(RUN) python -m tests.model.search $(OPTIONS)
