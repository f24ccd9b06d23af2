# Few targets, one line of purpose each. What they do is in lab/ and in the tools they call.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export PATH := $(CURDIR)/.cache/bootstrap/bin:$(PATH)
RUN := uv run --locked

.PHONY: help lab lab-down test lint codec bench

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

lab: ## Build the lab, deploy it with site.yml and run the 8-guardian test
	@lab/bootstrap
	@lab/up

lab-down: ## Remove the lab: hosts, network, image, keys
	@lab/down

test: ## Install what the tests need, then lint, unit tests and the lab's tests
	@lab/bootstrap --tests
	@$(MAKE) --no-print-directory lint
	@lab/up
	@$(RUN) pytest

lint: ## Check style and types: ruff, mypy, ansible-lint, yamllint
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy
	@$(RUN) ansible-lint --offline
	@$(RUN) yamllint --strict .

codec: ## Generate the H.225.0 codec anew (docs/decisions/0002-codec.md)
	@lab/generate-codec

bench: ## Measure the codec and the gatekeeper's core on this machine
	@$(RUN) python -m benchmarks
