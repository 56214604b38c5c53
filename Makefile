# `make` lists the targets. Variables, given as NAME=value:
#   ARGS     arguments for the command: make run ARGS='--port 9000 --reset', make test ARGS='--filter SyncTests'
#   CONFIG   debug (the default, which builds faster) or release; for build and run
#   ENGINE   the program that builds the container image: docker (the default), podman or buildah

ARGS ?=
CONFIG ?= debug
ENGINE ?= docker
SWIFT ?= swift
export SWIFT
LINTED := Sources Tests bench lua Package.swift

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup build release run dev build-tests test test-faults format lint load torture bench bench-micro deb image clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Install the Debian packages that are missing.
	@scripts/setup

build: setup ## Build the program.
	@$(if $(filter release,$(CONFIG)),scripts/build-release,$(SWIFT) build -c $(CONFIG)) --product redeem

release: setup ## Build the program, optimised.
	@scripts/build-release --product redeem

# `exec` replaces the shell by the program, so that the program gets the signals and its exit status is the recipe's.
run: build ## Run all of Redeem here with demo data; Ctrl-C stops it. Flags of `redeem dev`: ARGS='--port 9000 --reset'
	@exec "$$($(SWIFT) build -c $(CONFIG) --show-bin-path)/redeem" dev $(ARGS)

dev: run ## The same as run.

build-tests: setup
	@$(SWIFT) build --build-tests

test: build-tests ## Run the tests, some minutes. Some of them, or of the others: ARGS='--filter SyncTests'
	@exec scripts/test quick $(ARGS)

test-faults: build-tests ## Run the other tests: faults under load, and simulations with all their seeds.
	@exec scripts/test faults $(ARGS)

format: ## Format the sources in place.
	@$(SWIFT) format --in-place --parallel --recursive $(LINTED)

lint: ## Check the format.
	@$(SWIFT) format lint --strict --parallel --recursive $(LINTED)

torture: release ## Break a private Redeem in every way there is, and check every promise: ARGS='--minutes 30 --seed 7'
	@scripts/build-release --product redeem-torture
	@exec "$$($(SWIFT) build -c release --show-bin-path)/redeem-torture" $(ARGS)

load: release ## Load a private Redeem and check every promise. Other runs: ARGS='storm --local --html storm.html'
	@exec "$$($(SWIFT) build -c release --show-bin-path)/redeem" bench $(or $(ARGS),--local)

bench: release ## Measure Redeem beside its peers, half an hour. Less: ARGS=--quick or ARGS='--only rates,drain'
	@scripts/setup bench
	@exec bench/compare --redeem "$$($(SWIFT) build -c release --show-bin-path)/redeem" $(ARGS)

bench-micro: setup ## Measure single steps of a request: tokens, digests.
	@scripts/build-release --product MicroBench
	@exec "$$($(SWIFT) build -c release --show-bin-path)/MicroBench"

deb: release ## Make the package for this release of Debian, in .build/deb.
	@scripts/setup deb
	@scripts/deb "$$($(SWIFT) build -c release --show-bin-path)/redeem"

image: ## Build the container image (needs Docker; or ENGINE=podman, ENGINE=buildah).
	$(ENGINE) build -t redeem .

clean: ## Remove what was built. The data of `make run` in .redeem/ stays.
	rm -rf .build
