package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/cli"
	"github.com/replaytrace/replaytrace/internal/quality"
)

// measurement gathers what is judged, by whether the hunt was given the tenant file.
type measurement struct {
	opt       *options
	ways      []bool
	rules     []quality.Rule
	judged    map[bool][]quality.Run
	clean     map[bool][]quality.Run
	published map[bool]map[string][]quality.Run
}

func newMeasurement(o *options, ways []bool) (*measurement, error) {
	rules, err := quality.Baselines()
	if err != nil {
		return nil, err
	}
	m := &measurement{opt: o, ways: ways, rules: rules, judged: map[bool][]quality.Run{}, clean: map[bool][]quality.Run{}, published: map[bool]map[string][]quality.Run{}}
	for _, way := range ways {
		m.published[way] = map[string][]quality.Run{}
	}
	if o.keep == "" {
		return m, nil
	}
	return m, os.MkdirAll(o.keep, 0o750)
}

func (m *measurement) all(attacked, quiet []uint64) error {
	for _, seed := range attacked {
		if err := m.tenant(seed, m.attacked); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	for _, seed := range quiet {
		if err := m.tenant(seed, m.quiet); err != nil {
			return fmt.Errorf("seed %d without attacks: %w", seed, err)
		}
	}
	return nil
}

// command runs the command line in this process.
func command(args ...string) ([]byte, error) {
	var out, errs bytes.Buffer
	if code := cli.Main(args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != 0 {
		return nil, fmt.Errorf("%s ended with %d: %s", args[0], code, errs.String())
	}
	return out.Bytes(), nil
}

// tenant makes a tenant in a folder that vanishes, and has it measured.
func (m *measurement) tenant(seed uint64, measure func(seed uint64, dir string, key []byte) error) error {
	dir, err := os.MkdirTemp("", "replaytrace-quality-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	begin := time.Now()
	if _, err := command("simulate", "--out", dir, "--seed", fmt.Sprint(seed), "--users", fmt.Sprint(m.opt.users), "--days", fmt.Sprint(m.opt.days), "--force"); err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(dir, "answer_key.json"))
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "seed %d: made in %.1f s", seed, time.Since(begin).Seconds())
	if err := measure(seed, dir, key); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "; %.1f s in all\n", time.Since(begin).Seconds())
	return nil
}

// hunt asks for the findings in a tenant. The case is kept beside the evidence, so that it is read once.
func (m *measurement) hunt(dir string, way bool) ([]byte, error) {
	begin := time.Now()
	args := append([]string{"hunt", "--format", "json", "--quiet"}, m.where(dir, way)...)
	if _, err := os.Stat(filepath.Join(dir, "case")); err != nil {
		args = append(args, filepath.Join(dir, "evidence"))
	}
	result, err := command(args...)
	fmt.Fprintf(os.Stderr, "; hunted in %.1f s", time.Since(begin).Seconds())
	return result, err
}

func (m *measurement) where(dir string, way bool) []string {
	args := []string{"--case", filepath.Join(dir, "case")}
	if way {
		args = append(args, "--tenant", filepath.Join(dir, "tenant.yaml"))
	}
	return args
}

func (m *measurement) attacked(seed uint64, dir string, text []byte) error {
	for _, way := range m.ways {
		result, err := m.hunt(dir, way)
		if err != nil {
			return err
		}
		if err := m.leave(seed, way, result, text); err != nil {
			return err
		}
		hunt, key, err := quality.Read(result, text)
		if err != nil {
			return err
		}
		run := quality.Judge(hunt, key)
		m.judged[way] = append(m.judged[way], run)
		for _, rule := range m.rules {
			findings, err := m.ask(dir, way, rule)
			if err != nil {
				return fmt.Errorf("baseline %s: %w", rule.Name, err)
			}
			m.published[way][rule.Name] = append(m.published[way][rule.Name], run.Against(findings, key))
		}
	}
	fmt.Fprintf(os.Stderr, "; %d rows", m.judged[m.ways[0]][len(m.judged[m.ways[0]])-1].Rows)
	return nil
}

func (m *measurement) ask(dir string, way bool, rule quality.Rule) ([]quality.Finding, error) {
	path := filepath.Join(dir, rule.Name+".kql")
	if err := os.WriteFile(path, []byte(rule.Query), 0o600); err != nil {
		return nil, err
	}
	text, err := command(append([]string{"query", "--format", "json", "--quiet", "--file", path}, m.where(dir, way)...)...)
	if err != nil {
		return nil, err
	}
	return quality.Answer(text)
}

// leave keeps the two documents for the calibration.
func (m *measurement) leave(seed uint64, way bool, result, key []byte) error {
	if m.opt.keep == "" {
		return nil
	}
	base := filepath.Join(m.opt.keep, fmt.Sprintf("%d%s", seed, map[bool]string{false: "", true: "-tenant"}[way]))
	if err := os.WriteFile(base+".hunt.json", result, 0o600); err != nil {
		return err
	}
	return os.WriteFile(base+".key.json", key, 0o600)
}

// quiet takes every labelled row out of the evidence and measures what is left: the same people, and no attack.
func (m *measurement) quiet(_ uint64, dir string, text []byte) error {
	var key quality.Key
	if err := json.Unmarshal(text, &key); err != nil {
		return err
	}
	if err := withoutAttacks(filepath.Join(dir, "evidence"), &key); err != nil {
		return err
	}
	for _, way := range m.ways {
		result, err := m.hunt(dir, way)
		if err != nil {
			return err
		}
		hunt, _, err := quality.Read(result, text)
		if err != nil {
			return err
		}
		key.Incidents = nil
		m.clean[way] = append(m.clean[way], quality.Judge(hunt, &key))
	}
	return nil
}

func (m *measurement) figures(way bool) quality.Figures {
	f := quality.Measure(m.judged[way])
	f.Seeds, f.Users, f.Days, f.Context = m.opt.seeds, m.opt.users, m.opt.days, way
	if len(m.clean[way]) > 0 {
		f.Clean = quality.Quiet(m.clean[way])
	}
	for _, rule := range m.rules {
		f.Baselines = append(f.Baselines, quality.Compared(rule.Name, m.published[way][rule.Name]))
	}
	return f
}
