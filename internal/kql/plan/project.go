package plan

import (
	"cmp"
	"sort"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

func itoa(i int) string { return strconv.Itoa(i) }

// pattern matches the columns that a name, a wildcard or `*` means.
func (b *binder) pattern(cols []*Column, x syntax.Expr) func(*Column) bool {
	switch x := x.(type) {
	case *syntax.Star:
		return func(*Column) bool { return true }
	case *syntax.Wildcard:
		return func(c *Column) bool { return match(x.Pattern, c.Name) }
	case *syntax.Name:
		b.existing(cols, x, unknownColumn)
		return func(c *Column) bool { return c.Name == x.Name }
	}
	b.fail(diag.Semantic, x.Span(), "", "the name of a column is expected here")
	return nil
}

func (b *binder) projectAway(n Node, op *syntax.ProjectAway) Node {
	var hits []func(*Column) bool
	for _, x := range op.Items {
		hits = append(hits, b.pattern(n.Columns(), x))
	}
	return b.keepColumns(n, func(c *Column) bool {
		for _, hit := range hits {
			if hit(c) {
				return op.Keep
			}
		}
		return !op.Keep
	})
}

func (b *binder) projectRename(n Node, op *syntax.ProjectRename) Node {
	out := &Compute{In: n, base: base{order: n.Ordering(), cols: append([]*Column(nil), n.Columns()...)}}
	for _, item := range op.Items {
		name, x := b.oneName(item)
		old, ok := x.(*syntax.Name)
		if !ok || name == "" {
			b.fail(diag.Semantic, item.Span(), "", "project-rename takes NewName = OldName")
		}
		hit := b.pattern(n.Columns(), old)
		for i, c := range out.cols {
			if hit(c) {
				col := b.column(name, c.Type)
				out.cols[i] = col
				out.Items = append(out.Items, Item{Col: col, X: &Col{c}})
			}
		}
	}
	seen := map[string]bool{}
	for _, c := range out.cols {
		if seen[c.Name] && !c.Hidden {
			b.failDeclared(op.Span(), c.Name)
		}
		seen[c.Name] = true
	}
	return out
}

func (b *binder) projectReorder(n Node, op *syntax.ProjectReorder) Node {
	out := &Compute{In: n, base: base{order: n.Ordering()}}
	placed := map[*Column]bool{}
	for _, item := range op.Items {
		hit := b.pattern(n.Columns(), item.X)
		var group []*Column
		for _, c := range n.Columns() {
			if !placed[c] && hit(c) {
				group = append(group, c)
				placed[c] = true
			}
		}
		if item.Order != "" {
			less, ok := columnOrders[item.Order]
			if !ok {
				b.fail(diag.Semantic, item.X.Span(), "", "the order of columns is asc, desc, granny-asc or granny-desc")
			}
			sort.SliceStable(group, func(i, j int) bool { return less(group[i].Name, group[j].Name) })
		}
		out.cols = append(out.cols, group...)
	}
	for _, c := range n.Columns() {
		if !placed[c] {
			out.cols = append(out.cols, c)
		}
	}
	return out
}

// columnOrders are the orders of project-reorder, in which capitals do not count, as Microsoft's analyser has it. A granny
// counts: a2 comes before a10.
// https://learn.microsoft.com/kusto/query/project-reorder-operator
var columnOrders = map[string]func(a, b string) bool{
	"asc":         func(a, b string) bool { return strings.ToUpper(a) < strings.ToUpper(b) },
	"desc":        func(a, b string) bool { return strings.ToUpper(a) > strings.ToUpper(b) },
	"granny-asc":  func(a, b string) bool { return compareGranny(strings.ToUpper(a), strings.ToUpper(b)) < 0 },
	"granny-desc": func(a, b string) bool { return compareGranny(strings.ToUpper(a), strings.ToUpper(b)) > 0 },
}

// compareGranny compares names whose runs of digits count as numbers.
func compareGranny(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da == "" || db == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		na, nb := strings.TrimLeft(da, "0"), strings.TrimLeft(db, "0")
		if c := cmp.Or(cmp.Compare(len(na), len(nb)), strings.Compare(na, nb)); c != 0 {
			return c
		}
		a, b = a[len(da):], b[len(db):]
	}
	return cmp.Compare(len(a), len(b))
}

// digits are those that a text begins with.
func digits(s string) string { return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))] }

// projectByNames binds `project-by-names`: columns by strings, which may be patterns or name nothing.
// https://learn.microsoft.com/kusto/query/project-by-names-operator
func (b *binder) projectByNames(sc *scope, n Node, op *syntax.ProjectByNames) Node {
	out := &Compute{In: n, base: base{order: n.Ordering()}}
	placed := map[*Column]bool{}
	for _, item := range op.Items {
		for _, name := range b.columnNames(sc, item) {
			for _, c := range visibleColumns(n) {
				if match(name, c.Name) && !placed[c] {
					placed[c] = true
					out.cols = append(out.cols, c)
				}
			}
		}
	}
	return out
}

// columnNames reads a constant string, a constant array of strings or column_names_of(T).
func (b *binder) columnNames(sc *scope, x syntax.Expr) []string {
	if call, ok := x.(*syntax.Call); ok && call.Func.Name == "column_names_of" {
		b.arity(call, 1, 1)
		return namesOf(visibleColumns(b.tabular(sc, call.Args[0])))
	}
	c, ok := b.scalar(&frame{scope: sc}, x).(*Const)
	switch {
	case ok && c.T == schema.String:
		name, _ := c.V.(string)
		return []string{name}
	case ok && c.T == schema.Dynamic:
		var names []string
		for _, item := range b.arrayItems(ptr(null(schema.String)), c) {
			if k, ok := item.(*Const); ok {
				name, _ := k.V.(string)
				names = append(names, name)
			}
		}
		return names
	}
	b.fail(diag.Semantic, x.Span(), "", "project-by-names takes strings and arrays of strings that are constant, and column_names_of(T)")
	return nil
}

// assertSchema binds `assert-schema`, which passes its input through.
func (b *binder) assertSchema(n Node, op *syntax.AssertSchema) Node {
	cols := visibleColumns(n)
	ok := len(cols) == len(op.Columns)
	for i := 0; ok && i < len(cols); i++ {
		t, _ := schema.ParseType(op.Columns[i].Type)
		ok = cols[i].Name == op.Columns[i].Name.Name && cols[i].Type == t
	}
	if !ok {
		var have []string
		for _, c := range cols {
			have = append(have, c.Name+":"+c.Type.String())
		}
		b.fail(diag.Semantic, op.Span(), "", "the columns are (%s)", strings.Join(have, ", "))
	}
	return n
}
