package plan

import (
	"slices"
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
	j := &Join{Kind: kind, L: n, R: right, Nulls: true, Per: b.per.columns()}
	f := &frame{scope: sc, left: reachable(n), right: reachable(right)}
	dropped := map[*Column]bool{}
	for _, cond := range conditions(op.On) {
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

func visibleColumns(n Node) []*Column { return visibleColumnsOf(n.Columns()) }

func visibleColumnsOf(cols []*Column) []*Column {
	hidden := slices.IndexFunc(cols, func(c *Column) bool { return c.Hidden })
	if hidden < 0 {
		return slices.Clip(cols)
	}
	out := append(make([]*Column, 0, len(cols)), cols[:hidden]...)
	for _, c := range cols[hidden:] {
		if !c.Hidden {
			out = append(out, c)
		}
	}
	return out
}

// conditions takes `a and b` apart.
func conditions(on []syntax.Expr) []syntax.Expr {
	var out []syntax.Expr
	for _, x := range on {
		if and, ok := x.(*syntax.Binary); ok && and.Op == "and" {
			out = append(out, conditions([]syntax.Expr{and.L, and.R})...)
			continue
		}
		out = append(out, x)
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
	case lt == schema.Dynamic && rt == schema.Dynamic:
		b.fail(diag.Unsupported, cond.Span(), "tostring(...)", "joining on a dynamic value is not supported: convert it first")
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
	if isOpen(cols) && findColumn(cols, name.Name) == nil {
		return null(schema.Unknown)
	}
	c := findColumn(cols, name.Name)
	if c == nil {
		c = b.existing(cols, name, side+" has no column")
	}
	return b.col(c)
}

// joinColumns makes the output: left columns, then right ones, with the lowest number behind a name of the left that makes it
// one of neither side. The left ones are those of L itself, unless a row may come without them.
func (b *binder) joinColumns(j *Join, dropped map[*Column]bool) {
	size := len(j.L.Columns()) + len(j.R.Columns())
	j.cols = make([]*Column, 0, size)
	left := j.L.Columns()
	switch j.Kind {
	case Inner, InnerUniq, LeftOuter:
		j.cols = append(j.cols, left...)
	case LeftSemi, LeftAnti:
		j.cols = left
		return
	case RightOuter, FullOuter:
		for _, c := range left {
			b.copied(j, c)
		}
	case RightSemi, RightAnti:
		left = nil
	}
	first := len(j.cols)
	var ofRight, both nameSet // the right has few columns: its names are looked for
	for _, c := range j.R.Columns() {
		if !dropped[c] && (!c.Hidden || c.Open) {
			ofRight.add(c.Name)
			b.copied(j, c)
		}
	}
	for _, c := range left {
		if ofRight.has(c.Name) {
			both.add(c.Name)
		}
	}
	if both.empty() {
		return
	}
	nm := &namer{taken: ofRight}
	for _, c := range left {
		nm.taken.add(c.Name)
	}
	for _, c := range j.cols[first:] {
		if !c.Hidden && both.has(c.Name) {
			c.Name = nm.unique(c.Name)
		}
	}
}

// copied adds a copy of a column of one side to those of a join.
func (b *binder) copied(j *Join, c *Column) *Column {
	n := b.copyOf(c)
	j.cols, j.Copies = append(j.cols, n), append(j.Copies, Copy{n, c})
	return n
}
