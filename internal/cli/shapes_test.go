package cli

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/replaytrace/replaytrace/internal/golden"
	"github.com/replaytrace/replaytrace/internal/simulate"
)

// tenantTables are the tables of a simulated tenant and what names their rows.
var tenantTables = map[string]string{
	"SigninLogs": "Id", "AADNonInteractiveUserSignInLogs": "Id", "AADServicePrincipalSignInLogs": "Id", "AuditLogs": "Id", "AADUserRiskEvents": "Id",
	"MicrosoftGraphActivityLogs": "RequestId", "OfficeActivity": "OfficeId",
}

// held is what one shape holds of a tenant: rows by table and key, as values by column, and what there is to hunt.
type held struct {
	rows  map[string]map[string]map[string]any
	paths []string
}

// foundIn is a finding as far as it can be compared.
type foundIn struct {
	Verdict string   `json:"verdict"`
	User    string   `json:"user"`
	Sources []string `json:"source_ips"`
	Events  []string `json:"event_ids"`
	Signals []struct {
		ID string `json:"id"`
	} `json:"signals"`
}

// TestEveryShapeHoldsTheSameTenant writes one tenant in every shape. Each holds the same rows, and where a value is there
// it is the same; the hunts find the same. What a shape lacks is listed in docs/evidence.md:
// go test ./internal/cli -run TestEveryShape -update
func TestEveryShapeHoldsTheSameTenant(t *testing.T) {
	if testing.Short() {
		t.Skip("it hunts a tenant in each of the shapes")
	}
	t.Parallel()
	dir, _ := simulated(t, simulate.Options{Seed: 4, Users: 5, Days: 8, Incidents: 2}, simulate.Shapes()...)
	want := readShape(t, dir, "evidence")
	for table := range tenantTables {
		if len(want.rows[table]) == 0 {
			t.Fatalf("the tenant has no row in %s: nothing is compared", table)
		}
	}
	found := want.found(t)
	if len(found) == 0 {
		t.Fatal("nothing is found in the tenant")
	}
	list := "| shape (`simulate --shape`) | tables | columns that it lacks | in another form | findings |\n|---|---|---|---|---|\n"
	lines, others := make([]string, len(simulate.Shapes())), huntedOnce{}
	t.Run("shape", func(t *testing.T) { // it ends when all of the shapes are compared
		for i, shape := range simulate.Shapes() {
			t.Run(shape, func(t *testing.T) {
				t.Parallel()
				folder := map[string]string{"jsonl": "evidence", "jsonl-zst": "evidence-zst"}[shape]
				if folder == "" {
					folder = shape
				}
				lines[i] = compareShape(t, shape, readShape(t, dir, folder), want, found, &others)
			})
		}
	})
	if t.Failed() {
		return // the list is not whole
	}
	golden.Part(t, "../../docs/evidence.md", "equal", list+strings.Join(lines, ""))
}

// readShape reads the rows that a folder holds, and lists the evidence to hunt: tables that the shape does not have come as
// JSON lines.
func readShape(t *testing.T, dir, folder string) (h held) {
	t.Helper()
	h = held{rows: map[string]map[string]map[string]any{}, paths: []string{filepath.Join(dir, folder)}}
	caseDir, questions := filepath.Join(t.TempDir(), "case"), filepath.Join(t.TempDir(), "tables.jsonl")
	var batch bytes.Buffer
	for _, table := range slices.Sorted(maps.Keys(tenantTables)) {
		fmt.Fprintf(&batch, "{\"id\":%q,\"query\":%q}\n", table, table+" | extend Derived = _Derived | project-away SourceSystem") // it says from where the shape is
	}
	if err := os.WriteFile(questions, batch.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	runPartly(t, "ingest", oneThread, "--case", caseDir, h.paths[0])
	for line := range strings.Lines(string(runPartly(t, "query", oneThread, "--case", caseDir, "--batch", questions))) {
		var doc tableAnswer
		if err := json.Unmarshal([]byte(line), &doc); err != nil {
			t.Fatal(err)
		}
		if len(doc.Rows) == 0 {
			h.paths = append(h.paths, filepath.Join(dir, "evidence", doc.ID+".jsonl"))
		} else {
			h.rows[doc.ID] = doc.byKey(t, tenantTables[doc.ID])
		}
	}
	return h
}

// tableAnswer is the answer to one question of a batch.
type tableAnswer struct {
	ID      string
	Columns []struct{ Name string }
	Rows    [][]any
}

func (a tableAnswer) byKey(t *testing.T, key string) map[string]map[string]any {
	t.Helper()
	rows := map[string]map[string]any{}
	for _, cells := range a.Rows {
		row := map[string]any{}
		for i, cell := range cells {
			row[a.Columns[i].Name] = cell
		}
		for column := range strings.SplitSeq(fmt.Sprint(row["Derived"]), ",") { // what follows from other columns is not there
			row[column] = nil
		}
		delete(row, "Derived")
		rows[fmt.Sprint(row[key])] = row
	}
	if len(rows) != len(a.Rows) {
		t.Errorf("%d rows of %s have %d keys", len(a.Rows), a.ID, len(rows))
	}
	return rows
}

// found hunts the evidence.
func (h held) found(t *testing.T) map[string]foundIn {
	t.Helper()
	var doc struct{ Findings []foundIn }
	if err := json.Unmarshal(runPartly(t, append([]string{"hunt", oneThread, "--format", "json"}, h.paths...)...), &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string]foundIn{}
	for _, f := range doc.Findings {
		slices.Sort(f.Events)
		slices.Sort(f.Sources)
		out[f.User+" "+strings.Join(f.Sources, " ")] = f
	}
	return out
}

// huntedOnce hunts once what is held by several shapes.
type huntedOnce struct{ of sync.Map } // what is found, by the rows

func (o *huntedOnce) found(t *testing.T, h held) map[string]foundIn {
	t.Helper()
	rows, err := json.Marshal(h.rows)
	if err != nil {
		t.Fatal(err)
	}
	once, _ := o.of.LoadOrStore(sha256.Sum256(rows), sync.OnceValue(func() map[string]foundIn { return h.found(t) }))
	return once.(func() map[string]foundIn)()
}

func runPartly(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	code := Main(args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	if code != exitOK && code != exitPartial {
		t.Fatalf("%v: exit code %d: %s", args, code, errs.String())
	}
	return out.Bytes()
}

// compareShape compares what a shape holds with Log Analytics' own form, and returns its line of the list.
func compareShape(t *testing.T, shape string, got, want held, found map[string]foundIn, others *huntedOnce) string {
	t.Helper()
	lacks, forms := map[string]bool{}, map[string]bool{}
	for table, rows := range got.rows {
		if a, b := slices.Sorted(maps.Keys(rows)), slices.Sorted(maps.Keys(want.rows[table])); !slices.Equal(a, b) {
			t.Errorf("%s: %d rows of %s, want %d", shape, len(a), table, len(b))
			continue
		}
		for column := range want.rows[table][slices.Sorted(maps.Keys(rows))[0]] {
			switch how, example := compareColumn(rows, want.rows[table], column); how {
			case "lacks":
				lacks[column] = true
			case "form":
				forms[column] = true
			case "more":
				forms["more "+column] = true
			case "differs":
				t.Errorf("%s: %s.%s differs: %s", shape, table, column, example)
			}
		}
	}
	findings := "the same" // of the same rows
	if len(lacks)+len(forms) > 0 {
		findings = cmp.Or(compareFindings(others.found(t, got), found), findings)
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", shape, words(len(got.rows), got.rows, tenantTables), strings.Join(slices.Sorted(maps.Keys(lacks)), ", "), strings.Join(slices.Sorted(maps.Keys(forms)), ", "), findings)
}

func words(n int, have map[string]map[string]map[string]any, all map[string]string) string {
	if n == len(all) {
		return "all"
	}
	return strings.Join(slices.Sorted(maps.Keys(have)), ", ")
}

// compareColumn says how a column's values differ: "" for the same, "lacks" where the shape has none, "form" for the same
// in another form, "more" where the shape has values that Log Analytics leaves out, "differs" otherwise.
func compareColumn(got, want map[string]map[string]any, column string) (how, example string) {
	none, more := true, false
	for key, row := range want {
		g, w := got[key][column], row[column]
		if blank(w) && !blank(g) {
			more = true // Log Analytics leaves twins of a column empty
		} else if blank(g) != blank(w) || !blank(g) && !reflect.DeepEqual(g, w) {
			how, example = "form", fmt.Sprintf("%s has %v, want %v", key, g, w)
			if !sameValue(g, w) && !blank(g) {
				return "differs", example
			}
			if !blank(g) {
				none = false
			} else if !blank(w) {
				continue
			}
		} else if !blank(g) {
			none = false
		}
	}
	switch {
	case how == "form" && none:
		return "lacks", example
	case how == "" && more:
		return "more", ""
	}
	return how, example
}

// blank reports whether a value says nothing: it is not there, empty, or JSON without a member.
func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == "" || v == "[]" || v == "{}"
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, inner := range v {
			if !blank(inner) {
				return false
			}
		}
		return true
	}
	return false
}

// sameValue reports whether two values say the same in another form: JSON in a text, a time cut off at the second, an
// object with members of another order or without those that say nothing, or with fewer.
func sameValue(g, w any) bool {
	if g, ok := g.(string); ok {
		if w, ok := w.(string); ok {
			if strings.EqualFold(g, w) || len(w) > 19 && strings.HasPrefix(w, strings.TrimSuffix(strings.TrimSuffix(g, "Z"), "0")) {
				return true
			}
		}
	}
	g, w = parsed(g), parsed(w)
	if a, ok := g.(map[string]any); ok {
		if b, ok := w.(map[string]any); ok {
			for k, v := range a {
				if !blank(v) && !sameValue(v, b[k]) {
					return false
				}
			}
			return true
		}
	}
	if a, ok := g.([]any); ok {
		if b, ok := w.([]any); ok && len(a) == len(b) {
			for i := range a {
				if !sameValue(a[i], b[i]) {
					return false
				}
			}
			return true
		}
	}
	return blank(g) && blank(w) || reflect.DeepEqual(g, w)
}

func parsed(v any) any {
	if text, ok := v.(string); ok && (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")) {
		var inner any
		if json.Unmarshal([]byte(text), &inner) == nil {
			return inner
		}
	}
	return v
}

// compareFindings says in what the findings differ.
func compareFindings(got, want map[string]foundIn) string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		g, w := got[key], want[key]
		if g.User == "" {
			out = append(out, "not found: "+w.User)
			continue
		}
		if g.Verdict != w.Verdict {
			out = append(out, fmt.Sprintf("%s instead of %s", g.Verdict, w.Verdict))
		}
		if !slices.Equal(g.Events, w.Events) {
			out = append(out, fmt.Sprintf("%d events instead of %d", len(g.Events), len(w.Events)))
		}
		var missing []string
		for _, s := range w.Signals {
			if !slices.Contains(g.Signals, s) {
				missing = append(missing, s.ID)
			}
		}
		if len(missing) > 0 {
			slices.Sort(missing)
			out = append(out, "without the signals "+strings.Join(missing, ", "))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if want[key].User == "" {
			out = append(out, "more found: "+got[key].User)
		}
	}
	return strings.Join(out, "; ")
}
