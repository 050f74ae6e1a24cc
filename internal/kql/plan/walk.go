package plan

// Inputs returns the nodes that n reads.
func Inputs(n Node) []Node {
	switch n := n.(type) {
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
	case *Union:
		return n.Inputs
	case *Ref:
		return []Node{n.Shared.Plan}
	}
	return nil
}

// Exprs returns the expressions that stand in n itself.
func Exprs(n Node) []Expr {
	var out []Expr
	switch n := n.(type) {
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
	case *Union:
		for _, row := range n.Maps {
			out = append(out, row...)
		}
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
	}
}

// substitute copies an expression with columns replaced.
func substitute(x Expr, with map[int]Expr) Expr {
	list := func(xs []Expr) []Expr {
		out := make([]Expr, len(xs))
		for i, e := range xs {
			out[i] = substitute(e, with)
		}
		return out
	}
	switch x := x.(type) {
	case *Col:
		if e := with[x.C.ID]; e != nil {
			return e
		}
	case *Apply:
		n := *x
		n.Args = list(x.Args)
		return &n
	case *Path:
		n := &Path{X: substitute(x.X, with)}
		for _, s := range x.Steps {
			if s.Index != nil {
				s.Index = substitute(s.Index, with)
			}
			n.Steps = append(n.Steps, s)
		}
		return n
	case *Convert:
		return &Convert{X: substitute(x.X, with), T: x.T}
	case *In:
		n := *x
		n.X = substitute(x.X, with)
		n.List = list(x.List)
		return &n
	case *inArray:
		return &inArray{X: substitute(x.X, with)}
	case *InQuery:
		n := *x
		n.X = substitute(x.X, with)
		return &n
	}
	return x
}
