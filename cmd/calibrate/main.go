// Command calibrate fits the weights of the fusion on the samples that `quality -keep` leaves, checks them on others, and
// writes the file of weights with its provenance and the plot of the reliability.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/calibrate"
	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/quality"
)

func main() {
	train := flag.String("train", "", "the folder of the samples to fit on")
	test := flag.String("test", "", "the folder of the samples to check on; no seed may be in both")
	date := flag.String("date", "", "the date to write down")
	out := flag.String("out", "internal/finding/calibration.yaml", "the file of weights to write")
	plot := flag.String("plot", "docs/reliability.svg", "the plot to write")
	flag.Parse()
	if err := run(*train, *test, *date, *out, *plot); err != nil {
		fmt.Fprintln(os.Stderr, "calibrate:", err)
		os.Exit(2)
	}
}

func run(train, test, date, out, plot string) error {
	if date == "" {
		return errors.New("-date is missing: the file says when its samples were made")
	}
	catalogue, err := finding.Catalogue()
	if err != nil {
		return err
	}
	all, err := hunt.Load(hunts.FS)
	if err != nil {
		return err
	}
	if err := catalogue.Covers(all); err != nil {
		return err
	}
	fitOn, trainSeeds, err := samples(train)
	if err != nil {
		return err
	}
	checkOn, testSeeds, err := samples(test)
	if err != nil {
		return err
	}
	for _, seed := range trainSeeds {
		if slices.Contains(testSeeds, seed) {
			return fmt.Errorf("the seed %d is among both: a check on what was fitted is none", seed)
		}
	}
	learned, checked := calibrate.Load(fitOn, all, &catalogue), calibrate.Load(checkOn, all, &catalogue)
	fitted := calibrate.Fit(&learned, all, catalogue)
	p := provenance{date, trainSeeds, testSeeds, &learned, &checked}
	text := p.file(&catalogue, &fitted, learned.Counts())
	fmt.Print(text)
	for _, score := range []int{catalogue.Verdicts.Suspicious, catalogue.Verdicts.Likely, catalogue.Verdicts.Confirmed} {
		before, wrongBefore := checked.Verdicts(&catalogue, score)
		after, wrongAfter := checked.Verdicts(&fitted, score)
		fmt.Printf("activities of the test at %d or above, attackers' and others: %d and %d by the catalogue, %d and %d calibrated\n",
			score, before, wrongBefore, after, wrongAfter)
	}
	if err := os.WriteFile(out, []byte(text), 0o600); err != nil {
		return err
	}
	return os.WriteFile(plot, []byte(calibrate.Plot(checked.Reliability(&catalogue), checked.Reliability(&fitted))), 0o600)
}

// samples reads a folder of samples, by seed.
func samples(dir string) (out []quality.Sample, seeds []uint64, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, nil, err
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		var s quality.Sample
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, nil, fmt.Errorf("read the sample %s: %w", path, err)
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, nil, fmt.Errorf("there is no sample in %q: make some with quality -keep", dir)
	}
	slices.SortFunc(out, func(a, b quality.Sample) int { return int(a.Seed) - int(b.Seed) })
	for i := range out {
		seeds = append(seeds, out[i].Seed)
	}
	return out, slices.Compact(seeds), nil
}

// provenance says where weights come from.
type provenance struct {
	date           string
	train, test    []uint64
	learned, check *calibrate.Set
}

func list(seeds []uint64) string {
	texts := make([]string, len(seeds))
	for i, s := range seeds {
		texts[i] = strconv.FormatUint(s, 10)
	}
	return strings.Join(texts, ", ")
}

// file renders the weights that differ from the catalogue's, each with the counts that it rests on.
func (p *provenance) file(catalogue, fitted *finding.Weights, counts calibrate.Counts) string {
	var b strings.Builder
	b.WriteString("# Made by make calibrate from activities of synthetic tenants; do not edit. Weights are log-likelihood ratios; the counts\n# behind them say of how many victims and of how many other people the hunt spoke.\n")
	fmt.Fprintf(&b, "provenance:\n  date: %s\n  train: [%s]\n  test: [%s]\n", p.date, list(p.train), list(p.test))
	people(&b, "trained_on", p.learned)
	people(&b, "tested_on", p.check)
	fmt.Fprintf(&b, "  # mean surprise per person of the test, in nats\n  log_loss: {catalogue: %.4f, calibrated: %.4f}\n", p.check.LogLoss(catalogue), p.check.LogLoss(fitted))
	b.WriteString("signals:\n")
	for _, id := range sortedKeys(fitted.Signals) {
		fmt.Fprintf(&b, "  %s: %.2f # %d victims, %d others\n", id, fitted.Signals[id], counts.Signals[id].Victims, counts.Signals[id].Others)
	}
	b.WriteString("caps:\n")
	for _, family := range sortedKeys(fitted.Caps) {
		c := counts.Twice[family]
		fmt.Fprintf(&b, "  %s: %.2f # twice or more: %d victims, %d others; the catalogue says %.2f\n", family, fitted.Caps[family], c.Victims, c.Others, catalogue.Caps[family])
	}
	return b.String()
}

func people(b *strings.Builder, name string, set *calibrate.Set) {
	victims, others := set.People()
	fmt.Fprintf(b, "  %s: {users: %d, incidents: %d, victims_weighed: %d, others_weighed: %d}\n", name, set.Users, set.Incidents, victims, others)
}

func sortedKeys(m map[string]float64) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
