package plan

import (
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// joinKinds are the spellings of join flavours.
// https://learn.microsoft.com/kusto/query/join-operator
var joinKinds = map[string]JoinKind{
	"inner": Inner, "innerunique": InnerUniq, "leftouter": LeftOuter, "rightouter": RightOuter, "fullouter": FullOuter,
	"leftsemi": LeftSemi, "rightsemi": RightSemi, "leftanti": LeftAnti, "anti": LeftAnti, "leftantisemi": LeftAnti,
	"rightanti": RightAnti, "rightantisemi": RightAnti,
}

func (b *binder) option(options []syntax.Option, name string) (string, syntax.Expr) {
	for _, o := range options {
		if o.Name != name || o.Value == nil {
			continue
		}
		switch v := o.Value.(type) {
		case *syntax.Name:
			return v.Name, v
		case *syntax.Literal:
			return v.Text, v
		}
		return b.src.Text[o.Value.Span().Start:o.Value.Span().End], o.Value
	}
	return "", nil
}

func (b *binder) join(sc *scope, n Node, op *syntax.Join) Node {
	kind := InnerUniq
	if op.Lookup {
		kind = LeftOuter
	}
	if text, at := b.option(op.Options, "kind"); at != nil {
		k, ok := joinKinds[strings.ToLower(text)]
		if !ok || op.Lookup && k != LeftOuter && k != Inner {
			var names []string
			for name := range joinKinds {
				names = append(names, name)
			}
			b.fail(diag.Semantic, at.Span(), suggest(text, names), "unknown kind of %s: %s", op.Keyword(), text)
		}
		kind = k
	}
	right := b.tabular(sc, op.Right)
	j := &Join{Kind: kind, L: n, R: right}
	f := &frame{scope: sc, left: reachable(n), right: reachable(right)}
	dropped := map[*Column]bool{}
	for _, cond := range op.On {
		b.attempt(func() {
			p, key := b.joinPair(f, cond)
			j.On = append(j.On, p)
			if op.Lookup && key != nil {
				dropped[key] = true
			}
		})
	}
	if len(op.On) == 0 {
		b.fail(diag.Semantic, op.Span(), "", "%s needs `on` with the columns to match", op.Keyword())
	}
	b.joinColumns(j, dropped)
	if kind == Inner || kind == LeftOuter || kind == LeftSemi || kind == LeftAnti {
		j.order = n.Ordering()
	}
	return j
}

func visibleColumns(n Node) []*Column {
	var out []*Column
	for _, c := range n.Columns() {
		if !c.Hidden {
			out = append(out, c)
		}
	}
	return out
}

// reachable are the columns that a join's condition can name.
func reachable(n Node) []*Column {
	cols := visibleColumns(n)
	if open := openColumn(n.Columns()); open != nil {
		cols = append(cols, open)
	}
	return cols
}

// joinPair binds one condition; key is the right column that lookup drops.
func (b *binder) joinPair(f *frame, cond syntax.Expr) (Pair, *Column) {
	var l, r Expr
	switch x := cond.(type) {
	case *syntax.Name:
		l, r = b.sideOf(f.left, "the left side", x), b.sideOf(f.right, "the right side", x)
	case *syntax.Binary:
		if x.Op != "==" {
			b.fail(diag.Semantic, x.OpSpan, "", "a join compares with == only")
		}
		l, r = b.scalar(f, x.L), b.scalar(f, x.R)
		if c, ok := l.(*Col); ok && findColumn(f.right, c.C.Name) == c.C {
			l, r = r, l
		}
	default:
		b.fail(diag.Semantic, cond.Span(), "$left.a == $right.b", "a join condition is a column's name or an equality of $left and $right")
	}
	lt, rt := l.Type(), r.Type()
	switch {
	case lt == schema.Dynamic || rt == schema.Dynamic:
		b.fail(diag.Semantic, cond.Span(), "tostring(...)", "rows cannot be joined on a dynamic value: convert it first")
	case lt == rt:
	case lt == schema.Unknown:
		l = b.convert(l, rt)
	case rt == schema.Unknown:
		r = b.convert(r, lt)
	case lt.IsInteger() && rt.IsInteger():
	default:
		b.fail(diag.Semantic, cond.Span(), "", "the sides of a join condition must have the same type, these are %s and %s", lt, rt)
	}
	var key *Column
	if c, ok := r.(*Col); ok {
		key = c.C
	}
	return Pair{L: l, R: r}, key
}

// sideOf finds a column on one side of a join; an unknown watchlist has it under any name.
func (b *binder) sideOf(cols []*Column, side string, name *syntax.Name) Expr {
	if c := findColumn(cols, name.Name); c != nil {
		return &Col{c}
	}
	if isOpen(cols) {
		return null(schema.Unknown)
	}
	var names []string
	for _, c := range cols {
		names = append(names, c.Name)
	}
	b.fail(diag.Semantic, name.Span(), suggest(name.Name, names), "%s has no column %s", side, name.Name)
	return nil
}

// joinColumns makes the output: left columns, then right ones with a number where the name is taken.
func (b *binder) joinColumns(j *Join, dropped map[*Column]bool) {
	nm := newNamer(nil)
	add := func(c *Column, unique bool) {
		n := b.copyOf(c)
		if unique && !c.Hidden {
			n.Name = nm.unique(c.Name)
		} else {
			nm.taken[c.Name] = true
		}
		j.cols = append(j.cols, n)
		j.Items = append(j.Items, Item{Col: n, X: &Col{c}})
	}
	if j.Kind != RightSemi && j.Kind != RightAnti {
		for _, c := range j.L.Columns() {
			add(c, false)
		}
	}
	if j.Kind != LeftSemi && j.Kind != LeftAnti {
		for _, c := range j.R.Columns() {
			if !dropped[c] && (!c.Hidden || c.Open) {
				add(c, true)
			}
		}
	}
}

func (b *binder) union(sc *scope, n Node, op *syntax.Union) Node {
	u := &Union{}
	var names []string
	if n != nil {
		u.Inputs = append(u.Inputs, n)
		names = append(names, "union_arg0")
	}
	fuzzy, _ := b.option(op.Options, "isfuzzy")
	kind, _ := b.option(op.Options, "kind")
	source, sourceAt := b.option(op.Options, "withsource")
	if sourceAt == nil {
		source, sourceAt = b.option(op.Options, "with_source")
	}
	for _, x := range op.Tables {
		if w, ok := x.(*syntax.Wildcard); ok {
			b.unionWildcard(u, &names, w)
			continue
		}
		if strings.EqualFold(fuzzy, "true") {
			source := x
			if pipe, ok := x.(*syntax.Pipe); ok && pipe.Source != nil {
				source = pipe.Source
			}
			if id, ok := source.(*syntax.Name); ok && !b.isTabular(sc, id) {
				b.note("the table %s is not in the evidence: isfuzzy leaves it out", id.Name)
				continue
			}
		}
		name := "union_arg" + itoa(len(u.Inputs))
		if id, ok := x.(*syntax.Name); ok {
			name = id.Name
		}
		ok := b.attempt(func() { u.Inputs = append(u.Inputs, b.tabular(sc, x)) })
		if ok {
			names = append(names, name)
		}
	}
	if len(u.Inputs) == 0 {
		b.fail(diag.Semantic, op.Span(), "", "none of the tables of this union exists")
	}
	b.unionColumns(u, strings.EqualFold(kind, "inner"))
	if sourceAt != nil {
		b.withSource(u, source, names)
	}
	return u
}

func (b *binder) unionWildcard(u *Union, names *[]string, w *syntax.Wildcard) {
	for _, t := range b.opt.Catalog.TableNames() {
		if match(w.Pattern, t) {
			table, _ := b.opt.Catalog.Table(t)
			u.Inputs = append(u.Inputs, b.scan(table))
			*names = append(*names, t)
		}
	}
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
	types := map[string][]schema.Type{}
	count := map[string]int{}
	var order []string
	for _, in := range u.Inputs {
		for _, c := range visibleColumns(in) {
			if _, ok := types[c.Name]; !ok {
				order = append(order, c.Name)
			}
			count[c.Name]++
			if c.Type != schema.Unknown && !hasType(types[c.Name], c.Type) {
				types[c.Name] = append(types[c.Name], c.Type)
			}
		}
	}
	u.Maps = make([][]Expr, len(u.Inputs))
	nm := newNamer(nil)
	b.unionOpen(u)
	for _, name := range order {
		if len(types[name]) == 0 {
			types[name] = []schema.Type{schema.Unknown}
		}
		nm.taken[name] = nm.taken[name] || len(types[name]) == 1 // a column's own name goes before one made of a type
	}
	for _, name := range order {
		if inner && (count[name] < len(u.Inputs) || len(types[name]) > 1) {
			continue
		}
		for _, t := range types[name] {
			out := name
			if len(types[name]) > 1 {
				out = nm.unique(name + "_" + t.String())
			}
			u.cols = append(u.cols, b.column(out, t))
			for i, in := range u.Inputs {
				value := null(t)
				if c := findColumn(visibleColumns(in), name); c != nil && c.Type == t {
					value = &Col{c}
				}
				u.Maps[i] = append(u.Maps[i], value)
			}
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

func hasType(types []schema.Type, t schema.Type) bool {
	for _, x := range types {
		if x == t {
			return true
		}
	}
	return false
}
