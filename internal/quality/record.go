package quality

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"
)

// Record holds the figures of several runs by the name of the run: the content of quality.json.
type Record map[string]Figures

// ReadRecord reads a record; a file that is not there is an empty one.
func ReadRecord(path string) (Record, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Record{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the recorded quality: %w", err)
	}
	r := Record{}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("read the recorded quality in %s: %w", path, err)
	}
	return r, nil
}

// Text is the record as its file holds it.
func (r Record) Text() ([]byte, error) {
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	lines.SetIndent("", " ")
	if err := lines.Encode(r); err != nil {
		return nil, fmt.Errorf("render the quality: %w", err)
	}
	return out.Bytes(), nil
}

// names are the runs in a record, sorted.
func (r Record) names() []string {
	var names []string
	for name := range r {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// tenants says in words which tenants the figures are of, and how they were asked.
func (f *Figures) tenants() string {
	of := f.Made
	if of == "" {
		of = fmt.Sprintf("seeds %s of %d users and %d days", f.Seeds, f.Users, f.Days)
	}
	if f.Context {
		of += ", with tenant file"
	}
	return of
}

// slack is how far a share may fall below the recorded one: less than one of two hundred incidents.
const slack = 0.005

// Worse lists in words what is worse than recorded. A false confirmed finding in a tenant without an attack is always
// worse; figures of other tenants say nothing of these.
func Worse(recorded, now Figures) []string {
	if before, after := recorded.tenants(), now.tenants(); before != after {
		return []string{fmt.Sprintf("recorded of other tenants: %s, not %s", before, after)}
	}
	var out []string
	fell := func(what string, before, after float64) {
		if after < before-slack {
			out = append(out, fmt.Sprintf("%s fell from %.4g to %.4g", what, before, after))
		}
	}
	rose := func(what string, before, after float64) {
		if after > before+slack {
			out = append(out, fmt.Sprintf("%s rose from %.4g to %.4g", what, before, after))
		}
	}
	for i, after := range now.Thresholds {
		if i >= len(recorded.Thresholds) {
			break
		}
		before := recorded.Thresholds[i]
		at := " at " + after.Verdict
		fell("recall"+at, before.Recall, after.Recall)
		rose("false findings per 1,000 users and day"+at, before.FalseRate, after.FalseRate)
		fell("median event precision"+at, before.Events.PrecisionMedian, after.Events.PrecisionMedian)
		fell("median event recall"+at, before.Events.RecallMedian, after.Events.RecallMedian)
		for _, g := range before.Difficulties {
			for _, d := range after.Difficulties {
				if d.Name == g.Name {
					fell("recall of "+g.Name+" incidents"+at, share(g.Found[0], g.Detectable), share(d.Found[0], d.Detectable))
				}
			}
		}
	}
	if now.Clean != nil && now.Clean.Findings[0] > 0 {
		out = append(out, fmt.Sprintf("%d confirmed findings in %d tenants without an attack", now.Clean.Findings[0], now.Clean.Tenants))
	}
	return out
}
