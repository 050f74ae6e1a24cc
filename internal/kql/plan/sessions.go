package plan

import (
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// optimize rewrites a plan for speed; its answer stays the same.
func (b *binder) optimize(root Node) {
	each(root, func(n Node) {
		if f, ok := n.(*Filter); ok {
			b.partitionSessions(f)
		}
		b.useMembers(n)
	})
}

// partitionSessions serves the question for neighbours within a session: rows sorted by a key first, prev() of some
// columns, and a filter that demands prev(key) == key. Where the filter also drops a row without a row before it, the
// windows may begin anew with each key, and need not cross from one to the next. Where it demands that prev(x) != x,
// only the keys that have two values of x are looked at.
func (b *binder) partitionSessions(f *Filter) {
	w, computed := windowBelow(f.In)
	if w == nil || len(w.Per) > 0 || len(w.In.Ordering()) == 0 {
		return
	}
	key, ok := w.In.Ordering()[0].X.(*Col)
	previous := map[int]*Column{} // by the window's column, what it is the previous value of
	for _, it := range w.Items {
		call, isCall := it.X.(*Apply)
		if !isCall || call.Func.Name != "prev" || len(call.Args) != 1 {
			return
		}
		previous[it.Col.ID] = nil
		if c, isCol := call.Args[0].(*Col); isCol {
			previous[it.Col.ID] = c.C
		}
	}
	same, strict := false, false
	var differs *Column
	for _, c := range conjuncts(f.Pred) {
		for _, m := range computed {
			c = substitute(c, m)
		}
		op, l, r := comparison(c)
		own := ownPrevious(l, r, previous)
		switch op {
		case "==":
			same = same || ok && own == key.C
		case "!=":
			if own != nil && own.Type == schema.String {
				differs = own
			}
		case "<", "<=", ">", ">=":
			strict = strict || nullOf(l, previous) || nullOf(r, previous)
		}
	}
	if !same || !strict {
		return
	}
	w.Per = []*Column{key.C}
	if s, sorted := w.In.(*Sort); sorted && differs != nil && cheap(s.In) {
		s.In = b.keysWithTwo(s.In, key.C, differs)
	}
}

// windowBelow finds the window that a node reads through computed columns only, and what these compute, the topmost
// first.
func windowBelow(n Node) (*Windowed, []map[int]Expr) {
	var computed []map[int]Expr
	for {
		switch x := n.(type) {
		case *Windowed:
			return x, computed
		case *Compute:
			m := map[int]Expr{}
			for _, it := range x.Items {
				m[it.Col.ID] = it.X
			}
			computed = append(computed, m)
			n = x.In
		default:
			return nil, nil
		}
	}
}

func conjuncts(x Expr) []Expr {
	if a, ok := x.(*Apply); ok && a.Func.Name == "and" {
		return append(conjuncts(a.Args[0]), conjuncts(a.Args[1])...)
	}
	return []Expr{x}
}

func comparison(x Expr) (op string, l, r Expr) {
	if a, ok := x.(*Apply); ok && len(a.Args) == 2 {
		return a.Func.Name, a.Args[0], a.Args[1]
	}
	return "", nil, nil
}

// ownPrevious returns the column that is compared with its own previous value, nil when that is not what l and r are.
func ownPrevious(l, r Expr, previous map[int]*Column) *Column {
	a, okA := l.(*Col)
	c, okC := r.(*Col)
	switch {
	case !okA || !okC:
		return nil
	case previous[a.C.ID] == c.C:
		return c.C
	case previous[c.C.ID] == a.C:
		return a.C
	}
	return nil
}

// nullOf reports whether an expression is null where there is no previous row: a sum or difference with such a value.
func nullOf(x Expr, previous map[int]*Column) bool {
	switch x := x.(type) {
	case *Col:
		_, window := previous[x.C.ID]
		return window && x.C.Type != schema.String && x.C.Type != schema.Dynamic
	case *Apply:
		if x.Func.Name == "+" || x.Func.Name == "-" {
			return nullOf(x.Args[0], previous) || nullOf(x.Args[1], previous)
		}
	}
	return false
}

// cheap reports whether a node can be computed twice: it reads a table row by row.
func cheap(n Node) bool {
	switch n := n.(type) {
	case *Scan:
		return true
	case *Filter:
		return cheap(n.In)
	case *Compute:
		return cheap(n.In)
	}
	return false
}

// keysWithTwo keeps the rows whose key has more than one value of x.
func (b *binder) keysWithTwo(in Node, key, x *Column) Node {
	k, least, greatest := b.copyOf(key), b.column("", x.Type), b.column("", x.Type)
	groups := &Aggregate{
		base: base{cols: []*Column{k, least, greatest}}, In: in, Keys: []Item{{Col: k, X: &Col{key}}},
		Aggs: []Item{{Col: least, X: b.invent("min", &Col{x})}, {Col: greatest, X: b.invent("max", &Col{x})}},
	}
	two := b.apply(diag.Span{}, b.operator("!="), []Expr{&Col{least}, &Col{greatest}})
	keys := &Filter{base: base{cols: groups.cols}, In: groups, Pred: two}
	return &Filter{base: base{cols: in.Columns(), order: in.Ordering()}, In: in, Pred: &InQuery{X: &Col{key}, Plan: keys, C: k}}
}
