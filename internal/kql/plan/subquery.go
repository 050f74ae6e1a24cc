package plan

import (
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// group is what the operators of a subquery work within. The rows of all groups flow through one plan; Col says which
// group a row is of, and each operator that looks at more than one row keeps the groups apart.
type group struct {
	Col *Column
	// rows makes a node with the Col of every group, those of which the subquery has lost all rows too; nil where such
	// a group has no result.
	rows func() (Node, *Column)
	lost bool // a filter may have emptied groups
}

func (g *group) columns() []*Column {
	if g == nil {
		return nil
	}
	return []*Column{g.Col}
}

// with adds the group's column to columns that must carry it.
func (g *group) with(cols []*Column) []*Column {
	if g == nil {
		return cols
	}
	if slices.Contains(cols, g.Col) {
		return cols
	}
	return append(append([]*Column(nil), cols...), g.Col)
}

// grouped makes an aggregate one per group. A group without rows still has the one row that an aggregate without keys
// returns for empty input.
func (b *binder) grouped(a *Aggregate) Node {
	if b.per == nil {
		return a
	}
	keyless := len(a.Keys) == 0
	visible := a.cols
	a.Keys = append([]Item{{Col: b.per.Col, X: &Col{b.per.Col}}}, a.Keys...)
	a.cols = b.per.with(a.cols)
	if !keyless || !b.per.lost || b.per.rows == nil {
		return a
	}
	empty := &Aggregate{base: base{cols: visible}, In: &Filter{base: base{cols: a.In.Columns()}, In: a.In, Pred: &Const{T: schema.Bool, V: false}}, Aggs: a.Aggs}
	return b.fillEmpty(a, visible, b.share("empty", empty))
}

// fillEmpty adds the result of empty input for the groups that have no row in a.
func (b *binder) fillEmpty(a *Aggregate, visible []*Column, empty *Shared) Node {
	all, id := b.per.rows()
	found := b.column("", schema.Bool)
	found.Hidden = true
	flagged := &Compute{base: base{cols: append(append([]*Column(nil), a.cols...), found)}, In: a, Items: []Item{{Col: found, X: &Const{T: schema.Bool, V: true}}}}
	j := &Join{Kind: LeftOuter, L: all, R: flagged, On: []Pair{{L: &Col{id}, R: &Col{b.per.Col}}}}
	copies := map[int]*Column{}
	for _, c := range append([]*Column{found}, visible...) {
		copies[c.ID] = b.copied(j, c)
	}
	j.cols = append(j.cols, id)
	ref := b.ref(empty)
	out := &Compute{In: j}
	for i, c := range visible {
		n := c // the columns keep their numbers: what follows refers to them
		out.cols = append(out.cols, n)
		out.Items = append(out.Items, Item{Col: n, X: b.iff(&Col{copies[found.ID]}, &Col{copies[c.ID]}, &Scalar{Ref: ref, C: ref.Columns()[i]})})
	}
	out.cols = append(out.cols, id)
	b.per = &group{Col: id, rows: b.per.rows}
	return out
}

func (b *binder) iff(cond, yes, no Expr) Expr { return b.invent("iff", cond, yes, no) }

// invent calls a function or an operator of the table where the text has no such call.
func (b *binder) invent(name string, args ...Expr) Expr {
	return b.inventAt(diag.Span{}, name, args...)
}

// inventAt is invent for what stands in the text in other words, at a place.
func (b *binder) inventAt(at diag.Span, name string, args ...Expr) Expr {
	fn, ok := function.Operator(name)
	if !ok {
		fn, ok = function.Lookup(name)
	}
	if !ok {
		panic("plan: the table has no function " + name)
	}
	return b.applyAt(at, name, fn, args)
}

// onceOnly refuses the operators that would mix the groups of a subquery.
func (b *binder) onceOnly(op syntax.Operator) {
	if b.per == nil {
		return
	}
	ok, loses := b.keepsGroups(op)
	if !ok {
		b.fail(diag.Unsupported, op.Span(), "", "`%s` inside of a subquery is not supported yet", op.Keyword())
	}
	b.per.lost = b.per.lost || loses
}

// keepsGroups reports whether an operator can work on all groups of a subquery at once, and whether a group may lose
// all its rows.
func (b *binder) keepsGroups(op syntax.Operator) (ok, loses bool) {
	switch op := op.(type) {
	case *syntax.Where, *syntax.MvExpand, *syntax.ParseOp, *syntax.Scan:
		return true, true
	case *syntax.Extend, *syntax.Project, *syntax.ProjectAway, *syntax.ProjectRename, *syntax.ProjectReorder, *syntax.ProjectByNames,
		*syntax.AssertSchema, *syntax.Summarize, *syntax.Distinct, *syntax.Sort, *syntax.Top, *syntax.TopHitters, *syntax.Take,
		*syntax.SampleDistinct, *syntax.Count, *syntax.MvApply, *syntax.Serialize, *syntax.ParseKV, *syntax.Render:
		return true, false
	case *syntax.MakeSeries:
		kind, _ := b.option(op.Options, "kind")
		return kind != "nonempty", true
	case *syntax.Join:
		kind, at := b.option(op.Options, "kind")
		switch joinKinds[strings.ToLower(kind)] {
		case Inner, InnerUniq, LeftOuter, LeftSemi, LeftAnti:
			return true, true
		case RightOuter, FullOuter, RightSemi, RightAnti:
		default:
			return at == nil, true
		}
	}
	return false, false
}

// needsGroupsAlone reports whether an operator of a subquery cannot keep groups apart.
func (b *binder) needsGroupsAlone(ops []syntax.Operator) bool {
	return slices.ContainsFunc(ops, func(op syntax.Operator) bool { ok, _ := b.keepsGroups(op); return !ok })
}

// mvApply runs a subquery on the elements of each row.
// https://learn.microsoft.com/kusto/query/mv-apply-operator
func (b *binder) mvApply(sc *scope, n Node, op *syntax.MvApply) Node {
	id := b.column("", schema.Long)
	id.Hidden = true
	cols := append(append([]*Column(nil), b.per.with(n.Columns())...), id)
	source := b.share("rows", &Number{base: base{cols: cols, order: n.Ordering()}, In: n, Col: id})
	expand := &syntax.MvExpand{Head: op.Head, Options: op.Options, Items: op.Items, Limit: op.Limit}
	if b.per == nil && b.opt.Ask != nil && b.needsGroupsAlone(op.Body.Ops) {
		return b.mvApplyByRow(sc, op, source, expand)
	}
	left, right := b.ref(source), b.ref(source)
	leftID, rightID := lastColumn(left), lastColumn(right)
	elements := b.mvExpand(sc, right, expand)

	outer := b.per
	b.per = &group{Col: rightID}
	b.per.rows = func() (Node, *Column) {
		all := b.ref(source)
		rows := b.mvExpand(sc, all, expand)
		return &Distinct{base: base{cols: []*Column{lastColumn(all)}}, In: rows}, lastColumn(all)
	}
	body := b.ops(sc, elements, op.Body.Ops)
	rightID = b.per.Col
	b.per = outer
	for i, c := range cols {
		if outer != nil && c == outer.Col {
			b.per = &group{Col: left.Columns()[i], rows: outer.rows, lost: true}
		}
	}

	return b.applied(op, left, body, Pair{L: &Col{leftID}, R: &Col{rightID}})
}

// mvApplyByRow asks the data how many rows there are and binds the subquery once for each.
func (b *binder) mvApplyByRow(sc *scope, op *syntax.MvApply, source *Shared, expand *syntax.MvExpand) Node {
	rows := b.ref(source)
	ids := &Compute{base: base{cols: []*Column{lastColumn(rows)}}, In: rows}
	n := len(b.ask(op.Span(), &Limit{base: base{cols: ids.cols}, In: ids, N: &Const{T: schema.Long, V: int64(maxPartitions + 1)}}))
	if n > maxPartitions {
		b.fail(diag.Unsupported, op.Span(), "", "mv-apply with such a subquery on more than %d rows is not supported", maxPartitions)
	}
	one := &Const{T: schema.Long, V: int64(1)}
	u := &Union{}
	for i := range max(n, 1) { // without rows, with columns
		only := func() Node {
			in := b.ref(source)
			return &Filter{base: base{cols: in.Columns(), order: in.Ordering()}, In: in, Pred: b.invent("==", &Col{lastColumn(in)}, &Const{T: schema.Long, V: int64(i + 1)})}
		}
		elements := b.mvExpand(sc, only(), expand)
		made := b.applied(op, only(), b.ops(sc, elements, op.Body.Ops), Pair{L: one, R: one})
		u.Inputs = append(u.Inputs, made)
	}
	b.unionColumns(u, false)
	return u
}

// applied puts what the subquery of mv-apply makes of a row beside the row.
func (b *binder) applied(op *syntax.MvApply, left, body Node, on Pair) Node {
	j := &Join{Kind: Inner, L: left, R: body, On: []Pair{on}}
	result := visibleColumns(body)
	taken := map[string]bool{}
	add := func(c *Column) {
		taken[c.Name] = true
		b.copied(j, c)
	}
	for _, c := range left.Columns() {
		if !c.Hidden && !replaced(op.Items, c.Name, result) {
			add(c)
		}
	}
	for _, c := range result {
		if !taken[c.Name] {
			add(c)
		}
	}
	b.keepOrder(j, slices.Concat(left.Ordering(), body.Ordering()))
	return j
}

// keepOrder makes the order of a join's inputs its own: the keys are columns that it hands on.
func (b *binder) keepOrder(j *Join, keys []Key) {
	j.order = nil
	for _, k := range keys {
		c, ok := k.X.(*Col)
		if !ok {
			return
		}
		n := b.copyOf(c.C)
		n.Hidden = true
		j.Copies = append(j.Copies, Copy{n, c.C})
		j.order = append(j.order, Key{X: &Col{n}, Desc: k.Desc, NullsFirst: k.NullsFirst, Origin: k.Origin})
	}
}

func lastColumn(n Node) *Column { return n.Columns()[len(n.Columns())-1] }

// replaced reports whether the source column of that name gives way to what was made of it: a column that is expanded
// under its own name, or under whose name the subquery returns another's elements.
func replaced(items []syntax.MvItem, name string, result []*Column) bool {
	for _, item := range items {
		names, x := named(item.X)
		if id, ok := x.(*syntax.Name); ok && len(names) == 0 && id.Name == name {
			return true
		}
		made := implicitName(x)
		if len(names) == 1 {
			made = names[0].Name
		}
		if made == name && findColumn(result, name) != nil {
			return true
		}
	}
	return false
}
