package sqlgen

import (
	"slices"

	"github.com/replaytrace/replaytrace/internal/kql/plan"
)

// columns is a set of columns by their numbers, which are unique in a whole plan. The columns near each other in a plan have
// numbers near each other, so a set holds the words from its first column on.
type columns struct {
	first int // the number of the first word
	words []uint64
}

func (s *columns) has(c *plan.Column) bool {
	i := c.ID/64 - s.first
	return i >= 0 && i < len(s.words) && s.words[i]&(1<<(c.ID%64)) != 0
}

func (s *columns) add(c *plan.Column) {
	s.reach(c.ID/64, c.ID/64+1)
	s.words[c.ID/64-s.first] |= 1 << (c.ID % 64)
}

func (s *columns) remove(c *plan.Column) {
	if i := c.ID/64 - s.first; i >= 0 && i < len(s.words) {
		s.words[i] &^= 1 << (c.ID % 64)
	}
}

// reach makes room for the words from a number on, up to another.
func (s *columns) reach(from, to int) {
	if len(s.words) == 0 {
		s.first = from
		s.words = slices.Grow(s.words, max(to-from, 8)) // for the columns near by
	}
	if more := s.first - from; more > 0 {
		s.words = slices.Insert(s.words, 0, make([]uint64, more)...)
		s.first = from
	}
	if more := to - s.first - len(s.words); more > 0 {
		s.words = append(s.words, make([]uint64, more)...)
	}
}

// merge adds another set.
func (s *columns) merge(other *columns) {
	if len(other.words) == 0 {
		return
	}
	s.reach(other.first, other.first+len(other.words))
	words := s.words[other.first-s.first:]
	for i, word := range other.words {
		words[i] |= word
	}
}

// borrow copies a set into one that nobody uses.
func (g *generator) borrow(s *columns) columns {
	var c columns
	if last := len(g.spare) - 1; last >= 0 {
		c, g.spare = g.spare[last], g.spare[:last]
	}
	return columns{s.first, append(c.words[:0], s.words...)}
}

// giveBack ends a borrowing.
func (g *generator) giveBack(s columns) { g.spare = append(g.spare, s) }

// flow brings down the plan which columns the nodes above want. What a node has of them it must hand on; nothing else
// is rendered. A plan that several nodes read is passed when all of them have told what they want: its number is lower than
// those of the plans that read it.
func (g *generator) flow(root plan.Node, wanted *columns) {
	g.input(root, wanted)
	for id := maxKey(g.shared); id > 0; id-- {
		if s := g.shared[id]; s != nil {
			g.pass(s.Plan)
		}
	}
}

// input passes a node that is read, for what is wanted of it.
func (g *generator) input(n plan.Node, wanted *columns) {
	g.want(n, wanted)
	g.pass(n)
}

// want notes what is wanted of a node.
func (g *generator) want(n plan.Node, wanted *columns) {
	at := g.live[n]
	if at == nil {
		if last := len(g.ended) - 1; last >= 0 {
			at, g.ended = g.ended[last], g.ended[:last]
		} else {
			at = &columns{}
		}
		g.live[n] = at
	}
	at.merge(wanted)
}

// pass tells what a node reads of its inputs, given what is wanted of it.
func (g *generator) pass(n plan.Node) {
	if r, ok := n.(*plan.Ref); ok {
		g.passRef(r)
		return
	}
	outer := g.reading
	g.reading = g.borrow(g.live[n])
	g.reads(n)
	plan.EachInput(n, func(in plan.Node) { g.input(in, &g.reading) })
	g.giveBack(g.reading)
	g.reading = outer
}

// passRef counts the readers of a shared plan and leaves it to flow. A kept one is a table of its own.
func (g *generator) passRef(r *plan.Ref) {
	if g.keeps(r.Shared) {
		g.keep.table(r.Shared)
		return
	}
	wanted, read := g.live[r], g.borrow(&columns{})
	for _, it := range r.Copies {
		if wanted.has(it.Col) {
			read.add(it.Of)
		}
	}
	g.refs[r.Shared.ID]++
	g.shared[r.Shared.ID] = r.Shared
	g.want(r.Shared.Plan, &read)
	g.giveBack(read)
}

// read notes that the node in hand reads a column.
func (g *generator) read(c *plan.Column) { g.reading.add(c) }

func (g *generator) readKeys(keys []plan.Key) {
	for _, k := range keys {
		g.readExpr(k.X)
	}
}

func (g *generator) readExpr(x plan.Expr) {
	switch x := x.(type) { // what most expressions are made of
	case *plan.Col:
		g.read(x.C)
		return
	case *plan.Const:
		return
	case *plan.Apply:
		for _, arg := range x.Args {
			g.readExpr(arg)
		}
		return
	}
	plan.Walk(x, func(e plan.Expr) {
		switch e := e.(type) {
		case *plan.Col:
			g.read(e.C)
		case *plan.InQuery:
			g.input(e.Plan, only(e.C))
		case *plan.Scalar:
			g.input(e.Ref, only(e.C))
		}
	})
}

func only(c *plan.Column) *columns {
	var s columns
	s.add(c)
	return &s
}

func (g *generator) readItems(n plan.Node, its []plan.Item) {
	wanted := g.live[n]
	for _, it := range its {
		if wanted.has(it.Col) {
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
		plan.EachExpr(n, g.readExpr)
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
		wanted := g.live[n]
		for _, it := range n.Copies {
			if wanted.has(it.Col) {
				g.read(it.Of)
			}
		}
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
		wanted := g.live[n]
		for _, row := range n.Maps {
			for j, x := range row {
				if wanted.has(n.Columns()[j]) {
					g.readExpr(x)
				}
			}
		}
	default: // every expression of the node is rendered
		plan.EachExpr(n, g.readExpr)
	}
}
