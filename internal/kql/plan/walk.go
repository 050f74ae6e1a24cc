package plan

import (
	"fmt"
	"slices"
)

// unknown stops at a kind of node or expression that a walk does not know. To pass over it would leave columns out and
// answer wrongly; so a new kind is an internal error until every walk knows it.
func unknown(walk string, x any) { panic(fmt.Sprintf("plan: %s does not know %T", walk, x)) }

// Inputs returns the nodes that n reads.
func Inputs(n Node) []Node {
	switch n := n.(type) {
	case *Scan, *Values, *Series, *graph:
		return nil
	case *Filter:
		return []Node{n.In}
	case *Compute:
		return []Node{n.In}
	case *Windowed:
		return []Node{n.In}
	case *Aggregate:
		return []Node{n.In}
	case *Distinct:
		return []Node{n.In}
	case *Sort:
		return []Node{n.In}
	case *Limit:
		return []Node{n.In}
	case *Expand:
		return []Node{n.In}
	case *Follow:
		return []Node{n.In}
	case *Number:
		return []Node{n.In}
	case *Join:
		return []Node{n.L, n.R}
	case *Paths:
		return []Node{n.Starts, n.Edges}
	case *Union:
		return n.Inputs
	case *Ref:
		return []Node{n.Shared.Plan}
	}
	unknown("Inputs", n)
	return nil
}

// Exprs returns the expressions that stand in n itself.
func Exprs(n Node) []Expr {
	var out []Expr
	switch n := n.(type) {
	case *Scan, *Distinct, *Sort, *Number, *Ref, *graph:
	case *Values:
		for _, row := range n.Rows {
			out = append(out, row...)
		}
	case *Series:
		out = append(out, n.From, n.To, n.Step)
	case *Filter:
		out = append(out, n.Pred)
	case *Compute:
		out = itemExprs(n.Items)
	case *Windowed:
		out = itemExprs(n.Items)
	case *Aggregate:
		out = append(itemExprs(n.Keys), itemExprs(n.Aggs)...)
	case *Follow:
		out = itemExprs(n.Declared)
		for _, s := range n.Steps {
			out = append(append(append(out, s.Cond), itemExprs(s.Assign)...), itemExprs(s.State)...)
		}
	case *Limit:
		out = append(out, n.N)
	case *Expand:
		for _, it := range n.Items {
			out = append(out, it.X)
		}
		if n.Limit != nil {
			out = append(out, n.Limit)
		}
	case *Join:
		for _, p := range n.On {
			out = append(out, p.L, p.R)
		}
	case *Paths:
		out = append(out, &Col{n.From})
		for _, c := range n.Edges.Columns()[:3] {
			out = append(out, &Col{c})
		}
		for _, it := range n.Items {
			out = append(out, it.X)
		}
	case *Union:
		for _, row := range n.Maps {
			out = append(out, row...)
		}
	default:
		unknown("Exprs", n)
	}
	return out
}

func itemExprs(items []Item) []Expr {
	out := make([]Expr, len(items))
	for i, it := range items {
		out[i] = it.X
	}
	return out
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

// each calls f for n and every node below it, those of subqueries too, each once and before those that it reads.
func each(n Node, seen map[Node]bool, f func(Node)) {
	if seen[n] {
		return
	}
	seen[n] = true
	f(n)
	for _, x := range Exprs(n) {
		Walk(x, func(e Expr) {
			switch e := e.(type) {
			case *InQuery:
				each(e.Plan, seen, f)
			case *Scalar:
				each(e.Ref, seen, f)
			}
		})
	}
	for _, in := range Inputs(n) {
		each(in, seen, f)
	}
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
		if inner := transform(x.X, f); inner != x.X {
			return &Convert{X: inner, T: x.T}
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
