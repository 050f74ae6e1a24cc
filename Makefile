# The targets; `make help` prints them.
GO ?= go
T ?= 100000x

help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

build: ## build ./replaytrace
	$(GO) build -o replaytrace ./cmd/replaytrace

demo: build ## generate evidence, hunt it, leave demo/report.html
	./replaytrace simulate --out demo --seed 1 --force
	./replaytrace hunt demo/evidence --report demo/report.html
	@echo "open demo/report.html"

# Two steps at a time, for most have parts in which one processor idles. They start in this order: on a fresh machine the
# analyser judges the rules, in node, while check compiles what all others need.
test: ## everything that CI runs
	@$(MAKE) --jobs=2 --output-sync check rules-check unit fuzz quality score

unit: ## unit, script and end-to-end tests
	$(GO) test -timeout 30m ./...

quick: ## the loop to live in
	$(GO) test -short ./...

check: ## formatting, vet, static analysis, dead code, tidy go.mod
	@unformatted=$$($(GO) tool -modfile=tools/go.mod gofumpt -l .); test -z "$$unformatted" || { echo "run gofumpt -w on $$unformatted"; exit 1; }
	$(GO) vet ./... && $(GO) mod tidy -diff
	$(GO) tool -modfile=tools/go.mod staticcheck ./...
	@dead=$$($(GO) tool -modfile=tools/go.mod deadcode -test ./...); test -z "$$dead" || { echo "nothing reaches:"; echo "$$dead"; exit 1; }

fuzz: ## fuzz every target with T inputs (default 100000x)
	./scripts/fuzz.sh $(T)

score: build ## KQL conformance against the recorded score
	python3 scripts/score.py

score-update: build ## record the KQL score
	python3 scripts/score.py --update

quality: ## detection on two small tenants against the recorded quality
	$(GO) run ./cmd/quality -name small -seeds 1-2 -clean 3 -check

quality-update: ## record the quality on the small tenants
	$(GO) run ./cmd/quality -name small -seeds 1-2 -clean 3 -update

quality-full: ## ten tenants of 1,000 users and 20 without an attack, of seeds at whose mistakes nobody has looked, recorded: takes an hour, goes on where it was stopped
	$(GO) run ./cmd/quality -name full -seeds 1086-1095 -clean 2128-2147 -users 1000 -update -debug quality-mistakes -resume quality-runs

calibrate: ## fit the weights of the fusion on training tenants, check them on others
	rm -rf calibration && $(GO) run ./cmd/quality -seeds 101-110 -users 160 -per 6 -baselines=false -tenant off -keep calibration/train >/dev/null
	$(GO) run ./cmd/quality -seeds 201-204 -users 160 -per 6 -baselines=false -tenant off -keep calibration/test >/dev/null
	$(GO) run ./cmd/calibrate -train calibration/train -test calibration/test -date $$(date -u +%F)

rules-check: ## every shipped rule against Microsoft's analyser
	./scripts/check-rules.sh

bench: ## one million rows: intake against DuckDB's own reader, and the whole hunt
	$(GO) test -run '^$$' -bench Ingest -benchtime 3x ./internal/casefile -args -rows 1000000
	$(GO) test -run '^$$' -bench Hunt -benchtime 1x -timeout 30m ./internal/cli -args -users 440

U ?= 220
C ?= 1,2,5
K ?=
bench-growth: ## the hunt after the ingest on C times (default 1,2,5; 33 are 20 million rows) a tenant of U users (default 220), cases kept in K: time and memory by size
	$(GO) test -run '^$$' -bench Growth -benchtime 1x -timeout 4h ./internal/cli -args -users $(U) -copies $(C) $(if $(K),-cases $(abspath $(K))) -record

bench-intake: ## a million rows in every form against DuckDB's own readers, recorded in docs/evidence.md: five minutes on a quiet machine, 10 GB of disk
	$(GO) test -run '^$$' -bench Shapes -benchtime 1x -timeout 3h ./internal/casefile -args -rows 1000000 -record

big-run: build ## one, five and twenty million streamed rows within 1 GB: takes half an hour
	python3 scripts/big-run.py ./replaytrace 1GB 440x30 860x75 1720x150

kill-test: ## kill 50 ingests at random places
	$(GO) test -run TestKilled -v -timeout 60m ./internal/casefile -args -kills 50

R ?= 1000000
bench-kql: ## KQL against SQL by hand on R rows (default 1000000; 20000000 take 6 GB and some minutes), and compiling the hunts
	$(GO) test -run '^$$' -bench 'Questions|Compile' -benchtime 5x -timeout 60m ./internal/casefile -args -rows $(R)

golden: ## rewrite golden files; review the difference like code
	$(GO) test ./internal/report -update

docs: build ## regenerate docs/kql.md, functions.md, evidence.md, json.md and timeline.svg, the import table and the shared functions in the hunts
	$(GO) test ./internal/casefile -run TestKQLPage -update
	$(GO) test ./internal/kql/function -run TestReference -update
	$(GO) test ./internal/evidence -run TestDocs -update
	$(GO) test ./internal/hunt -run TestInlined -update
	$(GO) test ./internal/cli -run TestTimelinePicture -update
	$(GO) test ./internal/report -run TestSchemaPage -update
	$(GO) test . -run TestImports -update

clean: ## remove what the targets made
	rm -rf replaytrace demo quality-mistakes quality-runs calibration

.PHONY: help build demo test unit quick check fuzz score score-update quality quality-update quality-full calibrate rules-check bench bench-growth bench-intake bench-kql big-run kill-test golden docs clean
