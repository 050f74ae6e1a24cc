package plan

import (
	"slices"
	"sort"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// sources are the tables of a union, search or find with the names that withsource gives them.
type sources struct {
	inputs []Node
	names  []string
	failed bool // what is wrong with one of them has been told
}

func (s *sources) add(n Node, name string) {
	s.inputs = append(s.inputs, n)
	s.names = append(s.names, name)
}

// sources binds a list of tables, patterns and queries. A fuzzy list leaves out what does not exist.
func (b *binder) sources(sc *scope, s *sources, tables []syntax.Expr, fuzzy bool) {
	for _, x := range tables {
		if w, ok := x.(*syntax.Wildcard); ok {
			b.wildcardSources(sc, s, w.Pattern)
			continue
		}
		if fuzzy && b.leavesOut(sc, x) {
			continue
		}
		name := "union_arg" + itoa(len(s.inputs))
		switch x := x.(type) {
		case *syntax.Name:
			name = b.nameOfTable(sc, x, name)
		case *syntax.Pipe: // https://learn.microsoft.com/kusto/query/as-operator
			if as, ok := x.Ops[len(x.Ops)-1].(*syntax.As); ok {
				name = as.Name.Name
			}
		}
		s.failed = !b.attempt(func() { s.add(b.tabular(sc, x), name) }) || s.failed
	}
}

// nameOfTable is what withsource calls the rows of a name: that of the table or view. A let that is no view has no name
// of its own, as a query in parentheses has none; one that only renames a table stands for it.
func (b *binder) nameOfTable(sc *scope, id *syntax.Name, unnamed string) string {
	v, _ := sc.find(id.Name)
	shared, ok := v.(*Shared)
	if !ok {
		return id.Name
	}
	if table, ok := shared.Plan.(*Scan); ok {
		return table.Table
	}
	return unnamed
}

// pipedName is what withsource calls the rows before the pipe: a table, or what `as` names.
// https://learn.microsoft.com/kusto/query/as-operator
func pipedName(n Node, unnamed string) string {
	switch n := n.(type) {
	case *Scan:
		return n.Table
	case *Ref:
		if n.Shared.Named {
			return n.Shared.Name
		}
	}
	return unnamed
}

// leavesOut reports, with a note, that a table of a fuzzy union does not exist.
func (b *binder) leavesOut(sc *scope, x syntax.Expr) bool {
	if pipe, ok := x.(*syntax.Pipe); ok && pipe.Source != nil {
		x = pipe.Source
	}
	id, ok := x.(*syntax.Name)
	if !ok || b.isTabular(sc, id) {
		return false
	}
	b.note("the table %s is not in the evidence: isfuzzy leaves it out", id.Name)
	return true
}

// wildcardSources adds the tables whose names match, and the views of the query. What begins with an underscore belongs
// to the engine.
func (b *binder) wildcardSources(sc *scope, s *sources, pattern string) {
	seen := map[string]bool{}
	for view := sc; view != nil; view = view.parent {
		c, ok := view.value.(*closure)
		if ok && c.lit.View && match(pattern, view.name) && !seen[view.name] {
			s.add(b.callClosure(c, c.lit.Span(), nil, nil), view.name)
		}
		seen[view.name] = true
	}
	names := append([]string(nil), b.opt.Catalog.TableNames()...)
	sort.Strings(names)
	for _, name := range names {
		if match(pattern, name) && !strings.HasPrefix(name, "_") && !seen[name] {
			t, _ := b.opt.Catalog.Table(name)
			s.add(b.scan(t), name)
		}
	}
}

func (b *binder) union(sc *scope, n Node, op *syntax.Union) Node {
	var s sources
	if n != nil {
		s.add(n, pipedName(n, "union_arg0"))
	}
	fuzzy, _ := b.option(op.Options, "isfuzzy")
	kind, at := b.option(op.Options, "kind")
	if at != nil && !strings.EqualFold(kind, "inner") && !strings.EqualFold(kind, "outer") {
		b.fail(diag.Semantic, at.Span(), "", "the kind of a union is inner or outer")
	}
	source, sourceAt := b.option(op.Options, "withsource")
	if sourceAt == nil {
		source, sourceAt = b.option(op.Options, "with_source")
	}
	b.sources(sc, &s, op.Tables, strings.EqualFold(fuzzy, "true"))
	if len(s.inputs) == 0 && s.failed {
		panic(failed{})
	}
	if len(s.inputs) == 0 {
		b.fail(diag.Semantic, op.Span(), "", "none of the tables of this union exists")
	}
	u := &Union{Inputs: s.inputs}
	b.unionColumns(u, strings.EqualFold(kind, "inner"))
	if sourceAt != nil {
		b.withSource(u, source, s.names)
	}
	return u
}

func (b *binder) withSource(u *Union, name string, sources []string) {
	c := b.column(name, schema.String)
	u.cols = append([]*Column{c}, u.cols...)
	for i := range u.Maps {
		u.Maps[i] = append([]Expr{&Const{T: schema.String, V: sources[i]}}, u.Maps[i]...)
	}
}

// unionColumns merges the columns by name; one name with several types becomes name_type columns.
func (b *binder) unionColumns(u *Union, inner bool) {
	visible := make([][]*Column, len(u.Inputs))
	at := map[string]int{}
	var merged []mergedColumn
	for i, in := range u.Inputs {
		visible[i] = visibleColumns(in)
		for _, c := range visible[i] {
			k, ok := at[c.Name]
			if !ok {
				k = len(merged)
				at[c.Name] = k
				merged = append(merged, mergedColumn{name: c.Name})
			}
			merged[k].add(c.Type)
		}
	}
	u.cols, u.Maps = make([]*Column, 0, len(merged)+2), make([][]Expr, len(u.Inputs))
	for i := range u.Maps {
		u.Maps[i] = make([]Expr, 0, len(merged)+2) // its place among the inputs and in the input may come to them
	}
	nm := b.newNamer(nil)
	b.unionOpen(u)
	for _, m := range merged {
		if m.sole() { // a column's own name goes before one made of a type
			nm.taken.add(m.name)
		}
	}
	defer b.unionOrder(u)
	for _, m := range merged {
		if inner && (m.count < len(u.Inputs) || !m.sole()) {
			continue
		}
		if m.sole() {
			b.unionColumn(u, visible, m.name, b.column(m.name, m.first))
			continue
		}
		for _, t := range append([]schema.Type{m.first}, m.others...) {
			b.unionColumn(u, visible, m.name, b.column(nm.unique(m.name+"_"+t.String()), t))
		}
	}
}

// mergedColumn is a name of a union's columns, with the types that they have.
type mergedColumn struct {
	name   string
	count  int         // of the columns
	first  schema.Type // Unknown where that of no column is known
	others []schema.Type
}

func (m *mergedColumn) add(t schema.Type) {
	m.count++
	switch {
	case t == schema.Unknown, t == m.first, slices.Contains(m.others, t):
	case m.first == schema.Unknown:
		m.first = t
	default:
		m.others = append(m.others, t)
	}
}

// sole reports whether the columns have one type.
func (m *mergedColumn) sole() bool { return len(m.others) == 0 }

// unionColumn adds a column, which takes what each input has under the name, if that is of its type.
func (b *binder) unionColumn(u *Union, visible [][]*Column, name string, c *Column) {
	u.cols = append(u.cols, c)
	for i := range u.Inputs {
		if in := findColumn(visible[i], name); in != nil && in.Type == c.Type {
			u.Maps[i] = append(u.Maps[i], b.col(in))
		} else {
			u.Maps[i] = append(u.Maps[i], null(c.Type))
		}
	}
}

// unionOpen hands on that an input has columns of any name.
func (b *binder) unionOpen(u *Union) {
	for _, in := range u.Inputs {
		if open := openColumn(in.Columns()); open != nil {
			u.cols = append(u.cols, b.copyOf(open))
			for i := range u.Inputs {
				u.Maps[i] = append(u.Maps[i], null(schema.Unknown))
			}
			return
		}
	}
}
