# replaytrace: every task is one command. `make help` prints this table of contents.
SHELL := /bin/bash
T ?= 5s
TOOL := go tool -modfile=tools/go.mod
.PHONY: help build demo test quick check unit fuzz bench score score-update rules-check golden docs generate clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

build: ## ./replaytrace
	go build -o replaytrace ./cmd/replaytrace

demo: build ## generate sample evidence, hunt in it, leave demo/report.html
	./replaytrace simulate --out demo --seed 1 --force
	@rm -f demo/report.html && ./replaytrace hunt demo/evidence --report demo/report.html
	@echo "The report is demo/report.html: open it in a browser."

test: check score rules-check fuzz unit ## all that CI runs

quick: ## the loop to live in: tests of every package that does not link the database
	@scripts/unit.sh quick

check: ## format, vet, staticcheck, tidy modules, architecture
	@scripts/check.sh

unit: ## unit and script tests; the race detector where no database is linked
	@scripts/unit.sh all

fuzz: ## every fuzz target for T each (make fuzz T=10m)
	@scripts/fuzz.sh $(T)

bench: ## every benchmark, 3 counts, summed up by benchstat
	@go test -run '^$$' -bench . -benchmem -count 3 $$(scripts/packages.sh '^func Benchmark') | tee /tmp/replaytrace-bench.txt && $(TOOL) benchstat /tmp/replaytrace-bench.txt

score: build ## KQL conformance; red on a wrong answer or fewer passes than score.json
	@scripts/score.sh check

score-update: build ## rewrite score.json and the table in docs/kql.md
	@scripts/score.sh update

rules-check: ## every shipped hunt against Microsoft's own analyser
	@scripts/check-rules.sh

golden: ## rewrite golden files; review the diff like code
	go test $$(scripts/packages.sh 'flag.Bool\("update"') -update

docs: demo ## regenerate the import table and the picture in README
	@scripts/docs.sh

generate: docs ## regenerate everything; `git diff` must stay empty
	go generate ./...

clean: ## remove what the targets above leave behind
	rm -rf replaytrace demo
