package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/quality"
)

// measurement gathers what is judged, by how the hunt was asked.
type measurement struct {
	opt       *options
	ways      []way
	rules     []quality.Rule
	digest    string // of what is measured, with what is left of it
	judged    map[way][]quality.Run
	clean     map[way][]quality.Run
	published map[way]map[string][]quality.Run
}

// outcome is what was measured of one tenant in one way.
type outcome struct {
	Run       quality.Run
	Published map[string]quality.Run // the published rules, by name
}

func newMeasurement(o *options, ways []way) (*measurement, error) {
	var rules []quality.Rule
	if o.baselines {
		var err error
		if rules, err = quality.Baselines(); err != nil {
			return nil, err
		}
	}
	m := &measurement{opt: o, ways: ways, rules: rules, judged: map[way][]quality.Run{}, clean: map[way][]quality.Run{}, published: map[way]map[string][]quality.Run{}}
	for _, asked := range ways {
		m.published[asked] = map[string][]quality.Run{}
	}
	for _, dir := range []string{o.keep, o.resume} {
		if dir != "" {
			if err := os.MkdirAll(dir, 0o750); err != nil {
				return nil, err
			}
		}
	}
	if o.resume != "" {
		var err error
		if m.digest, err = o.digest(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// noAttacks is the simulator's flag for a tenant to which nothing happens.
const noAttacks = "--no-attacks"

// tenant is one to measure.
type tenant struct {
	name      string
	simulated []string // the simulator's flags
	made      string   // the folder of one that somebody else made, "" for the simulator's
}

// quiet tells of a tenant that nothing happens in it, so that its findings are all that counts.
func (t *tenant) quiet() bool { return slices.Contains(t.simulated, noAttacks) }

// all measures the tenants, as many at a time as there are processors. A hunt has parts in which only one of them is busy, so that
// tenants beside each other are done sooner than one after the other on all of them.
func (m *measurement) all(every []tenant) error {
	got := make([][]outcome, len(every))
	tenants, ctx := errgroup.WithContext(context.Background())
	tenants.SetLimit(runtime.GOMAXPROCS(0))
	for i := range every {
		tenants.Go(func() (err error) {
			if ctx.Err() != nil { // another failed
				return nil
			}
			if got[i], err = m.tenant(&every[i]); err != nil {
				return fmt.Errorf("tenant %s: %w", every[i].name, err)
			}
			return nil
		})
	}
	if err := tenants.Wait(); err != nil {
		return err
	}
	for k, asked := range m.ways {
		for i := range every {
			if every[i].quiet() {
				m.clean[asked] = append(m.clean[asked], got[i][k].Run)
				continue
			}
			m.judged[asked] = append(m.judged[asked], got[i][k].Run)
			for name, run := range got[i][k].Published {
				m.published[asked][name] = append(m.published[asked][name], run)
			}
		}
	}
	return nil
}

// asReplaytrace is the first argument with which this program is replaytrace: each command is a process of its own, as a
// user runs it, so that none has to do with the memory that is left by another.
const asReplaytrace = "replaytrace"

func command(args ...string) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var out, errs bytes.Buffer
	c := exec.Command(self, append([]string{asReplaytrace}, args...)...)
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", args[0], err, errs.String())
	}
	return out.Bytes(), nil
}

// tenant measures a tenant in each way; or reads what an interrupted measurement of the same program has left.
func (m *measurement) tenant(t *tenant) ([]outcome, error) {
	left := ""
	if m.opt.resume != "" {
		left = filepath.Join(m.opt.resume, fmt.Sprintf("%s-%s%s.json", m.digest, strings.ReplaceAll(t.name, string(filepath.Separator), "-"), map[bool]string{true: noAttacks}[t.quiet()]))
	}
	var got []outcome
	if text, err := os.ReadFile(left); err == nil {
		return got, json.Unmarshal(text, &got)
	}
	begin := time.Now()
	dir := t.made
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "replaytrace-quality-"); err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		args := []string{"simulate", "--out", dir, "--force", "--shape", "jsonl-zst"}
		if _, err := command(append(args, t.simulated...)...); err != nil {
			return nil, err
		}
	}
	key, err := os.ReadFile(filepath.Join(dir, "answer_key.json"))
	if err != nil {
		return nil, err
	}
	said := fmt.Sprintf("%s: made in %.1f s", t.name, time.Since(begin).Seconds())
	for _, asked := range m.ways {
		from := time.Now()
		one, err := m.judge(t, dir, asked, key)
		if err != nil {
			return nil, err
		}
		said += fmt.Sprintf("; measured%s in %.1f s", asked, time.Since(from).Seconds())
		got = append(got, one)
	}
	fmt.Fprintf(os.Stderr, "%s; %d rows; %.1f s in all\n", said, got[0].Run.Rows, time.Since(begin).Seconds())
	if left == "" {
		return got, nil
	}
	text, err := json.Marshal(got)
	if err != nil {
		return nil, err
	}
	return got, os.WriteFile(left, text, 0o600)
}

// hunt asks for the findings in a tenant. The case is kept beside the evidence, so that it is read once.
func (m *measurement) hunt(t *tenant, dir string, asked way, flags ...string) ([]byte, error) {
	args := slices.Concat([]string{"hunt", "--threads=1", "--format", "json", "--quiet"}, m.where(dir, asked), flags)
	if _, err := os.Stat(filepath.Join(dir, "case")); err != nil {
		args = append(args, filepath.Join(dir, map[bool]string{true: "evidence", false: "evidence-zst"}[t.made != ""]))
	}
	return command(args...)
}

func (m *measurement) where(dir string, asked way) []string {
	args := []string{"--case", filepath.Join(dir, "case")}
	if asked == told {
		args = append(args, "--tenant", filepath.Join(dir, "tenant.yaml"))
	}
	return args
}

// judge hunts a tenant and compares what is found with the answer key: all that is known of one with incidents, the findings
// alone of a quiet one.
func (m *measurement) judge(t *tenant, dir string, asked way, text []byte) (got outcome, err error) {
	weighed := filepath.Join(dir, "candidates.jsonl")
	result, err := m.hunt(t, dir, asked, "--candidates", weighed)
	if err != nil {
		return got, err
	}
	found, key, err := quality.Read(result, text)
	if err != nil {
		return got, err
	}
	got = outcome{quality.Judge(found, key), map[string]quality.Run{}}
	if t.quiet() {
		return got, nil
	}
	if got.Run.Candidates, err = m.candidates(dir, weighed, key); err != nil {
		return got, err
	}
	for _, rule := range m.rules {
		answer, err := m.query(dir, asked, rule.Name, rule.Query)
		if err != nil {
			return got, fmt.Errorf("baseline %s: %w", rule.Name, err)
		}
		findings, err := quality.Answer(answer)
		if err != nil {
			return got, fmt.Errorf("baseline %s: %w", rule.Name, err)
		}
		got.Published[rule.Name] = got.Run.Against(findings, key)
	}
	return got, m.leave(&got.Run, asked)
}

// query asks a case in KQL.
func (m *measurement) query(dir string, asked way, name, text string) ([]byte, error) {
	path := filepath.Join(dir, name+".kql")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return command(append([]string{"query", "--threads=1", "--format", "json", "--quiet", "--file", path}, m.where(dir, asked)...)...)
}

// candidates reads what was weighed and labels it: where the attackers were is asked in the words of the hunts.
func (m *measurement) candidates(dir, path string, key *quality.Key) ([]quality.Candidate, error) {
	weighed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out, err := quality.ReadCandidates(weighed)
	if err != nil {
		return nil, err
	}
	ids, err := json.Marshal(key.Labelled())
	if err != nil {
		return nil, err
	}
	places, err := fs.ReadFile(hunts.Views, "views/tenant.spots.kql")
	if err != nil {
		return nil, err
	}
	text, err := hunt.Inline(string(places), hunts.Functions)
	if err != nil {
		return nil, err
	}
	answer, err := m.query(dir, untold, "places", "declare query_parameters(Given: dynamic = dynamic("+string(ids)+"));\n"+text)
	if err != nil {
		return nil, fmt.Errorf("where the attackers were: %w", err)
	}
	var rows struct{ Rows [][2]string }
	if err := json.Unmarshal(answer, &rows); err != nil {
		return nil, fmt.Errorf("where the attackers were: %w", err)
	}
	var there []quality.Place
	for _, r := range rows.Rows {
		there = append(there, quality.Place{UserID: r[0], Spot: r[1]})
	}
	quality.Label(out, there, key)
	return out, nil
}

// leave keeps what the calibration needs.
func (m *measurement) leave(run *quality.Run, asked way) error {
	if m.opt.keep == "" {
		return nil
	}
	text, err := json.Marshal(run.Sample())
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d%s.json", run.Seed, map[way]string{told: "-tenant"}[asked])
	return os.WriteFile(filepath.Join(m.opt.keep, name), text, 0o600)
}

func (m *measurement) figures(asked way) quality.Figures {
	f := quality.Measure(m.judged[asked])
	f.Made, f.Context = m.opt.made, asked == told
	if f.Made == "" {
		f.Seeds, f.Users, f.Days = m.opt.seeds, m.opt.users, m.opt.days
	}
	if len(m.clean[asked]) > 0 {
		f.Clean = quality.Quiet(m.clean[asked])
	}
	for _, rule := range m.rules {
		f.Baselines = append(f.Baselines, quality.Compared(rule.Name, m.published[asked][rule.Name]))
	}
	return f
}
