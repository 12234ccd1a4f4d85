# steadfast: everything a developer does. `make help` lists it.

CARGO ?= cargo
RELEASE = $(abspath $(or $(CARGO_TARGET_DIR),target))/release/steadfast

.PHONY: help setup build fmt clippy test test-services compat man lab vectors demo bench fuzz soak leaks

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 15

setup: ## Install what building and testing need (Debian packages)
	@scripts/setup

build: ## The daemon, for use
	@scripts/setup build
	$(CARGO) build --release

fmt: ## Format the code
	$(CARGO) fmt

clippy: ## Lint all of it
	$(CARGO) clippy --all-targets --test services -- -D warnings

test: setup ## Formatting, lints and every test, the lab included
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --test services -- -D warnings
	$(CARGO) test --no-fail-fast

test-services: ## The checkers of services, each with a real server of its kind
	@scripts/setup services
	$(CARGO) test --test services

man: ## Write the manual pages in dist/man anew
	UPDATE_GOLDENS=1 $(CARGO) test --quiet --test man

compat: setup ## keepalived's verdicts: our own files, and the corpus beside the repository where there is one
	@$(CARGO) test --test compat

lab: ## List the lab's scenarios; SCENARIO=name runs one and prints its timeline
ifdef SCENARIO
	@$(CARGO) test --quiet --test lab -- --show $(SCENARIO)
else
	@$(CARGO) test --quiet --test lab -- --describe
endif

vectors: setup ## Record keepalived's frames anew in tests/vectors
	$(CARGO) test --quiet --test lab -- --capture-vectors tests/vectors

demo: setup ## A pair of directors at work, and what happens when one is lost
	@$(CARGO) test --test lab -- --show demo

bench: setup ## Side by side with keepalived: failover, memory, CPU, checks, reading; SUBJECT=path for another build
ifndef SUBJECT
	$(CARGO) build --release
endif
	@LAB_BINARY=$(abspath $(or $(SUBJECT),$(RELEASE))) $(CARGO) test --quiet --test lab -- --bench

soak: setup ## Random faults of a mixed pair with keepalived: TIME=seconds (600), SEED=number to repeat a run's choices
	@LAB_TIME=$(TIME) LAB_SEED=$(SEED) $(CARGO) test --quiet --test lab -- --show chaos

leaks: setup ## What is left by reloads: RELOADS=number (1000)
	@LAB_RELOADS=$(or $(RELOADS),1000) $(CARGO) test --quiet --test lab -- --show reload-leaks

FUZZ_TARGETS = conf_load conf_roundtrip fmt bfd advert netlink http dns smtp dialogue ipvs
TIME ?= 600

fuzz: ## Search for texts that break reading: TARGET=NAME (without, they are listed), TIME=seconds; needs cargo-fuzz
ifndef TARGET
	@echo "make fuzz TARGET=NAME [TIME=600]; the targets: $(FUZZ_TARGETS)"
else
	@mkdir -p fuzz/corpus/$(TARGET)
	RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run -s none $(TARGET) fuzz/corpus/$(TARGET) tests/conf tests/conf/found \
		tests/compat/set -- -max_total_time=$(TIME) -timeout=25 -max_len=8192 -dict=fuzz/keywords.dict -print_final_stats=1
endif
