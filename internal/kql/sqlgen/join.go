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

// join renders both sides with their key expressions as columns, so that the condition is a plain equality.
func (g *generator) join(n *plan.Join) string {
	left, right := g.side(n, true), g.side(n, false)
	if n.Kind == plan.RightSemi || n.Kind == plan.RightAnti {
		left, right = right, left
	}
	conds := make([]string, len(n.On))
	equal := "="
	if n.Nulls {
		equal = "IS NOT DISTINCT FROM"
	}
	for i := range n.On {
		conds[i] = fmt.Sprintf("lhs.key%d %s rhs.key%d", i, equal, i)
	}
	special := map[int]string{}
	outer := n.Kind == plan.LeftOuter || n.Kind == plan.RightOuter || n.Kind == plan.FullOuter
	for _, it := range n.Items {
		sql := g.expr(it.X)
		if outer && it.Col.Type == schema.String {
			sql = "coalesce(" + sql + ", '')"
		}
		special[it.Col.ID] = sql
	}
	return "SELECT " + g.list(available(n), special) + " FROM (" + left + ") AS lhs " + joinSQL[n.Kind] +
		" (" + right + ") AS rhs ON " + strings.Join(conds, " AND ")
}

func (g *generator) side(n *plan.Join, left bool) string {
	in := n.R
	if left {
		in = n.L
	}
	parts := []string{g.list(available(in), nil)}
	var keys []string
	for i, p := range n.On {
		x := p.R
		if left {
			x = p.L
		}
		keys = append(keys, g.expr(x))
		parts = append(parts, fmt.Sprintf("%s AS %s%d", g.expr(x), "key", i))
	}
	sql := "SELECT " + strings.Join(parts, ", ") + " FROM (" + g.node(in) + ")"
	if !left || n.Kind != plan.InnerUniq {
		return sql
	}
	// innerunique keeps one row per key: the first in the input's order, or else the least, so that a run repeats.
	order := "ALL"
	if k := in.Ordering(); len(k) > 0 {
		order = strings.Join(keys, ", ") + ", " + g.keys(k)
	}
	return "SELECT DISTINCT ON (" + strings.Join(keys, ", ") + ") " + strings.Join(parts, ", ") +
		" FROM (" + g.node(in) + ") ORDER BY " + order
}
