package sqlgen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/plan"
)

// paths renders the paths of a graph as a recursive query: it begins at the starts, where a path has no edges yet, and
// adds an edge to each path as long as there is one that may follow.
func (g *generator) paths(n *plan.Paths) {
	edges := n.Edges.Columns()
	from, to, number := g.name(edges[0]), g.name(edges[1]), g.name(edges[2])
	all := g.apart(func() {
		g.put("SELECT ")
		g.list(n.Edges, nil)
		g.put(" FROM (")
		g.node(n.Edges)
		g.put(")")
	})
	starts := "SELECT DISTINCT " + g.name(n.From) + " AS id FROM (" + g.apart(func() { g.node(n.Starts) }) + ")"
	if n.Reach {
		g.put(fmt.Sprintf("WITH RECURSIVE e AS MATERIALIZED (%s), p AS (SELECT id AS s, id AS t FROM (%s) UNION SELECT p.s, e.%s FROM p JOIN e ON p.t = e.%s) SELECT s AS %s, t AS %s FROM p",
			all, starts, to, from, g.name(n.Start), g.name(n.End)))
		return
	}
	first := []string{"id AS s", "id AS t", "0 AS n", "CAST([] AS BIGINT[]) AS numbers", "[id] AS nodes"}
	next := []string{"p.s", "e." + to, "p.n + 1", "list_append(p.numbers, e." + number + ")", "list_append(p.nodes, e." + to + ")"}
	items := "SELECT *"
	scalars := g.hoist(func() {
		for i, it := range n.Items {
			items += fmt.Sprintf(", coalesce(CAST(%s AS VARCHAR), 'null') AS x%d", g.expr(it.X), i)
			first = append(first, fmt.Sprintf("CAST([] AS VARCHAR[]) AS l%d", i))
			next = append(next, fmt.Sprintf("list_append(p.l%d, e.x%d)", i, i))
		}
		items += " FROM (" + all + ")"
	})
	where := fmt.Sprintf("p.n < %d", n.Max)
	switch n.Repeats {
	case plan.UniqueEdges:
		where += " AND NOT list_contains(p.numbers, e." + number + ")"
	case plan.UniqueNodes:
		where += " AND NOT list_contains(p.nodes, e." + to + ")"
	case plan.AnyRepeats:
	}
	special := computed{
		{n.Start, "s"},
		{n.End, "t"},
		{n.Length, "n"},
		{n.Numbers, "CAST(to_json(numbers) AS VARCHAR)"},
		{n.Inner, "CAST(to_json(nodes[2:-2]) AS VARCHAR)"},
	}
	for i, it := range n.Items {
		list := fmt.Sprintf("l%d", i)
		if it.Inner {
			list += "[:-2]"
		}
		switch it.Kind {
		case plan.PathMap:
			special.add(it.Col, "'[' || array_to_string("+list+", ',') || ']'")
		case plan.PathAll:
			special.add(it.Col, "len(list_filter("+list+", x -> x <> 'true')) = 0")
		case plan.PathAny:
			special.add(it.Col, "list_contains("+list+", 'true')")
		}
	}
	g.put(fmt.Sprintf("WITH RECURSIVE e AS MATERIALIZED (%s%s), p AS (SELECT %s FROM (%s) UNION ALL SELECT %s FROM p JOIN e ON p.t = e.%s WHERE %s) SELECT ",
		items, scalars, strings.Join(first, ", "), starts, strings.Join(next, ", "), from, where))
	g.list(n, special)
	g.put(" FROM p WHERE n >= ", strconv.FormatInt(n.Min, 10))
}
