package casefile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/oracle"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// TestDifferential asks random queries of the compiler and of the oracle, which must agree.
func TestDifferential(t *testing.T) {
	seeds, queries := uint64(200), 12
	if testing.Short() {
		seeds = 10
	}
	asked, known, shapes := 0, 0, map[string]int{"stored members": 0, "within each": 0}
	c := openTest(t)
	for seed := range seeds {
		g := oracle.NewGenerator(seed)
		load(t, c, g)
		for range queries {
			asked++
			text := g.Query()
			if !differ(t, c, g, text, fmt.Sprintf("seed %d", seed)) {
				continue
			}
			known++
			compiled, err := kql.Compile(request(text), &session{Case: c, ctx: t.Context()}, schema.UnixEpoch)
			if err != nil {
				t.Fatal(err)
			}
			for shape := range shapes {
				if strings.Contains(compiled.Plan(), shape) {
					shapes[shape]++
				}
			}
		}
	}
	if known*100 < asked*95 {
		t.Errorf("only %d of %d queries had an answer to compare", known, asked)
	}
	for shape, n := range shapes {
		if n*200 < asked {
			t.Errorf("only %d of %d plans have %q", n, asked, shape)
		}
	}
}

// FuzzDifferential does the same from any seed.
func FuzzDifferential(f *testing.F) { //fuzz:slow each input is a query that DuckDB runs
	c, err := Open(f.Context(), Options{Threads: 1}) // each worker is a process of its own
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = c.Close() })
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		g := oracle.NewGenerator(seed)
		load(t, c, g)
		differ(t, c, g, g.Query(), fmt.Sprintf("seed %d", seed))
	})
}

func load(t *testing.T, c *Case, g *oracle.Generator) {
	t.Helper()
	for name, table := range g.Tables() {
		if err := (storer{c}).Store(context.Background(), name, request(table.KQL())); err != nil {
			t.Fatal(err)
		}
		storeMembers(t, c, c.tables[name])
	}
}

// storeMembers stores what queries ask of the table's JSON beside it.
func storeMembers(t *testing.T, c *Case, table *schema.Table) {
	t.Helper()
	for _, col := range table.Columns {
		if col.Type == schema.Dynamic {
			table.Members = append(table.Members, schema.Members{Column: col.Name, Keys: []string{"q", "p"}})
		}
	}
	if len(table.Members) == 0 {
		return
	}
	for _, col := range memberColumns(table) {
		if err := c.Exec(t.Context(), "ALTER TABLE "+quoteName(table.Name)+" ADD COLUMN "+quoteName(col.Name)+" VARCHAR"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Exec(t.Context(), fillMembers(table)); err != nil {
		t.Fatal(err)
	}
}

func request(text string) kql.Request {
	return kql.Request{Source: &diag.Source{Name: "q", Text: text}}
}

// differ compares the answers to one query; it is false when the oracle has none.
func differ(t *testing.T, c *Case, gen *oracle.Generator, text, label string) bool {
	t.Helper()
	want, err := oracle.Run(text, gen.Tables())
	if err != nil {
		return false
	}
	got, err := c.Query(context.Background(), request(text))
	if err != nil {
		var list *diag.List
		if errors.As(err, &list) && list.Items[0].Kind == diag.Unsupported {
			return false
		}
		t.Errorf("%s\n%s%s\n%v", label, tablesOf(gen), text, err)
		return true
	}
	if g, w := schema.Declaration(got.Columns), schema.Declaration(want.Columns); g != w {
		t.Errorf("%s\n%s\ngot the columns %s\nwant %s", label, text, g, w)
		return true
	}
	gotRows, wantRows := make([]string, len(got.Rows)), make([]string, len(want.Rows))
	for i, row := range got.Rows {
		for k, v := range row {
			gotRows[i] += canonical(schema.AppendJSON(nil, got.Columns[k].Type, v)) + " "
		}
	}
	for i, row := range want.Rows {
		for k, v := range row {
			wantRows[i] += canonical(cellJSON(want.Columns[k].Type, v)) + " "
		}
	}
	if !want.Sorted {
		sort.Strings(gotRows)
		sort.Strings(wantRows)
	}
	if g, w := strings.Join(gotRows, "\n"), strings.Join(wantRows, "\n"); g != w {
		t.Errorf("%s\n%s%s\ngot\n%s\nwant\n%s", label, tablesOf(gen), text, g, w)
	}
	return true
}

func tablesOf(g *oracle.Generator) string {
	var b strings.Builder
	for _, name := range []string{"A", "B", "C"} {
		fmt.Fprintf(&b, "let %s = %s;\n", name, g.Tables()[name].KQL())
	}
	return b.String()
}

func cellJSON(t schema.Type, v schema.Value) []byte {
	if t != schema.Dynamic {
		return schema.AppendJSON(nil, t, v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

// canonical writes a cell so that equal values are equal texts: reals in one form, arrays without their order, which
// make_set leaves open.
func canonical(text []byte) string {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return string(text)
	}
	return fmt.Sprint(ordered(v))
}

func ordered(v any) any {
	switch v := v.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = fmt.Sprintf("%T:%v", ordered(e), ordered(e))
		}
		sort.Strings(parts)
		return parts
	case map[string]any:
		for k := range v {
			v[k] = ordered(v[k])
		}
		return v
	case json.Number:
		f, err := v.Float64()
		if err != nil || math.Abs(f) >= 1<<53 {
			return v.String()
		}
		return fmt.Sprint(math.Round(f*1e9)/1e9 + 0) // and a negative zero is zero
	}
	return v
}
