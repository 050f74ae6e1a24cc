// Package proof owns the test that lies beside every rule: a few rows of evidence, and the rows that the rule must make
// of them and no others. Among the evidence is a benign look-alike that the rule must pass over.
package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// Proof is one file NAME.txtar beside NAME.yaml. Its sections are
//
//	-- with --                 files of further sections, by their paths in the folder of rules; they come first
//	-- TABLE.jsonl --          rows of the table, with only the columns that matter, see Rows
//	-- watchlist/ALIAS.csv --  what _GetWatchlist('ALIAS') returns
//	-- as-of --                what now() means; the newest row when it is left out
//	-- want.jsonl --           the rows that the rule returns, in any order, with only the columns that matter
//	-- decisive --             columns without which the rule must not answer the same
type Proof struct {
	Path       string
	Tables     []Rows
	Watchlists map[string][]byte
	AsOf       string
	Want       []map[string]any
	Decisive   []string
}

// Rows are rows of one table. Keys that begin with an underscore save writing:
//
//	"_like": "ID"                   the columns of the earlier row with this Id, unless given here
//	"_times": 5, "_every": "24h"    five such rows a day apart, their Ids ID, ID-2, ID-3 ...
//
// What a row does not say is filled in where every export has it: TimeGenerated, ResultType (success), UserId (the
// UserPrincipalName), HomeTenantId.
type Rows struct {
	Table string
	Lines []map[string]any
}

// homeTenant is the tenant of rows that name none.
const homeTenant = "7a9c1b52-3f0e-4a6d-8c55-0d2f6be1a001"

// Load reads the proof of a rule, the file NAME.txtar beside its NAME.yaml.
func Load(fsys fs.FS, rule string) (*Proof, error) {
	path := strings.TrimSuffix(rule, ".yaml") + ".txtar"
	text, err := fs.ReadFile(fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("rule %s has no proof: write %s, rows in and signals out, with a benign look-alike: %w", rule, path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read a proof: %w", err)
	}
	return Parse(fsys, path, text)
}

// Parse reads a proof. The files that it names lie in fsys.
func Parse(fsys fs.FS, path string, text []byte) (*Proof, error) {
	p := &Proof{Path: path, Watchlists: map[string][]byte{}}
	r := reader{proof: p, fsys: fsys, known: map[string]map[string]any{}}
	if err := r.read(path, text); err != nil {
		return nil, err
	}
	if len(p.Tables) == 0 || !r.wanted {
		return nil, fmt.Errorf("proof %s: it needs rows of a table and the section want.jsonl", path)
	}
	return p, nil
}

// reader fills a proof from its file and those that it names.
type reader struct {
	proof  *Proof
	fsys   fs.FS
	known  map[string]map[string]any // rows by Id
	wanted bool
}

func (r *reader) read(path string, text []byte) error {
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
		for _, path := range strings.Fields(string(data)) {
			text, err := fs.ReadFile(r.fsys, path)
			if err != nil {
				return err
			}
			if err := r.read(path, text); err != nil {
				return err
			}
		}
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
		var rows Rows
		rows, err = readRows(name, data, r.known)
		p.Tables = append(p.Tables, rows)
	default:
		err = errors.New("no such section: it is with, TABLE.jsonl, watchlist/ALIAS.csv, as-of, want.jsonl or decisive")
	}
	return err
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

func readRows(table string, text []byte, known map[string]map[string]any) (Rows, error) {
	given, err := lines(text)
	if err != nil {
		return Rows{}, err
	}
	out := Rows{Table: table}
	for _, row := range given {
		if like, ok := row["_like"].(string); ok {
			if known[like] == nil {
				return out, fmt.Errorf("no row above has the Id %q", like)
			}
			for column, value := range known[like] {
				fill(row, column, value)
			}
		}
		id, _ := row["Id"].(string)
		if id == "" {
			return out, fmt.Errorf("a row has no Id: %v", row)
		}
		repeated, err := repeat(row)
		if err != nil {
			return out, fmt.Errorf("row %s: %w", id, err)
		}
		known[id] = plain(row)
		out.Lines = append(out.Lines, repeated...)
	}
	return out, nil
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

// repeat makes the rows that one line stands for.
func repeat(row map[string]any) ([]map[string]any, error) {
	times, every := 1, time.Duration(0)
	if n, ok := row["_times"].(float64); ok {
		times = int(n)
		text, _ := row["_every"].(string)
		var err error
		if every, err = time.ParseDuration(text); err != nil {
			return nil, fmt.Errorf("_every: %w", err)
		}
	}
	if times < 1 {
		return nil, errors.New("_times is at least 1")
	}
	out := make([]map[string]any, times)
	for i := range out {
		one := plain(row)
		if i > 0 {
			for column, value := range one {
				if value == row["Id"] { // the table's own key, too, where it is another column
					one[column] = fmt.Sprintf("%v-%d", row["Id"], i+1)
				}
			}
		}
		if err := complete(one, time.Duration(i)*every); err != nil {
			return nil, err
		}
		out[i] = one
	}
	return out, nil
}

// eventTimes are the columns that say when, by which a row is told.
var eventTimes = []string{"CreatedDateTime", "ActivityDateTime", "TimeGenerated"}

// complete moves a row's times and fills in what every export has.
func complete(row map[string]any, by time.Duration) error {
	timed := false
	for _, column := range eventTimes {
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
		return fmt.Errorf("it has none of %s", strings.Join(eventTimes, ", "))
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
