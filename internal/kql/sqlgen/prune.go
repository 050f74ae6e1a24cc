package sqlgen

import "github.com/replaytrace/replaytrace/internal/kql/plan"

// columns is a set of columns by their numbers, which are unique in a whole plan.
type columns []uint64

func (s columns) has(c *plan.Column) bool {
	return c.ID/64 < len(s) && s[c.ID/64]&(1<<(c.ID%64)) != 0
}

func (s *columns) add(c *plan.Column) {
	s.grow(c.ID/64 + 1)
	(*s)[c.ID/64] |= 1 << (c.ID % 64)
}

func (s *columns) grow(words int) {
	if more := words - len(*s); more > 0 {
		*s = append(*s, make(columns, more)...)
	}
}

// merge adds another set and reports whether it grew.
func (s *columns) merge(other columns) bool {
	grew := false
	s.grow(len(other))
	for i, word := range other {
		grew = grew || word&^(*s)[i] != 0
		(*s)[i] |= word
	}
	return grew
}

// flow brings down the plan which columns the nodes above want. What a node has of them it must hand on; nothing else
// is rendered. A plan that several nodes read is passed again when one of them wants more.
func (g *generator) flow(n plan.Node, wanted columns) {
	at, known := g.live[n]
	if !known {
		at = &columns{}
		g.live[n] = at
	}
	if !at.merge(wanted) && known {
		return
	}
	outer := g.reading
	g.reading = append(columns(nil), *at...)
	g.reads(n)
	if r, ok := n.(*plan.Ref); !ok || !g.keeps(r.Shared) {
		below := g.reading
		for _, in := range plan.Inputs(n) {
			g.flow(in, below)
		}
	}
	g.reading = outer
}

// read notes that the node in hand reads a column.
func (g *generator) read(c *plan.Column) { g.reading.add(c) }

func (g *generator) readKeys(keys []plan.Key) {
	for _, k := range keys {
		g.readExpr(k.X)
	}
}

func (g *generator) readExpr(x plan.Expr) {
	plan.Walk(x, func(e plan.Expr) {
		switch e := e.(type) {
		case *plan.Col:
			g.read(e.C)
		case *plan.InQuery:
			g.flow(e.Plan, only(e.C))
		case *plan.Scalar:
			g.flow(e.Ref, only(e.C))
		}
	})
}

func only(c *plan.Column) columns {
	var s columns
	s.add(c)
	return s
}

func (g *generator) readItems(n plan.Node, its []plan.Item) {
	for _, it := range its {
		if g.wants(n, it.Col) {
			g.readExpr(it.X)
		}
	}
}

// wants reports whether somebody above n reads the column.
func (g *generator) wants(n plan.Node, c *plan.Column) bool { return g.live[n].has(c) }

// reads notes what a node's own expressions read of its inputs, given which of its columns are wanted.
func (g *generator) reads(n plan.Node) {
	switch n := n.(type) {
	case *plan.Compute:
		g.readItems(n, n.Items)
	case *plan.Windowed:
		g.readItems(n, n.Items)
		g.readKeys(n.In.Ordering())
		for _, c := range n.Per {
			g.read(c)
		}
	case *plan.Follow:
		for _, x := range plan.Exprs(n) {
			g.readExpr(x)
		}
		g.readKeys(n.In.Ordering())
		for _, c := range n.Per {
			g.read(c)
		}
	case *plan.Number:
		g.readKeys(n.In.Ordering())
	case *plan.Aggregate:
		for _, k := range n.Keys {
			g.readExpr(k.X)
		}
		g.readItems(n, n.Aggs)
		g.readKeys(n.In.Ordering())
	case *plan.Distinct:
		for _, c := range n.Columns() {
			g.read(c)
		}
	case *plan.Limit:
		g.readKeys(n.Ordering())
		g.readExpr(n.N)
		for _, c := range n.Per {
			g.read(c)
		}
	case *plan.Join:
		g.readItems(n, n.Items)
		if n.Kind == plan.InnerUniq {
			g.readKeys(n.L.Ordering())
			for _, c := range n.Per {
				g.read(c)
			}
		}
		for _, p := range n.On {
			g.readExpr(p.L)
			g.readExpr(p.R)
		}
	case *plan.Union:
		for _, row := range n.Maps {
			for j, x := range row {
				if g.wants(n, n.Columns()[j]) {
					g.readExpr(x)
				}
			}
		}
	case *plan.Ref:
		if !g.keeps(n.Shared) {
			g.readItems(n, n.Items)
		}
	default: // every expression of the node is rendered
		for _, x := range plan.Exprs(n) {
			g.readExpr(x)
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
