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

// node renders a SELECT that yields the used columns of n under their SQL names. What it returns stands for the text, so
// that the nodes above need not copy it: whole puts it in.
func (g *generator) node(n plan.Node) string { return g.aside(g.selects(n)) }

// aside returns what stands for a text.
func (g *generator) aside(sql string) string {
	g.texts = append(g.texts, sql)
	return "\x00" + strconv.Itoa(len(g.texts)-1) + "\x00" // no SQL has a NUL in it
}

// whole appends a text to out with those of the nodes in it.
func (g *generator) whole(out []byte, sql string) []byte {
	size := len(sql)
	for _, text := range g.texts {
		size += len(text)
	}
	return g.put(slices.Grow(out, size), sql)
}

func (g *generator) put(out []byte, sql string) []byte {
	for {
		before, rest, found := strings.Cut(sql, "\x00")
		out = append(out, before...)
		if !found {
			return out
		}
		number, after, _ := strings.Cut(rest, "\x00")
		i, _ := strconv.Atoi(number)
		out = g.put(out, g.texts[i])
		sql = after
	}
}

func (g *generator) selects(n plan.Node) string {
	switch n := n.(type) {
	case *plan.Scan:
		return g.scan(n)
	case *plan.Values:
		return g.values(n)
	case *plan.Series:
		return g.series(n)
	case *plan.Filter:
		return g.over(n, func() string { return g.list(n, nil) })
	case *plan.Compute:
		if !g.computes(n) {
			return g.selects(n.In)
		}
		return g.over(n.In, func() string { return g.list(n, g.itemSQL(n, n.Items)) })
	case *plan.Windowed:
		return g.windowed(n)
	case *plan.Follow:
		return g.follow(n)
	case *plan.Sort:
		return g.node(n.In) // the order is applied where it matters: at a limit, a window, a list and at the end
	case *plan.Limit:
		return g.limit(n)
	case *plan.Aggregate:
		return g.aggregate(n)
	case *plan.Distinct:
		return g.over(n.In, func() string { return "DISTINCT " + g.names(n.Columns()) })
	case *plan.Join:
		return g.join(n)
	case *plan.Union:
		return g.union(n)
	case *plan.Paths:
		return g.paths(n)
	case *plan.Expand:
		return g.expand(n)
	case *plan.Number:
		return g.over(n.In, func() string {
			return g.list(n, computed{{n.Col, "row_number() OVER (" + g.window(nil, n.In.Ordering()) + ")"}})
		})
	case *plan.Ref:
		return g.ref(n)
	}
	return g.refuse(diag.Span{}, fmt.Errorf("no SQL for %T", n))
}

// computes reports whether a node makes a column that somebody wants.
func (g *generator) computes(n *plan.Compute) bool {
	wanted := g.live[n]
	return slices.ContainsFunc(n.Items, func(it plan.Item) bool { return wanted.has(it.Col) })
}

// over renders a SELECT of list over a node. Filters are the WHERE of what reads them.
func (g *generator) over(in plan.Node, list func() string) string {
	where := ""
	text, scalars := g.hoist(func() string {
		text := list()
		for f, ok := in.(*plan.Filter); ok; f, ok = in.(*plan.Filter) {
			cond := g.condition(f.Pred)
			if where == "" {
				where = cond
			} else {
				where = cond + " AND " + where // the lower filter first
			}
			in = f.In
		}
		return text
	})
	sql := "SELECT " + text + " FROM (" + g.node(in) + ")" + scalars
	if where != "" {
		sql += " WHERE " + where
	}
	return sql
}

func (g *generator) scan(n *plan.Scan) string {
	var parts []string
	column := func(source string, c *plan.Column) {
		if g.wants(n, c) {
			parts = append(parts, function.Identifier(source)+" AS "+g.name(c))
		}
	}
	for i, c := range n.Columns() {
		column(n.Source[i], c)
	}
	for _, c := range n.Stored {
		column(c.Name, c)
	}
	if len(parts) == 0 {
		parts = []string{nothing}
	}
	return "SELECT " + strings.Join(parts, ", ") + " FROM " + function.Identifier(n.Table)
}

func (g *generator) values(n *plan.Values) string {
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
	return "SELECT " + strings.Join(parts, ", ") + " FROM (VALUES " + strings.Join(rows, ", ") + ") AS v(" + strings.Join(raw, ", ") + ")" + where
}

func (g *generator) series(n *plan.Series) string {
	c := n.Columns()[0]
	from, to, step := g.expr(n.From), g.expr(n.To), g.expr(n.Step)
	if c.Type == schema.Real {
		return fmt.Sprintf("SELECT %s + i * %s AS %s FROM (SELECT unnest(generate_series(0, CAST(floor((%s - %s) / %s) AS BIGINT))) AS i)",
			from, step, g.name(c), to, from, step)
	}
	for _, x := range []plan.Expr{n.From, n.To, n.Step} {
		if _, constant := x.(*plan.Const); !constant { // a table function takes no subquery
			return fmt.Sprintf("SELECT unnest(generate_series(%s, %s, %s)) AS %s", from, to, step, g.name(c))
		}
	}
	return fmt.Sprintf("SELECT generate_series AS %s FROM generate_series(%s, %s, %s)", g.name(c), from, to, step)
}

func (g *generator) limit(n *plan.Limit) string {
	sql := g.over(n.In, func() string { return g.list(n, nil) })
	if n.Per != nil {
		return sql + " QUALIFY row_number() OVER (" + g.window(n.Per, n.Ordering()) + ") <= " + g.expr(n.N)
	}
	if keys := n.Ordering(); len(keys) > 0 {
		var wanted []*plan.Column
		available(n, func(c *plan.Column) {
			if g.wants(n, c) {
				wanted = append(wanted, c)
			}
		})
		sql += " ORDER BY " + g.order(keys, wanted) // of equal rows the same ones, whatever thread is first
	}
	return sql + " LIMIT " + g.expr(n.N)
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

func (g *generator) windowed(n *plan.Windowed) string {
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
	return "SELECT " + g.list(n, special) + " FROM (" + g.node(n.In) + ")"
}

func (g *generator) neverNull(x plan.Expr, sql string) string {
	if x.Type() == schema.String {
		return "coalesce(" + sql + ", '')"
	}
	return sql
}

func (g *generator) union(n *plan.Union) string {
	var parts []string
	wanted := g.live[n]
	for i, in := range n.Inputs {
		var cols []string
		for j, c := range n.Columns() {
			if wanted.has(c) {
				cols = append(cols, "CAST("+g.expr(n.Maps[i][j])+" AS "+function.SQLType(c.Type)+") AS "+g.name(c))
			}
		}
		if len(cols) == 0 {
			cols = []string{nothing}
		}
		parts = append(parts, g.over(in, func() string { return strings.Join(cols, ", ") }))
	}
	return strings.Join(parts, " UNION ALL ")
}

// ref reads a shared plan: the table where it is kept, the plan itself where it is read once, else its name.
func (g *generator) ref(n *plan.Ref) string {
	if n.Own && g.once(n.Shared) {
		return g.selects(n.Shared.Plan)
	}
	kept, wanted := g.keeps(n.Shared), g.live[n]
	b := make([]byte, 0, 512)
	for i, it := range n.Items {
		if !wanted.has(it.Col) {
			continue
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		if kept {
			b = strconv.AppendInt(append(b, 'k'), int64(i), 10) // Items are Handed, one by one
		} else {
			b = append(b, g.expr(it.X)...)
		}
		if kept || !n.Own {
			b = append(append(b, " AS "...), g.name(it.Col)...)
		}
	}
	if len(b) == 0 {
		b = append(b, nothing...)
	}
	from := ""
	switch {
	case kept:
		from = g.keep.done[n.Shared.ID] // flow has asked for it
	case g.once(n.Shared):
		from = "(" + g.node(n.Shared.Plan) + ")"
	default:
		from = g.cte(n.Shared)
	}
	return "SELECT " + string(b) + " FROM " + from
}

// once reports whether a shared plan stands in its only reader.
func (g *generator) once(s *plan.Shared) bool { return !g.keeps(s) && g.refs[s.ID] < 2 }

// expand renders mv-expand: the lists are computed, then numbered from 1 to the longest one.
func (g *generator) expand(n *plan.Expand) string {
	var lengths []string
	var special computed
	elements := "kql_elements"
	if n.Array {
		elements = "kql_elements_array"
	}
	lists, scalars := g.hoist(func() string {
		var lists []string
		for i, it := range n.Items {
			lists = append(lists, fmt.Sprintf("%s(%s) AS list%d", elements, g.expr(it.X), i))
			lengths = append(lengths, fmt.Sprintf("len(list%d)", i))
			special.add(it.Col, fmt.Sprintf("nullif(CAST(list%d[item] AS VARCHAR), 'null')", i))
		}
		return strings.Join(lists, ", ")
	})
	special.add(n.Index, "item - 1")
	inner := "SELECT " + g.list(n.In, nil) + ", " + lists + " FROM (" + g.node(n.In) + ")" + scalars
	length := "greatest(" + strings.Join(lengths, ", ") + ")"
	if n.Limit != nil {
		length = "least(" + length + ", " + g.expr(n.Limit) + ")"
	}
	numbered := "SELECT *, unnest(range(1, " + length + " + 1)) AS item FROM (" + inner + ")"
	return "SELECT " + g.list(n, special) + " FROM (" + numbered + ")"
}
