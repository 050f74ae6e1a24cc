package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/hunts"
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
	var rules []quality.Rule
	if o.baselines {
		var err error
		if rules, err = quality.Baselines(); err != nil {
			return nil, err
		}
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
		if err := m.tenant(seed, []string{"--incidents", fmt.Sprint(max(1, m.opt.users/m.opt.per))}, m.attacked); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	for _, seed := range quiet {
		if err := m.tenant(seed, []string{"--no-attacks"}, m.quiet); err != nil {
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
func (m *measurement) tenant(seed uint64, attacks []string, measure func(seed uint64, dir string, key []byte) error) error {
	dir, err := os.MkdirTemp("", "replaytrace-quality-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	begin := time.Now()
	args := []string{"simulate", "--out", dir, "--force", "--shape", "jsonl", "--seed", fmt.Sprint(seed), "--users", fmt.Sprint(m.opt.users), "--days", fmt.Sprint(m.opt.days)}
	if _, err := command(append(args, attacks...)...); err != nil {
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
func (m *measurement) hunt(dir string, way bool, flags ...string) ([]byte, error) {
	begin := time.Now()
	args := slices.Concat([]string{"hunt", "--format", "json", "--quiet"}, m.where(dir, way), flags)
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
		weighed := filepath.Join(dir, "candidates.jsonl")
		result, err := m.hunt(dir, way, "--candidates", weighed)
		if err != nil {
			return err
		}
		hunt, key, err := quality.Read(result, text)
		if err != nil {
			return err
		}
		run := quality.Judge(hunt, key)
		if run.Candidates, err = m.candidates(dir, weighed, key); err != nil {
			return err
		}
		if err := m.leave(&run, way); err != nil {
			return err
		}
		m.judged[way] = append(m.judged[way], run)
		for _, rule := range m.rules {
			answer, err := m.query(dir, way, rule.Name, rule.Query)
			if err != nil {
				return fmt.Errorf("baseline %s: %w", rule.Name, err)
			}
			findings, err := quality.Answer(answer)
			if err != nil {
				return fmt.Errorf("baseline %s: %w", rule.Name, err)
			}
			m.published[way][rule.Name] = append(m.published[way][rule.Name], run.Against(findings, key))
		}
	}
	fmt.Fprintf(os.Stderr, "; %d rows", m.judged[m.ways[0]][len(m.judged[m.ways[0]])-1].Rows)
	return nil
}

// query asks a case in KQL.
func (m *measurement) query(dir string, way bool, name, text string) ([]byte, error) {
	path := filepath.Join(dir, name+".kql")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return command(append([]string{"query", "--format", "json", "--quiet", "--file", path}, m.where(dir, way)...)...)
}

// candidates reads what was weighed and labels it: where the attackers were is asked in the words of the hunts.
func (m *measurement) candidates(dir, path string, key *quality.Key) ([]quality.Candidate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out, err := quality.ReadCandidates(text)
	if err != nil {
		return nil, err
	}
	activity, err := fs.ReadFile(hunts.Functions, "functions/Activity.part")
	if err != nil {
		return nil, err
	}
	ids, err := json.Marshal(key.Labelled())
	if err != nil {
		return nil, err
	}
	answer, err := m.query(dir, false, "places", string(activity)+
		"\nActivity | where Caller and Id in (dynamic("+string(ids)+`)) | distinct UserId, Spot = strcat(Network, "|", DeviceId, "|", OS, "|", Client)`)
	if err != nil {
		return nil, fmt.Errorf("where the attackers were: %w", err)
	}
	var rows struct{ Rows [][2]string }
	if err := json.Unmarshal(answer, &rows); err != nil {
		return nil, fmt.Errorf("where the attackers were: %w", err)
	}
	var places []quality.Place
	for _, r := range rows.Rows {
		places = append(places, quality.Place{UserID: r[0], Spot: r[1]})
	}
	quality.Label(out, places, key)
	return out, nil
}

// leave keeps what the calibration needs.
func (m *measurement) leave(run *quality.Run, way bool) error {
	if m.opt.keep == "" {
		return nil
	}
	text, err := json.Marshal(run.Sample())
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d%s.json", run.Seed, map[bool]string{true: "-tenant"}[way])
	return os.WriteFile(filepath.Join(m.opt.keep, name), text, 0o600)
}

// quiet measures a tenant to which nothing happens.
func (m *measurement) quiet(_ uint64, dir string, text []byte) error {
	for _, way := range m.ways {
		result, err := m.hunt(dir, way)
		if err != nil {
			return err
		}
		hunt, key, err := quality.Read(result, text)
		if err != nil {
			return err
		}
		m.clean[way] = append(m.clean[way], quality.Judge(hunt, key))
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
