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
func (g *generator) join(n *plan.Join) string {
	left, leftKeys := g.side(n, true)
	right, rightKeys := g.side(n, false)
	if n.Kind == plan.RightSemi || n.Kind == plan.RightAnti {
		left, leftKeys, right, rightKeys = right, rightKeys, left, leftKeys
	}
	conds := make([]string, len(n.On))
	for i, on := range n.On {
		equal := "="
		if n.Nulls && on.L.Type() != schema.String { // which is never null
			equal = "IS NOT DISTINCT FROM"
		}
		conds[i] = "lhs." + leftKeys[i] + " " + equal + " rhs." + rightKeys[i]
	}
	special, wanted := make(computed, 0, len(n.Items)), g.live[n]
	outer := n.Kind == plan.LeftOuter || n.Kind == plan.RightOuter || n.Kind == plan.FullOuter
	for _, it := range n.Items {
		if !wanted.has(it.Col) {
			continue
		}
		sql := g.expr(it.X)
		if outer && it.Col.Type == schema.String {
			sql = "coalesce(" + sql + ", '')"
		}
		special.add(it.Col, sql)
	}
	return "SELECT " + g.list(n, special) + " FROM (" + left + ") AS lhs " + joinSQL[n.Kind] +
		" (" + right + ") AS rhs ON " + strings.Join(conds, " AND ")
}

// side renders one input and names the columns of its keys. A key that is no column becomes one.
func (g *generator) side(n *plan.Join, left bool) (sql string, keys []string) {
	in := n.R
	if left {
		in = n.L
	}
	parts := []string{g.list(in, nil)}
	for i, p := range n.On {
		x := p.R
		if left {
			x = p.L
		}
		if c, ok := x.(*plan.Col); ok {
			keys = append(keys, g.name(c.C))
			continue
		}
		keys = append(keys, fmt.Sprintf("key%d", i))
		parts = append(parts, g.expr(x)+" AS "+keys[i])
	}
	unique := left && n.Kind == plan.InnerUniq
	if len(parts) == 1 && !unique {
		return g.node(in), keys
	}
	sql = g.over(in, func() string { return strings.Join(parts, ", ") })
	if !unique {
		return g.aside(sql), keys
	}
	// innerunique keeps one row per key: the first in the input's order, or else the least, so that a run repeats.
	var on []string
	for _, c := range n.Per {
		on = append(on, g.name(c))
	}
	per := strings.Join(append(on, keys...), ", ")
	order := "ALL"
	if k := in.Ordering(); len(k) > 0 {
		order = per + ", " + g.keys(k)
	}
	return strings.Replace(sql, "SELECT ", "SELECT DISTINCT ON ("+per+") ", 1) + " ORDER BY " + order, keys
}
