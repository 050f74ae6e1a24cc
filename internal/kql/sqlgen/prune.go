package sqlgen

import "github.com/replaytrace/replaytrace/internal/kql/plan"

// prune finds the columns that the result needs. Columns have unique numbers, so one set serves the whole plan; it
// grows until nothing changes.
func (g *generator) prune(root plan.Node) {
	for {
		g.changed = false
		g.visited = map[int]bool{}
		g.need(root)
		if !g.changed {
			return
		}
	}
}

func (g *generator) use(c *plan.Column) {
	if !g.used[c.ID] {
		g.used[c.ID] = true
		g.changed = true
	}
}

func (g *generator) useAll(cols []*plan.Column) {
	for _, c := range cols {
		g.use(c)
	}
}

func (g *generator) useKeys(keys []plan.Key) {
	for _, k := range keys {
		g.useExpr(k.X)
	}
}

func (g *generator) useExpr(x plan.Expr) {
	plan.Walk(x, func(e plan.Expr) {
		switch e := e.(type) {
		case *plan.Col:
			g.use(e.C)
		case *plan.InQuery:
			g.use(e.C)
			g.need(e.Plan)
		case *plan.Scalar:
			g.use(e.C)
			g.need(e.Ref)
		}
	})
}

func (g *generator) useItems(its []plan.Item) {
	for _, it := range its {
		if g.used[it.Col.ID] {
			g.useExpr(it.X)
		}
	}
}

// need marks what a node needs of its inputs, given which of its own columns are used.
func (g *generator) need(n plan.Node) {
	switch n := n.(type) {
	case *plan.Values:
		for _, row := range n.Rows {
			for _, x := range row {
				g.useExpr(x)
			}
		}
	case *plan.Series:
		g.useExpr(n.From)
		g.useExpr(n.To)
		g.useExpr(n.Step)
	case *plan.Filter:
		g.useExpr(n.Pred)
	case *plan.Compute:
		g.useItems(n.Items)
	case *plan.Windowed:
		g.useItems(n.Items)
		g.useKeys(n.In.Ordering())
		g.useAll(n.Per)
	case *plan.Number:
		g.useKeys(n.In.Ordering())
	case *plan.Aggregate:
		g.needAggregate(n)
	case *plan.Distinct:
		for _, c := range n.Columns() {
			g.use(c)
		}
	case *plan.Limit:
		g.useKeys(n.Ordering())
		g.useExpr(n.N)
		g.useAll(n.Per)
	case *plan.Join:
		g.needJoin(n)
	case *plan.Union:
		g.needUnion(n)
	case *plan.Expand:
		for _, it := range n.Items {
			g.useExpr(it.X)
		}
		if n.Limit != nil {
			g.useExpr(n.Limit)
		}
	case *plan.Ref:
		if g.keeps(n.Shared) {
			return
		}
		g.useItems(n.Items)
		if g.visited[n.Shared.ID] {
			return // a later round picks up what this reader adds
		}
		g.visited[n.Shared.ID] = true
	}
	for _, in := range plan.Inputs(n) {
		g.need(in)
	}
}

func (g *generator) needAggregate(n *plan.Aggregate) {
	for _, k := range n.Keys {
		g.use(k.Col)
	}
	g.useItems(n.Keys)
	g.useItems(n.Aggs)
	g.useKeys(n.In.Ordering())
}

func (g *generator) needJoin(n *plan.Join) {
	g.useItems(n.Items)
	if n.Kind == plan.InnerUniq {
		g.useKeys(n.L.Ordering())
	}
	for _, p := range n.On {
		g.useExpr(p.L)
		g.useExpr(p.R)
	}
}

func (g *generator) needUnion(n *plan.Union) {
	for _, row := range n.Maps {
		for j, x := range row {
			if g.used[n.Columns()[j].ID] {
				g.useExpr(x)
			}
		}
	}
}

// count notes how often each shared plan is read.
func (g *generator) count(n plan.Node) {
	if r, ok := n.(*plan.Ref); ok {
		if g.keeps(r.Shared) {
			return
		}
		g.refs[r.Shared.ID]++
		if g.refs[r.Shared.ID] > 1 {
			return
		}
		g.shared[r.Shared.ID] = r.Shared
	}
	for _, x := range plan.Exprs(n) {
		plan.Walk(x, func(e plan.Expr) {
			switch e := e.(type) {
			case *plan.InQuery:
				g.count(e.Plan)
			case *plan.Scalar:
				g.count(e.Ref)
			}
		})
	}
	for _, in := range plan.Inputs(n) {
		g.count(in)
	}
}
