# Few targets, one line of purpose each. What they do is in lab/ and in the tools they call.
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.cache/uv/bin:$(PATH)
RUN := uv run --locked

.PHONY: help lab lab-down test lint codec bench

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

lab: ## Build the lab, deploy it with site.yml and run the 8-guardian test
	@lab/up

lab-down: ## Remove the lab: hosts, network, image, keys
	@lab/down

test: ## Install what the tests need, check style, build the lab anew and run all tests
	@lab/bootstrap
	@tests/bootstrap
	@$(MAKE) --no-print-directory lint
	@lab/down
	@lab/up
	@$(RUN) pytest

lint: ## Check style and types: ruff, mypy, ansible-lint, yamllint
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy
	@$(RUN) ansible-lint --offline
	@$(RUN) yamllint --strict .

codec: ## Generate the H.225.0 codec anew (docs/decisions/0002-codec.md)
	@cd library/h323 && uv run --no-project --with pycrate==0.8.1 python -m generator src/h323/asn1

bench: ## Measure the codec and the gatekeeper's core on this machine
	@$(RUN) python tests/bench/core.py
