// Command quality measures the detection: it makes synthetic tenants, hunts them and published rules in them through the
// command line's contract, and compares the answers with the answer keys.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/cli"
	"github.com/replaytrace/replaytrace/internal/quality"
)

type options struct {
	seeds, clean, made  string
	users, days, per    int
	context             string
	name                string
	check, update       bool
	baselines           bool
	debug, keep, record string
	resume, board       string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == asReplaytrace {
		os.Exit(cli.Main(os.Args[2:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	var o options
	flag.StringVar(&o.seeds, "seeds", "1-2", "seeds of the tenants, such as 1-10 or 3,5,8")
	flag.StringVar(&o.clean, "clean", "", "seeds of further tenants, in which no attack happens")
	flag.StringVar(&o.made, "made", "", "folders of tenants that somebody else made, instead of seeds: each has evidence/ and answer_key.json, and keeps its case for the next time")
	flag.IntVar(&o.users, "users", 200, "users of each tenant")
	flag.IntVar(&o.days, "days", 30, "days of each tenant")
	flag.IntVar(&o.per, "per", 20, "one incident for so many users")
	flag.StringVar(&o.context, "tenant", "both", "on, off or both: whether the hunt is given the tenant file")
	flag.StringVar(&o.name, "name", "", "the name under which the figures are recorded and compared")
	flag.BoolVar(&o.check, "check", false, "fail when something is worse than recorded")
	flag.BoolVar(&o.update, "update", false, "record the figures and rewrite the board")
	flag.BoolVar(&o.baselines, "baselines", true, "measure the published rules, too")
	flag.StringVar(&o.debug, "debug", "", "leave every missed incident, false finding and partial match in this folder")
	flag.StringVar(&o.keep, "keep", "", "leave what was weighed, labelled, in this folder: the samples of the calibration")
	flag.StringVar(&o.resume, "resume", "", "leave what was measured of each tenant in this folder, and go on from what the same program left there")
	flag.StringVar(&o.record, "record", "quality.json", "the file of recorded figures")
	flag.StringVar(&o.board, "board", "docs/quality.md", "the page made from it")
	flag.Parse()
	worse, err := o.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quality:", err)
		os.Exit(2)
	}
	for _, w := range worse {
		fmt.Println("FAIL", w)
	}
	if len(worse) > 0 {
		os.Exit(1)
	}
}

// seeds reads a list such as 1-3,7.
func seeds(text string) ([]uint64, error) {
	var out []uint64
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, err := strconv.ParseUint(from, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("seeds are numbers such as 1-10 or 3,5,8, not %q", text)
		}
		last, err := strconv.ParseUint(to, 10, 64)
		if err != nil || last < first {
			return nil, fmt.Errorf("seeds are numbers such as 1-10 or 3,5,8, not %q", text)
		}
		for seed := first; seed <= last; seed++ {
			out = append(out, seed)
		}
	}
	return out, nil
}

// way is how the hunt is asked; its text ends the name of the record.
type way string

const (
	untold way = ""
	told   way = " with tenant file"
)

// contexts are the ways by what -tenant says.
var contexts = map[string][]way{"off": {untold}, "on": {told}, "both": {untold, told}}

// digest tells measurements apart that are not the same: by the program with its rules and weights, and by what is asked.
func (o *options) digest() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	program, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = program.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, program); err != nil {
		return "", fmt.Errorf("tell this program from others: %w", err)
	}
	fmt.Fprint(h, o.users, o.days, o.per, o.context, o.baselines)
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}

// tenants are those to measure: of the simulator's or somebody else's making.
func (o *options) tenants() (out []tenant, err error) {
	if o.made != "" {
		for dir := range strings.SplitSeq(o.made, ",") {
			out = append(out, tenant{name: dir, made: dir})
		}
		return out, nil
	}
	flags := []string{"--users", fmt.Sprint(o.users), "--days", fmt.Sprint(o.days)}
	for _, kind := range []struct {
		seeds   string
		attacks []string
	}{
		{o.seeds, []string{"--incidents", fmt.Sprint(max(1, o.users/o.per))}},
		{o.clean, []string{noAttacks}},
	} {
		list, err := seeds(kind.seeds)
		if err != nil {
			return nil, err
		}
		for _, seed := range list {
			name := fmt.Sprint(seed)
			out = append(out, tenant{name: name, simulated: slices.Concat([]string{"--seed", name}, flags, kind.attacks)})
		}
	}
	return out, nil
}

func (o *options) run() (worse []string, err error) {
	ways, known := contexts[o.context]
	if !known {
		return nil, fmt.Errorf("-tenant takes on, off or both, not %q", o.context)
	}
	tenants, err := o.tenants()
	if err != nil {
		return nil, err
	}
	record, err := quality.ReadRecord(o.record)
	if err != nil {
		return nil, err
	}
	m, err := newMeasurement(o, ways)
	if err != nil {
		return nil, err
	}
	if err := m.all(tenants); err != nil {
		return nil, err
	}
	for _, asked := range ways {
		f := m.figures(asked)
		name := o.name + string(asked)
		fmt.Print(quality.Board(quality.Record{name: f}))
		old, recorded := record[name]
		switch {
		case o.update:
			record[name] = f
		case o.check && !recorded:
			worse = append(worse, fmt.Sprintf("%s: nothing is recorded, run make quality-update", name))
		case o.check:
			for _, w := range quality.Worse(old, f) {
				worse = append(worse, name+": "+w)
			}
		}
		if o.debug != "" {
			if err := quality.WriteDebug(o.debug+"/"+strings.ReplaceAll(name, " ", "-"), m.judged[asked]); err != nil {
				return nil, err
			}
		}
	}
	if !o.update {
		return worse, nil
	}
	text, err := record.Text()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(o.record, text, 0o600); err != nil {
		return nil, err
	}
	return worse, os.WriteFile(o.board, []byte(quality.Board(record)), 0o600)
}
