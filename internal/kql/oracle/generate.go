package oracle

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Generator makes small tables and queries over them. The same seed makes the same.
type Generator struct {
	r      *rand.Rand
	tables map[string]Table
	names  []string
	fresh  int
}

// NewGenerator makes the tables A, B and C.
func NewGenerator(seed uint64) *Generator {
	g := &Generator{r: rand.New(rand.NewPCG(seed, 1)), tables: map[string]Table{}, names: []string{"A", "B", "C"}}
	for _, name := range g.names {
		g.tables[name] = g.table()
	}
	return g
}

// Tables are the generator's tables by name.
func (g *Generator) Tables() map[string]Table { return g.tables }

// pool are the columns that tables choose from, each with the literals that its cells are.
var pool = []struct {
	column schema.Column
	cells  []string
}{
	{schema.Column{Name: "a", Type: schema.Long}, []string{"-3", "-1", "0", "1", "2", "7", "long(null)"}},
	{schema.Column{Name: "b", Type: schema.Long}, []string{"0", "1", "2", "100", "long(null)"}},
	{schema.Column{Name: "r", Type: schema.Real}, []string{"-1.5", "0.0", "0.5", "2.0", "3.25", "real(null)"}},
	{schema.Column{Name: "s", Type: schema.String}, []string{`""`, `"a"`, `"A"`, `"b"`, `"az-cli/2.50 python"`, `"Python-requests"`, `"7"`, `"été"`, `"a b_c"`}},
	{schema.Column{Name: "k", Type: schema.String}, []string{`""`, `"x"`, `"X"`, `"y"`, `"z"`}},
	{schema.Column{Name: "t", Type: schema.Datetime}, []string{"datetime(2024-02-29T23:59:59.9999999Z)", "datetime(2024-03-01)", "datetime(2024-03-01T12:30:00Z)", "datetime(1999-12-31)", "datetime(null)"}},
	{schema.Column{Name: "w", Type: schema.Timespan}, []string{"1h", "-36h", "1tick", "timespan(null)", "0s"}},
	{schema.Column{Name: "f", Type: schema.Bool}, []string{"true", "false", "bool(null)"}},
	{schema.Column{Name: "d", Type: schema.Dynamic}, []string{"dynamic([1, 2, 3])", "dynamic([])", "dynamic(null)", `dynamic(["x", "7", null])`, `dynamic({"p": 1, "q": "y"})`, `dynamic({"p": [4, -1]})`, "dynamic(7)", `dynamic("s")`, "dynamic({})"}},
}

func (g *Generator) table() Table {
	var t Table
	var cells [][]string
	for _, p := range pool {
		if g.r.IntN(4) > 0 || p.column.Name == "a" {
			t.Columns = append(t.Columns, p.column)
			cells = append(cells, p.cells)
		}
	}
	for range g.r.IntN(9) {
		row := make([]schema.Value, len(t.Columns))
		for i := range row {
			value, err := constant(one(g, cells[i]))
			if err != nil {
				panic(err) // the literals of the pool are ours
			}
			row[i] = value
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// constant is the value of a literal.
func constant(text string) (schema.Value, error) {
	out, err := Run("print x = "+text, nil)
	if err != nil {
		return nil, err
	}
	return out.Rows[0][0], nil
}

// KQL is a table as a datatable.
func (t Table) KQL() string {
	var values []string
	for _, row := range t.Rows {
		for i, v := range row {
			values = append(values, spelled(cell{t.Columns[i].Type, v}))
		}
	}
	return "datatable(" + schema.Declaration(t.Columns) + ") [" + strings.Join(values, ", ") + "]"
}

func spelled(c cell) string {
	if c.t == schema.String || c.t == schema.Dynamic {
		text, err := json.Marshal(c.v)
		if err != nil {
			panic(err) // strings and what JSON holds can be written as JSON
		}
		if c.t == schema.String {
			return string(text)
		}
		return "dynamic(" + string(text) + ")"
	}
	if c.isNull() {
		return c.t.String() + "(null)"
	}
	if v, ok := c.v.(bool); ok {
		return fmt.Sprint("bool(", v, ")")
	}
	return c.t.String() + "(" + c.text() + ")"
}

func one[T any](g *Generator, of []T) T { return of[g.r.IntN(len(of))] }

// state is what the query under construction returns so far.
type state struct {
	columns []schema.Column
	loose   map[string]bool // dynamic columns whose arrays have no order
}

func (s state) of(types ...schema.Type) []string {
	var out []string
	for _, c := range s.columns {
		if slices.Contains(types, c.Type) {
			out = append(out, c.Name)
		}
	}
	return out
}

// Query makes a query of a few operators; now and then it begins with a let that is read twice.
func (g *Generator) Query() string {
	text := ""
	source, s := g.source()
	if g.r.IntN(4) == 0 {
		text = "let M = " + source + ";\n"
		if g.r.IntN(2) == 0 {
			text = "let M = materialize(" + source + ");\n"
		}
		body, after := g.pipeline("M", s, 2)
		other, right := g.pipeline("M", s, 1)
		if join, joined, ok := g.joinWith(after, other, right); ok {
			return text + body + join + g.end(joined)
		}
		return text + body + g.end(after)
	}
	body, after := g.pipeline(source, s, 1+g.r.IntN(4))
	return body + g.end(after)
}

func (g *Generator) source() (string, state) {
	name := one(g, g.names)
	t := g.tables[name]
	if g.r.IntN(4) > 0 {
		return name, state{columns: t.Columns, loose: map[string]bool{}}
	}
	return g.pipeline(name, state{columns: t.Columns, loose: map[string]bool{}}, 1+g.r.IntN(2))
}

func (g *Generator) pipeline(source string, s state, steps int) (string, state) {
	text := source
	for range steps {
		step, after := g.step(s)
		text += "\n| " + step
		s = after
	}
	return text, s
}

// end may order the rows by everything that has an order, and take some of them.
func (g *Generator) end(s state) string {
	var keys []string
	for _, c := range s.columns {
		if c.Type == schema.Dynamic {
			return "" // rows that differ there only would come in any order
		}
		key := c.Name
		switch g.r.IntN(4) {
		case 0:
			key += " asc"
		case 1:
			key += " desc nulls first"
		case 2:
			key += " asc nulls last"
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return ""
	}
	by := strings.Join(keys, ", ")
	switch g.r.IntN(5) {
	case 0:
		return "\n| sort by " + by
	case 1:
		return fmt.Sprintf("\n| sort by %s\n| take %d", by, g.r.IntN(6))
	case 2:
		return fmt.Sprintf("\n| top %d by %s", g.r.IntN(6), by)
	case 3:
		return "\n| count"
	}
	return ""
}

func (g *Generator) name() string {
	g.fresh++
	return fmt.Sprintf("n%d", g.fresh)
}

// step makes one operator.
func (g *Generator) step(s state) (string, state) {
	switch g.r.IntN(15) {
	case 0, 1, 2:
		return "where " + g.expr(s, schema.Bool, 2), s
	case 3, 4:
		return g.extend(s)
	case 5:
		return g.project(s)
	case 6, 7:
		return g.summarize(s)
	case 8:
		other := one(g, g.names)
		right := state{columns: g.tables[other].Columns}
		if join, joined, ok := g.joinWith(s, other, right); ok {
			return strings.TrimPrefix(join, "\n| "), joined
		}
	case 9:
		return g.union(s)
	case 10:
		if names := s.of(schema.Dynamic); len(names) > 0 {
			return g.expand(s, one(g, names))
		}
	case 11:
		return g.distinct(s)
	case 12:
		return g.renamed(s)
	case 13, 14:
		if text, after, ok := g.sequence(s); ok {
			return text, after
		}
	}
	return "where " + g.expr(s, schema.Bool, 1), s
}
