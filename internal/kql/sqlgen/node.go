package sqlgen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/plan"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// node renders a SELECT that yields the used columns of n under their SQL names.
func (g *generator) node(n plan.Node) {
	switch n := n.(type) {
	case *plan.Scan:
		g.scan(n)
	case *plan.Values:
		g.values(n)
	case *plan.Series:
		g.series(n)
	case *plan.Filter:
		g.over(n, func() { g.list(n, nil) })
	case *plan.Compute:
		if !g.computes(n) {
			g.node(n.In)
			return
		}
		g.over(n.In, func() { g.list(n, g.itemSQL(n, n.Items)) })
	case *plan.Windowed:
		g.windowed(n)
	case *plan.Follow:
		g.follow(n)
	case *plan.Sort:
		g.node(n.In) // the order is applied where it matters: at a limit, a window, a list and at the end
	case *plan.Limit:
		g.limit(n)
	case *plan.Aggregate:
		g.aggregate(n)
	case *plan.Distinct:
		g.over(n.In, func() {
			g.put("DISTINCT ")
			g.columns(n.Columns())
		})
	case *plan.Join:
		g.join(n)
	case *plan.Union:
		g.union(n)
	case *plan.Paths:
		g.paths(n)
	case *plan.Expand:
		g.expand(n)
	case *plan.Number:
		g.over(n.In, func() {
			g.list(n, computed{{n.Col, "row_number() OVER (" + g.window(nil, n.In.Ordering()) + ")"}})
		})
	case *plan.Ref:
		g.ref(n)
	default:
		g.put(g.refuse(diag.Span{}, fmt.Errorf("no SQL for %T", n)))
	}
}

// computes reports whether a node makes a column that somebody wants.
func (g *generator) computes(n *plan.Compute) bool {
	wanted := g.live[n]
	return slices.ContainsFunc(n.Items, func(it plan.Item) bool { return wanted.has(it.Col) })
}

// over renders a SELECT of list over a node. Filters are the WHERE of what reads them.
func (g *generator) over(in plan.Node, list func()) {
	var preds []plan.Expr
	for f, ok := in.(*plan.Filter); ok; f, ok = in.(*plan.Filter) {
		preds, in = append(preds, f.Pred), f.In
	}
	where := ""
	g.put("SELECT ")
	scalars := g.hoist(func() {
		list()
		where = g.apart(func() {
			word := " WHERE "
			for _, pred := range slices.Backward(preds) { // the lower filter first
				g.put(word)
				g.condition(pred)
				word = " AND "
			}
		})
	})
	g.put(" FROM (")
	g.node(in)
	g.put(")", scalars, where)
}

func (g *generator) scan(n *plan.Scan) {
	g.put("SELECT ")
	begin, wanted := len(g.out), g.live[n]
	column := func(source string, c *plan.Column) {
		if wanted.has(c) {
			g.next(begin)
			g.put(function.Identifier(source), " AS ", g.name(c))
		}
	}
	for i, c := range n.Columns() {
		column(n.Source[i], c)
	}
	for _, c := range n.Stored {
		column(c.Name, c)
	}
	g.orNothing(begin)
	g.put(" FROM ", function.Identifier(n.Table))
}

func (g *generator) values(n *plan.Values) {
	var parts, raw []string
	for i, c := range n.Columns() {
		raw = append(raw, fmt.Sprintf("v%d", i))
		if g.wants(n, c) && !c.Open {
			parts = append(parts, fmt.Sprintf("CAST(v%d AS %s) AS %s", i, function.SQLType(c.Type), g.name(c)))
		}
	}
	raw = append(raw, "ordinal")
	if g.wants(n, n.Ordinal) {
		parts = append(parts, "ordinal AS "+g.name(n.Ordinal))
	}
	if len(parts) == 0 {
		parts = []string{nothing}
	}
	var rows []string
	for i, row := range n.Rows {
		var cells []string
		for _, x := range row {
			cells = append(cells, g.expr(x))
		}
		rows = append(rows, "("+strings.Join(append(cells, fmt.Sprint(i)), ", ")+")")
	}
	where := ""
	if len(rows) == 0 {
		rows = []string{"(" + strings.TrimSuffix(strings.Repeat("NULL, ", len(raw)), ", ") + ")"}
		where = " WHERE false"
	}
	g.put("SELECT ", strings.Join(parts, ", "), " FROM (VALUES ", strings.Join(rows, ", "), ") AS v(", strings.Join(raw, ", "), ")", where)
}

func (g *generator) series(n *plan.Series) {
	c := n.Columns()[0]
	from, to, step := g.expr(n.From), g.expr(n.To), g.expr(n.Step)
	if c.Type == schema.Real {
		g.put("SELECT ", from, " + i * ", step, " AS ", g.name(c), " FROM (SELECT unnest(generate_series(0, CAST(floor((", to, " - ", from, ") / ", step, ") AS BIGINT))) AS i)")
		return
	}
	all := "generate_series(" + from + ", " + to + ", " + step + ")"
	for _, x := range []plan.Expr{n.From, n.To, n.Step} {
		if _, constant := x.(*plan.Const); !constant { // a table function takes no subquery
			g.put("SELECT unnest(", all, ") AS ", g.name(c))
			return
		}
	}
	g.put("SELECT generate_series AS ", g.name(c), " FROM ", all)
}

func (g *generator) limit(n *plan.Limit) {
	g.over(n.In, func() { g.list(n, nil) })
	if n.Per != nil {
		g.put(" QUALIFY row_number() OVER (", g.window(n.Per, n.Ordering()), ") <= ", g.expr(n.N))
		return
	}
	if keys := n.Ordering(); len(keys) > 0 {
		var wanted []*plan.Column
		available(n, func(c *plan.Column) {
			if g.wants(n, c) {
				wanted = append(wanted, c)
			}
		})
		g.put(" ORDER BY ", g.order(keys, wanted)) // of equal rows the same ones, whatever thread is first
	}
	g.put(" LIMIT ", g.expr(n.N))
}

// window is what stands in OVER (..): the group, then the order.
func (g *generator) window(per []*plan.Column, keys []plan.Key) string {
	var parts []string
	for i, c := range per {
		parts = append(parts, []string{"PARTITION BY ", ", "}[min(i, 1)]+g.name(c))
	}
	keys = slices.DeleteFunc(slices.Clone(keys), func(k plan.Key) bool {
		c, ok := k.X.(*plan.Col)
		return ok && slices.Contains(per, c.C) // one value in the whole group
	})
	if len(keys) > 0 {
		parts = append(parts, "ORDER BY "+g.keys(keys))
	}
	return strings.Join(parts, " ")
}

func (g *generator) windowed(n *plan.Windowed) {
	var special computed
	keys := n.In.Ordering()
	if len(keys) == 0 { // for what is drawn by lot: rows that are alike in all that is read may change places
		for _, c := range n.In.Columns() {
			if g.wants(n.In, c) && !c.Open {
				keys = append(keys, plan.Key{X: &plan.Col{C: c}})
			}
		}
	}
	over := g.window(n.Per, keys)
	for _, it := range n.Items {
		if g.wants(n, it.Col) {
			special.add(it.Col, g.call(it.X, function.Call{Over: over}))
		}
	}
	g.put("SELECT ")
	g.list(n, special)
	g.put(" FROM (")
	g.node(n.In)
	g.put(")")
}

func (g *generator) neverNull(x plan.Expr, sql string) string {
	if x.Type() == schema.String {
		return "coalesce(" + sql + ", '')"
	}
	return sql
}

func (g *generator) union(n *plan.Union) {
	wanted := g.live[n]
	for i, in := range n.Inputs {
		if i > 0 {
			g.put(" UNION ALL ")
		}
		g.over(in, func() {
			begin := len(g.out)
			for j, c := range n.Columns() {
				if wanted.has(c) {
					g.next(begin)
					g.put("CAST(", g.expr(n.Maps[i][j]), " AS ", function.SQLType(c.Type), ") AS ", g.name(c))
				}
			}
			g.orNothing(begin)
		})
	}
}

// ref reads a shared plan: the table where it is kept, the plan itself where it is read once, else its name.
func (g *generator) ref(n *plan.Ref) {
	if n.Own && g.once(n.Shared) {
		g.node(n.Shared.Plan)
		return
	}
	kept, wanted := g.keeps(n.Shared), g.live[n]
	g.put("SELECT ")
	begin := len(g.out)
	for i, it := range n.Copies {
		if !wanted.has(it.Col) {
			continue
		}
		g.next(begin)
		if kept {
			g.put("k", strconv.Itoa(i), " AS ") // Copies are of Handed, one by one
		} else if !n.Own {
			g.put(g.name(it.Of), " AS ")
		}
		g.put(g.name(it.Col))
	}
	g.orNothing(begin)
	switch {
	case kept:
		g.put(" FROM ", g.keep.done[n.Shared.ID]) // flow has asked for it
	case g.once(n.Shared):
		g.put(" FROM (")
		g.node(n.Shared.Plan)
		g.put(")")
	default:
		g.put(" FROM ", g.cte(n.Shared))
	}
}

// once reports whether a shared plan stands in its only reader.
func (g *generator) once(s *plan.Shared) bool { return !g.keeps(s) && g.refs[s.ID] < 2 }

// expand renders mv-expand: the lists are computed, then numbered from 1 to the longest one.
func (g *generator) expand(n *plan.Expand) {
	var lengths []string
	var special computed
	elements := "kql_elements"
	if n.Array {
		elements = "kql_elements_array"
	}
	var lists []string
	scalars := g.hoist(func() {
		for i, it := range n.Items {
			lists = append(lists, fmt.Sprintf("%s(%s) AS list%d", elements, g.expr(it.X), i))
			lengths = append(lengths, fmt.Sprintf("len(list%d)", i))
			special.add(it.Col, fmt.Sprintf("nullif(CAST(list%d[item] AS VARCHAR), 'null')", i))
		}
	})
	special.add(n.Index, "item - 1")
	length := "greatest(" + strings.Join(lengths, ", ") + ")"
	if n.Limit != nil {
		length = "least(" + length + ", " + g.expr(n.Limit) + ")"
	}
	g.put("SELECT ")
	g.list(n, special)
	g.put(" FROM (SELECT *, unnest(range(1, ", length, " + 1)) AS item FROM (SELECT ")
	g.list(n.In, nil)
	g.put(", ", strings.Join(lists, ", "), " FROM (")
	g.node(n.In)
	g.put(")", scalars, "))")
}
