package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// query is one run: the tables and lets by name.
type query struct{ tables map[string]Table }

// Run answers a query over tables.
func Run(text string, tables map[string]Table) (out Table, err error) {
	defer func() {
		if r := recover(); r != nil {
			u, ok := r.(unknown)
			if !ok {
				panic(r)
			}
			err = fmt.Errorf("the oracle does not know: %s", u.what)
		}
	}()
	script, list := syntax.Parse(&diag.Source{Name: "oracle", Text: text})
	if err := list.Err(); err != nil {
		return Table{}, err
	}
	q := &query{tables: map[string]Table{}}
	maps.Copy(q.tables, tables)
	for _, st := range script.Statements {
		switch st := st.(type) {
		case *syntax.Let:
			q.tables[st.Name.Name] = q.table(st.Value)
		case *syntax.ExprStatement:
			out = q.table(st.X)
		default:
			giveUp("the statement %T", st)
		}
	}
	return out, nil
}

// table is the meaning of a tabular expression.
func (q *query) table(x syntax.Expr) Table {
	switch x := x.(type) {
	case *syntax.Name:
		t, ok := q.tables[x.Name]
		if !ok {
			giveUp("the table %s", x.Name)
		}
		return Table{Columns: t.Columns, Rows: t.Rows}
	case *syntax.Call:
		if x.Func.Name == "materialize" {
			return q.table(x.Args[0])
		}
	case *syntax.Pipe:
		var t Table
		if x.Source != nil {
			t = q.table(x.Source)
		}
		for _, op := range x.Ops {
			t = q.apply(t, op)
		}
		return t
	}
	giveUp("the table %T", x)
	return Table{}
}

func (q *query) apply(t Table, op syntax.Operator) Table {
	switch op := op.(type) {
	case *syntax.Where:
		return q.where(t, op.Pred)
	case *syntax.Extend:
		return q.extend(t, op.Items)
	case *syntax.Project:
		return q.project(t, op.Items)
	case *syntax.Print:
		return q.project(Table{Rows: [][]schema.Value{nil}}, op.Items)
	case *syntax.ProjectAway:
		return keep(t, func(name string) bool { return slices.ContainsFunc(op.Items, named(name)) == op.Keep })
	case *syntax.Summarize:
		return q.summarize(t, op)
	case *syntax.Join:
		return q.join(t, op)
	case *syntax.Union:
		return q.union(t, op)
	case *syntax.Distinct:
		if _, all := op.Items[0].(*syntax.Star); !all {
			t = q.project(t, op.Items)
		}
		return distinct(t)
	case *syntax.Sort:
		return q.sort(t, op.Keys)
	case *syntax.Top:
		return q.take(q.sort(t, op.Keys), op.N)
	case *syntax.Take:
		return q.take(t, op.N)
	case *syntax.Count:
		return Table{Columns: []schema.Column{{Name: "Count", Type: schema.Long}}, Rows: [][]schema.Value{{int64(len(t.Rows))}}}
	case *syntax.MvExpand:
		return q.mvExpand(t, op)
	}
	giveUp("the operator %s", op.Keyword())
	return t
}

func named(name string) func(syntax.Expr) bool {
	return func(x syntax.Expr) bool {
		n, ok := x.(*syntax.Name)
		return ok && n.Name == name
	}
}

func (q *query) in(t Table) scope { return scope{columns: t.Columns, query: q} }

func (s scope) at(row []schema.Value) scope {
	s.row = row
	return s
}

func (q *query) where(t Table, pred syntax.Expr) Table {
	out := Table{Columns: t.Columns, Sorted: t.Sorted}
	for _, row := range t.Rows {
		if yes, _ := q.in(t).at(row).eval(pred).truth(); yes {
			out.Rows = append(out.Rows, row)
		}
	}
	return out
}

// itemName is the name that the query gives; the generator names everything that is not a bare column.
func itemName(x syntax.Expr) string {
	switch x := x.(type) {
	case *syntax.Named:
		return x.Names[0].Name
	case *syntax.Name:
		return x.Name
	}
	giveUp("an item without a name")
	return ""
}

func (q *query) project(t Table, items []syntax.Expr) Table {
	out := Table{Rows: make([][]schema.Value, len(t.Rows)), Sorted: t.Sorted}
	for _, item := range items {
		out.Columns = append(out.Columns, schema.Column{Name: itemName(item), Type: q.in(t).typeOf(item)})
		for i, row := range t.Rows {
			here := q.in(t).at(row)
			here.before = t.Rows[:i]
			out.Rows[i] = append(out.Rows[i], here.eval(item).v)
		}
	}
	return out
}

func (q *query) extend(t Table, items []syntax.Expr) Table {
	made := q.project(t, items)
	out := Table{Columns: slices.Clone(t.Columns), Sorted: t.Sorted}
	for _, row := range t.Rows {
		out.Rows = append(out.Rows, slices.Clone(row))
	}
	for k, c := range made.Columns {
		at := slices.IndexFunc(out.Columns, func(o schema.Column) bool { return o.Name == c.Name })
		if at < 0 {
			at = len(out.Columns)
			out.Columns = append(out.Columns, c)
			for i := range out.Rows {
				out.Rows[i] = append(out.Rows[i], nil)
			}
		}
		out.Columns[at] = c
		for i := range out.Rows {
			out.Rows[i][at] = made.Rows[i][k]
		}
	}
	return out
}

func keep(t Table, want func(string) bool) Table {
	out := Table{Rows: make([][]schema.Value, len(t.Rows)), Sorted: t.Sorted}
	for k, c := range t.Columns {
		if !want(c.Name) {
			continue
		}
		out.Columns = append(out.Columns, c)
		for i, row := range t.Rows {
			out.Rows[i] = append(out.Rows[i], row[k])
		}
	}
	return out
}

func distinct(t Table) Table {
	out := Table{Columns: t.Columns}
	seen := map[string]bool{}
	for _, row := range t.Rows {
		if !seen[key(row)] {
			seen[key(row)] = true
			out.Rows = append(out.Rows, row)
		}
	}
	return out
}

// sort puts nulls first when ascending and last when descending, unless the query says.
func (q *query) sort(t Table, keys []syntax.SortKey) Table {
	out := Table{Columns: t.Columns, Rows: slices.Clone(t.Rows), Sorted: true}
	slices.SortStableFunc(out.Rows, func(a, b []schema.Value) int {
		for _, k := range keys {
			x, y := q.in(t).at(a).eval(k.X), q.in(t).at(b).eval(k.X)
			if n := ordered(x, y, k); n != 0 {
				return n
			}
		}
		return 0
	})
	return out
}

func ordered(x, y cell, k syntax.SortKey) int {
	nullsFirst := k.Nulls == "first" || k.Nulls == "" && k.Asc
	switch {
	case x.isNull() && y.isNull():
		return 0
	case x.isNull() == nullsFirst && (x.isNull() || y.isNull()):
		return -1
	case x.isNull() || y.isNull():
		return 1
	case k.Asc:
		return compare(x, y)
	}
	return compare(y, x)
}

func (q *query) take(t Table, n syntax.Expr) Table {
	count, ok := q.in(t).eval(n).v.(int64)
	if !ok {
		giveUp("take of no number")
	}
	t.Rows = t.Rows[:min(count, int64(len(t.Rows)))]
	return t
}

// mvExpand expands one column: an array by its elements, a bag by its properties, anything else as it is; a null stays
// one row, an empty array or bag has none.
func (q *query) mvExpand(t Table, op *syntax.MvExpand) Table {
	if len(op.Items) != 1 || len(op.Options) > 0 || op.Limit != nil {
		giveUp("mv-expand of several columns or with options")
	}
	at := slices.IndexFunc(t.Columns, func(c schema.Column) bool { return c.Name == itemName(op.Items[0].X) })
	out := Table{Columns: slices.Clone(t.Columns)}
	to := schema.Dynamic
	if op.Items[0].To != nil {
		to, _ = schema.ParseType(op.Items[0].To.Type)
	}
	out.Columns[at].Type = to
	for _, row := range t.Rows {
		for _, e := range elements(row[at]) {
			fresh := slices.Clone(row)
			fresh[at] = convert(cell{schema.Dynamic, e}, to).v
			out.Rows = append(out.Rows, fresh)
		}
	}
	return out
}

func elements(v schema.Value) []any {
	switch v := v.(type) {
	case []any:
		return v
	case map[string]any:
		var out []any
		for k, e := range v {
			out = append(out, map[string]any{k: e})
		}
		return out
	}
	return []any{v}
}

// unique adds 1, 2, .. to a name that is taken.
func unique(name string, taken []schema.Column) string {
	out := name
	for i := 1; slices.ContainsFunc(taken, func(c schema.Column) bool { return c.Name == out }); i++ {
		out = name + strconv.Itoa(i)
	}
	return out
}

// beside names the columns of a join's right side: one of the left's name gets the lowest number that makes it a name of
// neither side, and what is alone in its name keeps it.
func beside(left, right []schema.Column) []schema.Column {
	taken, out := slices.Concat(left, right), slices.Clone(right)
	for i, c := range right {
		if slices.ContainsFunc(left, func(l schema.Column) bool { return l.Name == c.Name }) {
			out[i].Name = unique(c.Name, taken)
			taken = append(taken, out[i])
		}
	}
	return out
}
