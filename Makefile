# Everything is found in the checkout first: Node.js 24, the TypeScript compiler, the servers the tests start.
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.tools/bin:$(PATH)
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup demo demo-stop test test-long bench lint format clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## install and build what is missing (quiet when nothing is)
	@scripts/setup.sh

demo: setup ## a backup and a restore on this machine, from nothing; KEEP=1 leaves it running
	@scripts/demo.sh

demo-stop: ## end and remove a demo that was kept
	@scripts/demo.sh stop

test: ## everything that is checked: lint, types, tests against real servers
	@scripts/test.sh

test-long: ## the same with the long tests and large repetition counts
	@HOLDFAST_TEST_LONG=1 scripts/test.sh

bench: setup ## backups and restores measured beside other tools (docs/performance.md)
	@scripts/bench.sh

lint: setup ## formatter and linter, without changing anything
	@biome check --error-on-warnings .

format: setup ## format, sort imports, apply safe fixes
	@biome check --write .

clean: ## remove what was built and what tests left; keeps packages and tools
	@rm -rf dist dist.new coverage .run
