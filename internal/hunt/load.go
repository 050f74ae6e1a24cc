package hunt

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
)

// ruleFile is an analytics rule as Sentinel reads it, with one key of our own.
// https://learn.microsoft.com/azure/sentinel/sentinel-analytic-rules-creation
type ruleFile struct {
	ID, Name, Version, Kind, Description, Severity, Status string
	RequiredDataConnectors                                 []struct {
		ConnectorID string   `yaml:"connectorId"`
		DataTypes   []string `yaml:"dataTypes"`
	} `yaml:"requiredDataConnectors"`
	QueryFrequency     string   `yaml:"queryFrequency"`
	QueryPeriod        string   `yaml:"queryPeriod"`
	TriggerOperator    string   `yaml:"triggerOperator"`
	TriggerThreshold   int      `yaml:"triggerThreshold"`
	Tactics            []string `yaml:"tactics"`
	RelevantTechniques []string `yaml:"relevantTechniques"`
	Query              string   `yaml:"query"`
	EntityMappings     []any    `yaml:"entityMappings"`
	Replaytrace        struct {
		Signal, Role, Family, Strength, Otherwise string
		FalsePositives                            []string `yaml:"falsePositives"`
		Sources                                   []string
	} `yaml:"replaytrace"`
}

// IsRule tells by its name whether a file is one of a rule: by either ending of YAML.
func IsRule(path string) bool {
	ext := filepath.Ext(path)
	return ext == ".yaml" || ext == ".yml"
}

// Load reads every rule file of fsys, as IsRule tells them, sorted by path. The first that cannot be read, or has the signal of
// another, is the error.
func Load(fsys fs.FS) ([]Hunt, error) {
	var hunts []Hunt
	spoken := map[string]string{} // signals, and the rules that say them
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !IsRule(path) {
			return err
		}
		text, err := fs.ReadFile(fsys, path)
		if err != nil {
			return err
		}
		h, err := Parse(path, text)
		if err != nil {
			return err
		}
		if of, known := spoken[h.Signal]; known {
			return fmt.Errorf("rule %s: its signal %s is that of %s: choose another name", path, h.Signal, of)
		}
		spoken[h.Signal] = path
		hunts = append(hunts, h)
		return nil
	})
	sort.Slice(hunts, func(i, j int) bool { return hunts[i].Path < hunts[j].Path })
	return hunts, err
}

// Parse reads one rule file; path is for messages, and names the signal where the file does not. Unknown keys, a missing id,
// name or query, and a role or strength that does not exist are errors. It does not look into the KQL: Lint does.
func Parse(path string, text []byte) (Hunt, error) {
	f, err := decode(string(text))
	if err != nil {
		return Hunt{}, fmt.Errorf("rule %s: %w", path, err)
	}
	h := Hunt{
		ID: f.ID, Signal: f.Replaytrace.Signal, Name: f.Name, Description: strings.TrimSpace(f.Description), Severity: f.Severity,
		Tactics: f.Tactics, Techniques: f.RelevantTechniques, Query: f.Query, QueryLine: queryLine(string(text)), Path: path,
		Role: Role(f.Replaytrace.Role), Family: f.Replaytrace.Family, Strength: Strength(f.Replaytrace.Strength),
		Otherwise: f.Replaytrace.Otherwise, FalsePositives: f.Replaytrace.FalsePositives, Sources: f.Replaytrace.Sources,
	}
	if h.Signal == "" {
		h.Signal = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	if h.Role == "" {
		h.Role = RoleContext
	}
	switch {
	case h.ID == "" || h.Name == "":
		return h, fmt.Errorf("rule %s: id and name are required", path)
	case strings.TrimSpace(h.Query) == "":
		return h, fmt.Errorf("rule %s: the query is missing", path)
	case h.Role != RoleSignal && h.Role != RoleExplanation && h.Role != RoleLink && h.Role != RoleContext:
		return h, fmt.Errorf("rule %s: role is signal, explanation, link or context, not %q", path, h.Role)
	}
	if h.Strength != "" { // else each row says its own
		if err := h.Role.admits(h.Strength); err != nil {
			return h, fmt.Errorf("rule %s: %w", path, err)
		}
	}
	return h, nil
}

// decode reads the YAML of a rule file. The decoder takes longer for the block of the query than the compiler takes for the
// query, so a block that needs no decoder is cut out before.
func decode(text string) (ruleFile, error) {
	var f ruleFile
	if rest, query, ok := cutQuery(text); ok {
		// An error is told of the file as it stands; and a block of the same look may be part of another value.
		if yaml.UnmarshalWithOptions([]byte(rest), &f, yaml.Strict()) == nil && f.Query == instead {
			f.Query = query
			return f, nil
		}
		f = ruleFile{}
	}
	return f, yaml.UnmarshalWithOptions([]byte(text), &f, yaml.Strict())
}

// instead is what stands in a rule file for the text that cutQuery took out.
const instead = "the query\n"

// cutQuery takes the literal block of the key `query` out of a rule file. It refuses a block that is more than printable lines
// of two blanks and a text, and empty ones between. https://yaml.org/spec/1.2.2/#812-literal-style
func cutQuery(text string) (rest, query string, ok bool) {
	const key = "\nquery: |\n"
	at := strings.Index(text, key)
	if at < 0 || strings.Contains(text, instead) {
		return "", "", false
	}
	var b strings.Builder
	b.Grow(len(text))
	i, end := at+len(key), 0 // the next line, and how much of b is text
	for i < len(text) {
		line, _, ended := strings.Cut(text[i:], "\n")
		written, indented := strings.CutPrefix(line, "  ")
		if line != "" && !indented {
			break
		}
		if !ended || indented && strings.Trim(written, " ") == "" || end == 0 && (written == "" || written[0] == ' ') || !printable(written) {
			return "", "", false
		}
		b.WriteString(written)
		b.WriteByte('\n')
		if written != "" {
			end = b.Len()
		}
		i += len(line) + 1
	}
	if end == 0 {
		return "", "", false
	}
	return text[:at] + key + "  " + instead + text[i:], b.String()[:end], true
}

// printable tells whether a line holds only what YAML hands on as it is.
func printable(line string) bool {
	return !strings.ContainsFunc(line, func(r rune) bool { return r == utf8.RuneError || r != ' ' && !unicode.IsPrint(r) })
}

// queryLine is the line at which the block under `query:` begins.
func queryLine(text string) int {
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "query:") {
			return i + 2
		}
	}
	return 1
}

// Source is the hunt's KQL with its place in the rule file, for diagnostics.
func (h *Hunt) Source() *diag.Source {
	return &diag.Source{Name: h.Path, Text: h.Query, FirstLine: h.QueryLine, Indent: 2}
}

// Run asks a hunt's question and reads the rows as signals, sorted by user, time and what they say; the rows are those of the
// engine. Hunts for context return rows only. An error is the engine's, or says which column, cell or strength is wrong.
func Run(ctx context.Context, engine Engine, h *Hunt) ([]Signal, *kql.Rows, error) {
	rows, err := engine.Query(ctx, kql.Request{Source: h.Source()})
	if err != nil {
		return nil, nil, err
	}
	signals, err := h.read(rows)
	return signals, rows, err
}

// read makes signals of the rows that the hunt's KQL returned, in an order that does not hang on theirs; none where they
// are context.
func (h *Hunt) read(rows *kql.Rows) ([]Signal, error) {
	if h.Role == RoleContext {
		return nil, nil
	}
	if wrong := h.misfits(rows.Columns); wrong != nil {
		return nil, fmt.Errorf("hunt %s: %s", h.Path, wrong[0])
	}
	var out []Signal
	var wrong error
	err := rows.Each(func(r *kql.Row) {
		s, err := h.signal(r)
		wrong = cmp.Or(wrong, err)
		out = append(out, s)
	})
	if err = cmp.Or(err, wrong); err != nil {
		return nil, fmt.Errorf("hunt %s: %w", h.Path, err)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := &out[i], &out[j]
		if a.UserID != b.UserID {
			return a.UserID < b.UserID
		}
		if !a.First.Equal(b.First) {
			return a.First.Before(b.First)
		}
		return cmp.Or(cmp.Compare(a.IP, b.IP), slices.Compare(a.Spots, b.Spots), cmp.Compare(a.Evidence, b.Evidence)) < 0
	})
	return out, nil
}
