package plan

import (
	"fmt"
	"slices"
)

// unknown stops at a kind of node or expression that a walk does not know. To pass over it would leave columns out and
// answer wrongly; so a new kind is an internal error until every walk knows it.
func unknown(walk string, x any) { panic(fmt.Sprintf("plan: %s does not know %T", walk, x)) }

// EachInput calls f for the nodes that n reads.
func EachInput(n Node, f func(Node)) {
	switch n := n.(type) {
	case *Scan, *Values, *Series, *graph:
	case *Filter:
		f(n.In)
	case *Compute:
		f(n.In)
	case *Windowed:
		f(n.In)
	case *Aggregate:
		f(n.In)
	case *Distinct:
		f(n.In)
	case *Sort:
		f(n.In)
	case *Limit:
		f(n.In)
	case *Expand:
		f(n.In)
	case *Follow:
		f(n.In)
	case *Number:
		f(n.In)
	case *Join:
		f(n.L)
		f(n.R)
	case *Paths:
		f(n.Starts)
		f(n.Edges)
	case *Union:
		for _, in := range n.Inputs {
			f(in)
		}
	case *Ref:
		f(n.Shared.Plan)
	default:
		unknown("EachInput", n)
	}
}

// EachExpr calls f for the expressions that stand in n itself.
func EachExpr(n Node, f func(Expr)) {
	items := func(items []Item) {
		for i := range items {
			f(items[i].X)
		}
	}
	switch n := n.(type) {
	case *Scan, *Distinct, *Sort, *Number, *Ref, *graph:
	case *Values:
		rows(n.Rows, f)
	case *Series:
		f(n.From)
		f(n.To)
		f(n.Step)
	case *Filter:
		f(n.Pred)
	case *Compute:
		items(n.Items)
	case *Windowed:
		items(n.Items)
	case *Aggregate:
		items(n.Keys)
		items(n.Aggs)
	case *Follow:
		items(n.Declared)
		for _, s := range n.Steps {
			f(s.Cond)
			items(s.Assign)
			items(s.State)
		}
	case *Limit:
		f(n.N)
	case *Expand:
		for _, it := range n.Items {
			f(it.X)
		}
		if n.Limit != nil {
			f(n.Limit)
		}
	case *Join:
		for _, p := range n.On {
			f(p.L)
			f(p.R)
		}
	case *Paths:
		f(&Col{n.From})
		for _, c := range n.Edges.Columns()[:3] {
			f(&Col{c})
		}
		for _, it := range n.Items {
			f(it.X)
		}
	case *Union:
		rows(n.Maps, f)
	default:
		unknown("EachExpr", n)
	}
}

func rows(rows [][]Expr, f func(Expr)) {
	for _, row := range rows {
		for _, x := range row {
			f(x)
		}
	}
}

// Walk calls f for x and every expression inside it. It does not enter the plans of subqueries.
func Walk(x Expr, f func(Expr)) {
	f(x)
	switch x := x.(type) {
	case *Col, *Const, *Scalar, *inArray:
	case *Apply:
		for _, a := range x.Args {
			Walk(a, f)
		}
	case *Best:
		Walk(x.X, f)
		if x.Pick.By != nil {
			Walk(x.Pick.By, f)
		}
	case *Path:
		Walk(x.X, f)
		for _, s := range x.Steps {
			if s.Index != nil {
				Walk(s.Index, f)
			}
		}
	case *Convert:
		Walk(x.X, f)
		if x.Beside != nil {
			Walk(x.Beside, f)
		}
	case *In:
		Walk(x.X, f)
		for _, item := range x.List {
			if a := IsArray(item); a != nil {
				Walk(a, f)
				continue
			}
			Walk(item, f)
		}
	case *InQuery:
		Walk(x.X, f)
	default:
		unknown("Walk", x)
	}
}

// each calls f for n and every node below it, those of subqueries too, each once, whoever calls it, and before those that it
// reads.
func each(n Node, f func(Node)) {
	if n.visited() {
		return
	}
	f(n)
	inner := func(e Expr) {
		switch e := e.(type) {
		case *InQuery:
			each(e.Plan, f)
		case *Scalar:
			each(e.Ref, f)
		}
	}
	EachExpr(n, func(x Expr) { Walk(x, inner) })
	EachInput(n, func(in Node) { each(in, f) })
}

// substitute copies an expression with columns replaced.
func substitute(x Expr, with map[int]Expr) Expr {
	return transform(x, func(x Expr) Expr {
		if c, ok := x.(*Col); ok {
			return with[c.C.ID]
		}
		return nil
	})
}

// transform replaces those parts of an expression for which f has another one. What holds none of them is not copied;
// arg_max and its kind, whose parts are known by where they stand, is left alone.
func transform(x Expr, f func(Expr) Expr) Expr {
	if e := f(x); e != nil {
		return e
	}
	switch x := x.(type) {
	case *Col, *Const, *Scalar, *Best:
	case *Apply:
		if args, changed := transformAll(x.Args, f); changed {
			n := *x
			n.Args = args
			return &n
		}
	case *Path:
		n := &Path{X: transform(x.X, f), Steps: x.Steps}
		changed := n.X != x.X
		for i, s := range x.Steps {
			if s.Index == nil {
				continue
			}
			if index := transform(s.Index, f); index != s.Index {
				n.Steps, changed = slices.Clone(n.Steps), true
				n.Steps[i].Index = index
			}
		}
		if changed {
			return n
		}
	case *Convert:
		n := *x
		n.X = transform(x.X, f)
		if x.Beside != nil {
			n.Beside = transform(x.Beside, f)
		}
		if n != *x {
			return &n
		}
	case *In:
		inner := transform(x.X, f)
		if list, changed := transformAll(x.List, f); changed || inner != x.X {
			return &In{X: inner, List: list, Fold: x.Fold, Not: x.Not}
		}
	case *inArray:
		if inner := transform(x.X, f); inner != x.X {
			return &inArray{inner}
		}
	case *InQuery:
		if inner := transform(x.X, f); inner != x.X {
			n := *x
			n.X = inner
			return &n
		}
	default:
		unknown("transform", x)
	}
	return x
}

func transformAll(xs []Expr, f func(Expr) Expr) (out []Expr, changed bool) {
	out = xs
	for i, x := range xs {
		if e := transform(x, f); e != x {
			if !changed {
				out, changed = slices.Clone(xs), true
			}
			out[i] = e
		}
	}
	return out, changed
}
