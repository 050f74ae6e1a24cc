package sqlgen

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/plan"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// joinSQL is the SQL flavour of each kind; the right-hand semi and anti joins are the left-hand ones turned round.
var joinSQL = map[plan.JoinKind]string{
	plan.Inner: "INNER JOIN", plan.InnerUniq: "INNER JOIN", plan.LeftOuter: "LEFT JOIN", plan.RightOuter: "RIGHT JOIN",
	plan.FullOuter: "FULL JOIN", plan.LeftSemi: "SEMI JOIN", plan.LeftAnti: "ANTI JOIN",
	plan.RightSemi: "SEMI JOIN", plan.RightAnti: "ANTI JOIN",
}

// join renders both sides with columns for their keys, so that the condition is a plain equality.
func (g *generator) join(n *plan.Join) {
	special, wanted := make(computed, 0, len(n.Copies)), g.live[n]
	outer := n.Kind == plan.LeftOuter || n.Kind == plan.RightOuter || n.Kind == plan.FullOuter
	for _, it := range n.Copies {
		if !wanted.has(it.Col) {
			continue
		}
		sql := g.name(it.Of)
		if outer && it.Col.Type == schema.String {
			sql = "coalesce(" + sql + ", '')"
		}
		special.add(it.Col, sql)
	}
	turned := n.Kind == plan.RightSemi || n.Kind == plan.RightAnti
	g.put("SELECT ")
	g.list(n, special)
	g.put(" FROM (")
	left := g.side(n, !turned)
	g.put(") AS lhs ", joinSQL[n.Kind], " (")
	right := g.side(n, turned)
	g.put(") AS rhs ON ")
	for i, on := range n.On {
		equal := " = rhs."
		if n.Nulls && on.L.Type() != schema.String { // which is never null
			equal = " IS NOT DISTINCT FROM rhs."
		}
		if i > 0 {
			g.put(" AND ")
		}
		g.put("lhs.", left[i], equal, right[i])
	}
}

// side renders one input and names the columns of its keys. A key that is no column becomes one.
func (g *generator) side(n *plan.Join, left bool) (keys []string) {
	in := n.R
	if left {
		in = n.L
	}
	keys = make([]string, len(n.On))
	var made []plan.Expr // those of keys that are no columns
	for i, p := range n.On {
		x := p.R
		if left {
			x = p.L
		}
		if c, ok := x.(*plan.Col); ok {
			keys[i] = g.name(c.C)
			continue
		}
		keys[i] = fmt.Sprintf("key%d", len(made))
		made = append(made, x)
	}
	unique := left && n.Kind == plan.InnerUniq
	if len(made) == 0 && !unique {
		g.node(in)
		return keys
	}
	// innerunique keeps one row per key: the first in the input's order, or else the least, so that a run repeats.
	var on []string
	for _, c := range n.Per {
		on = append(on, g.name(c))
	}
	per := strings.Join(append(on, keys...), ", ")
	g.over(in, func() {
		if unique {
			g.put("DISTINCT ON (", per, ") ")
		}
		g.list(in, nil)
		for i, x := range made {
			g.put(", ", g.expr(x), fmt.Sprintf(" AS key%d", i))
		}
	})
	if !unique {
		return keys
	}
	if k := in.Ordering(); len(k) > 0 {
		g.put(" ORDER BY ", per, ", ", g.keys(k))
	} else {
		g.put(" ORDER BY ALL")
	}
	return keys
}
