// Package proof owns the test that lies beside every rule: a few rows of evidence, and the rows that the rule must make
// of them and no others. Among the evidence is a benign look-alike that the rule must pass over. What many proofs need
// before anything happens, a few people at work for some days, is written once, in a file that they name.
package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/replaytrace/replaytrace/internal/casefile"
)

// Proof is one file NAME.txtar beside NAME.yaml. Its sections are
//
//	-- with --                 files of further sections, by their paths in the folder of rules; they come first
//	-- TABLE.jsonl --          rows of the table, with only the columns that matter, see Rows
//	-- watchlist/ALIAS.csv --  what _GetWatchlist('ALIAS') returns
//	-- as-of --                what now() means; the newest row when it is left out
//	-- want.jsonl --           the rows that the rule returns, in any order, with only the columns that matter
//	-- decisive --             columns on which the answer hangs, see Without
type Proof struct {
	Path       string
	Tables     []Rows
	Watchlists map[string][]byte
	AsOf       string
	Want       []map[string]any
	Decisive   []string

	fsys fs.FS
	text []byte
}

// Rows are rows of one table. Keys that begin with an underscore save writing:
//
//	"_like": "ID"                   the columns of the earlier row of this name, unless given here
//	"_times": 5, "_every": "24h"    five such rows a day apart, named ID, ID-2, ID-3 ...
//
// What a row does not say is filled in where every export has it: TimeGenerated, ResultType (success), UserId (the
// UserPrincipalName), HomeTenantId.
type Rows struct {
	Table  string
	Lines  []map[string]any
	Shared bool // of a file that other proofs name, too
}

// homeTenant is the tenant of rows that name none.
const homeTenant = "7a9c1b52-3f0e-4a6d-8c55-0d2f6be1a001"

// Load reads the proof of a rule, the file NAME.txtar beside its NAME.yaml or NAME.yml.
func Load(fsys fs.FS, rule string) (*Proof, error) {
	path := strings.TrimSuffix(rule, filepath.Ext(rule)) + ".txtar"
	text, err := fs.ReadFile(fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("rule %s has no proof: write %s, rows in and signals out, with a benign look-alike: %w", rule, path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read a proof: %w", err)
	}
	return fromText(fsys, path, text)
}

// fromText reads a proof. The files that it names lie in fsys.
func fromText(fsys fs.FS, path string, text []byte) (*Proof, error) {
	return parse(&reader{fsys: fsys}, path, text)
}

// Without is the same proof whose own rows do not tell the column: those like another row have that row's value again,
// the rest has none. What an attacker changed about a sign-in is thereby undone.
func (p *Proof) Without(column string) (*Proof, error) {
	return parse(&reader{fsys: p.fsys, strike: column}, p.Path, p.text)
}

// reader fills a proof from its file and those that it names.
type reader struct {
	proof  *Proof
	fsys   fs.FS
	known  map[string]map[string]any // rows by name
	open   []string                  // the files that are being read, the proof's own first
	wanted bool
	shared bool   // a file that the proof names is being read
	strike string // a column that the proof's own rows do not tell
}

func parse(r *reader, path string, text []byte) (*Proof, error) {
	p := &Proof{Path: path, Watchlists: map[string][]byte{}, fsys: r.fsys, text: text}
	r.proof, r.known = p, map[string]map[string]any{}
	if err := r.read(path, text); err != nil {
		return nil, err
	}
	if len(p.Tables) == 0 || !r.wanted {
		return nil, fmt.Errorf("proof %s: it needs rows of a table and the section want.jsonl", path)
	}
	return p, nil
}

// nameless is a line that begins a section without a name.
var nameless = regexp.MustCompile(`(?m)^-- --\r?$`)

func (r *reader) read(path string, text []byte) error {
	r.open = append(r.open, path)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	if nameless.Match(text) { // txtar (go-internal v1.16.0) panics on it
		return fmt.Errorf("proof %s: a section has a name between its dashes", path)
	}
	for _, f := range txtar.Parse(text).Files {
		if err := r.section(f.Name, f.Data); err != nil {
			return fmt.Errorf("proof %s: %s: %w", path, f.Name, err)
		}
	}
	return nil
}

func (r *reader) section(full string, data []byte) (err error) {
	p := r.proof
	switch name, kind, _ := strings.Cut(full, "."); {
	case full == "with":
		return r.with(strings.Fields(string(data)))
	case full == "want.jsonl":
		r.wanted = true
		p.Want, err = lines(data)
	case full == "as-of":
		p.AsOf = strings.TrimSpace(string(data))
	case full == "decisive":
		p.Decisive = strings.Fields(string(data))
	case strings.HasPrefix(name, "watchlist/") && kind == "csv":
		p.Watchlists[strings.TrimPrefix(name, "watchlist/")] = data
	case kind == "jsonl" && !strings.Contains(name, "/"):
		err = r.rows(name, data)
	default:
		err = errors.New("no such section: it is with, TABLE.jsonl, watchlist/ALIAS.csv, as-of, want.jsonl or decisive")
	}
	return err
}

// with reads the files that a proof shares with others.
func (r *reader) with(paths []string) error {
	before := r.shared
	r.shared = true
	defer func() { r.shared = before }()
	for _, path := range paths {
		if slices.Contains(r.open, path) {
			return fmt.Errorf("%s names itself", path)
		}
		text, err := fs.ReadFile(r.fsys, path)
		if err != nil {
			return fmt.Errorf("%w (such a name is one within the folder that is tested)", err)
		}
		if err := r.read(path, text); err != nil {
			return err
		}
	}
	return nil
}

// lines reads JSON objects, one a line; empty lines and those that begin with // are passed over.
func lines(text []byte) ([]map[string]any, error) {
	var out []map[string]any
	for i, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || bytes.HasPrefix(line, []byte("//")) {
			continue
		}
		var object map[string]any
		if err := json.Unmarshal(line, &object); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		out = append(out, object)
	}
	return out, nil
}

// rows reads a section of rows.
func (r *reader) rows(table string, text []byte) error {
	given, err := lines(text)
	if err != nil {
		return err
	}
	out := Rows{Table: table, Shared: r.shared}
	for _, row := range given {
		if !r.shared {
			delete(row, r.strike)
		}
		if like, ok := row["_like"].(string); ok {
			if r.known[like] == nil {
				return fmt.Errorf("no row above is named %q", like)
			}
			for column, value := range r.known[like] {
				fill(row, column, value)
			}
		}
		key, id := name(row)
		if id == "" {
			return fmt.Errorf("a row has none of %s: %v", strings.Join(names, ", "), row)
		}
		repeated, err := repeat(row, key)
		if err != nil {
			return fmt.Errorf("row %s: %w", id, err)
		}
		r.known[id] = plain(row)
		out.Lines = append(out.Lines, repeated...)
	}
	r.proof.Tables = append(r.proof.Tables, out)
	return nil
}

// names are the columns by which a row of one table or another is named.
var names = []string{"Id", "RequestId", "OfficeId", "ReportId"}

func name(row map[string]any) (column, id string) {
	for _, column := range names {
		if id, ok := row[column].(string); ok {
			return column, id
		}
	}
	return "", ""
}

// plain is a row as it was written, without the keys that save writing.
func plain(row map[string]any) map[string]any {
	out := map[string]any{}
	for column, value := range row {
		if !strings.HasPrefix(column, "_") {
			out[column] = value
		}
	}
	return out
}

// maxTimes bounds how many rows one line stands for: a proof is a few rows.
const maxTimes = 10_000

// repeat makes the rows that one line stands for.
func repeat(row map[string]any, key string) ([]map[string]any, error) {
	times, every := 1, time.Duration(0)
	if n, ok := row["_times"].(float64); ok {
		times = int(n)
		text, _ := row["_every"].(string)
		var err error
		if every, err = time.ParseDuration(text); err != nil {
			return nil, fmt.Errorf("_every: %w", err)
		}
	}
	if times < 1 || times > maxTimes {
		return nil, fmt.Errorf("_times is 1 to %d", maxTimes)
	}
	out := make([]map[string]any, times)
	for i := range out {
		one := plain(row)
		if i > 0 {
			one[key] = fmt.Sprintf("%v-%d", row[key], i+1)
		}
		if err := complete(one, time.Duration(i)*every); err != nil {
			return nil, err
		}
		out[i] = one
	}
	return out, nil
}

// complete moves a row's times and fills in what every export has.
func complete(row map[string]any, by time.Duration) error {
	timed := false
	for _, column := range casefile.EventTimes {
		text, ok := row[column].(string)
		if !ok {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return fmt.Errorf("%s: %w", column, err)
		}
		row[column] = at.Add(by).UTC().Format(time.RFC3339Nano)
		if !timed {
			fill(row, "TimeGenerated", row[column])
		}
		timed = true
	}
	if !timed {
		return fmt.Errorf("it has none of %s", strings.Join(casefile.EventTimes, ", "))
	}
	if row["CreatedDateTime"] != nil {
		fill(row, "ResultType", "0")
		fill(row, "HomeTenantId", homeTenant)
		fill(row, "UserId", row["UserPrincipalName"])
	}
	return nil
}

func fill(row map[string]any, column string, value any) {
	if _, given := row[column]; !given && value != nil {
		row[column] = value
	}
}
