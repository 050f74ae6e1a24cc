package plan

import (
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// graph is what make-graph makes: two tables, which the operators of graphs read. It has no columns of its own.
type graph struct {
	base
	// nodes has the hidden columns id, degree in and degree out, then the properties.
	nodes *Shared
	// edges has the hidden columns source, target and number, then the properties.
	edges *Shared
}

// graphHidden is how many hidden columns the tables of a graph begin with.
const graphHidden = 3

// graphOp binds an operator of graphs, and refuses any other one behind a graph; nil where there is no graph.
func (b *binder) graphOp(sc *scope, n Node, op syntax.Operator) Node {
	g, isGraph := n.(*graph)
	switch op := op.(type) {
	case *syntax.MakeGraph:
		if !isGraph {
			return b.makeGraph(sc, n, op)
		}
	case *syntax.GraphMatch:
		if isGraph {
			return b.graphMatch(sc, g, op)
		}
	case *syntax.GraphToTable:
		if isGraph {
			return b.graphToTable(g, op)
		}
	case *syntax.GraphMark:
		if isGraph {
			return b.graphMark(g, op)
		}
	default:
		if isGraph {
			b.fail(diag.Semantic, op.Span(), "", "`%s` needs a table, this is a graph", op.Keyword())
		}
		return nil
	}
	if isGraph {
		b.fail(diag.Semantic, op.Span(), "", "`%s` needs a table, this is a graph", op.Keyword())
	}
	b.fail(diag.Semantic, op.Span(), "", "`%s` needs a graph: use `make-graph`", op.Keyword())
	return nil
}

// makeGraph makes a graph of a table of edges.
// https://learn.microsoft.com/kusto/query/make-graph-operator
func (b *binder) makeGraph(sc *scope, n Node, op *syntax.MakeGraph) Node {
	if op.By != nil {
		return b.partitionGraph(sc, n, op)
	}
	source, target := b.pluginColumn(n, op.SourceID), b.pluginColumn(n, op.TargetID)
	g := &graph{edges: b.graphEdges(n, op, source, target)}
	tables := make([]*Shared, len(op.Nodes))
	for i, t := range op.Nodes {
		tables[i] = b.share("nodes", b.tabular(sc, t.Table))
	}
	g.nodes = b.graphNodes(g, op, tables, source.Type)
	return g
}

// graphEdges numbers the edges and adds their ends.
func (b *binder) graphEdges(n Node, op *syntax.MakeGraph, source, target *Column) *Shared {
	if source.Type != target.Type || source.Type == schema.Dynamic {
		b.fail(diag.Semantic, op.TargetID.Span(), "", "the ends of an edge must be scalars of one type, these are %s and %s", source.Type, target.Type)
	}
	from, to, number := b.hidden("", source.Type), b.hidden("", source.Type), b.hidden("", schema.Long)
	ends := &Compute{base: base{cols: append([]*Column{from, to}, visibleColumns(n)...), order: n.Ordering()}, In: n, Items: []Item{
		{Col: from, X: &Col{source}}, {Col: to, X: &Col{target}},
	}}
	cols := append([]*Column{from, to, number}, visibleColumns(n)...)
	return b.share("edges", &Number{base: base{cols: cols, order: n.Ordering()}, In: b.serialize(ends), Col: number})
}

// graphNodes are the nodes of all tables and of all ends of edges, each once, with the properties that the tables have.
func (b *binder) graphNodes(g *graph, op *syntax.MakeGraph, tables []*Shared, t schema.Type) *Shared {
	all := &Union{base: base{cols: []*Column{b.hidden("", t)}}}
	add := func(in Node, c *Column) {
		all.Inputs = append(all.Inputs, in)
		all.Maps = append(all.Maps, []Expr{&Col{c}})
	}
	for end := range 2 {
		edges := b.ref(g.edges)
		add(edges, edges.Columns()[end])
	}
	for i, table := range tables {
		rows := b.ref(table)
		c := b.pluginColumn(rows, op.Nodes[i].On)
		if c.Type != t {
			b.fail(diag.Semantic, op.Nodes[i].On.Span(), "", "the nodes' column %s is %s, the ends of the edges are %s", c.Name, c.Type, t)
		}
		add(rows, c)
	}
	ids := all.cols[0]
	var nodes Node = &Distinct{base: base{cols: all.cols}, In: &Filter{base: base{cols: all.cols}, In: all, Pred: b.invent("isnotnull", &Col{ids})}}
	var props []Item
	if name, at := b.option(op.Options, "with_node_id"); at != nil {
		props = append(props, Item{Col: b.column(name, t), X: &Col{ids}})
	}
	for i, table := range tables {
		rows := b.oneEach(table, op.Nodes[i].On.Name)
		key := findColumn(rows.Columns(), op.Nodes[i].On.Name)
		j := &Join{Kind: LeftOuter, L: nodes, R: rows, On: []Pair{{L: &Col{ids}, R: &Col{key}}}}
		j.cols = slices.Clone(nodes.Columns())
		for _, c := range visibleColumns(rows) {
			value := Expr(&Col{ids})
			if c != key {
				value = &Col{b.copied(j, c)}
			}
			at := slices.IndexFunc(props, func(p Item) bool { return p.Col.Name == c.Name })
			switch {
			case at < 0:
				props = append(props, Item{Col: b.column(c.Name, c.Type), X: value})
			case props[at].Col.Type == c.Type && c != key:
				props[at].X = b.invent("coalesce", props[at].X, value)
			}
		}
		nodes = j
	}
	in, out := b.degree(g, 1), b.degree(g, 0)
	nodes, degreeIn := b.withDegree(nodes, ids, in)
	nodes, degreeOut := b.withDegree(nodes, ids, out)
	c := &Compute{base: base{cols: []*Column{ids, degreeIn, degreeOut}}, In: nodes, Items: props}
	for _, p := range props {
		c.cols = append(c.cols, p.Col)
	}
	return b.share("nodes", c)
}

// oneEach keeps one row per node: of several with one identifier Kusto takes any.
func (b *binder) oneEach(table *Shared, id string) Node {
	rows := b.serialize(b.ref(table))
	return &Limit{base: base{cols: rows.Columns(), order: rows.Ordering()}, In: rows, N: &Const{T: schema.Long, V: int64(1)}, Per: []*Column{findColumn(rows.Columns(), id)}}
}

// degree counts the edges of each node by one of their ends.
func (b *binder) degree(g *graph, end int) *Aggregate {
	edges := b.ref(g.edges)
	id, count := b.hidden("", edges.Columns()[end].Type), b.hidden("", schema.Long)
	return &Aggregate{base: base{cols: []*Column{id, count}}, In: edges, Keys: []Item{{Col: id, X: &Col{edges.Columns()[end]}}}, Aggs: []Item{{Col: count, X: b.countRows()}}}
}

func (b *binder) withDegree(nodes Node, id *Column, counts *Aggregate) (Node, *Column) {
	found, degree := b.hidden("", schema.Long), b.hidden("", schema.Long)
	j := &Join{Kind: LeftOuter, L: nodes, R: counts, On: []Pair{{L: &Col{id}, R: &Col{counts.cols[0]}}}, Copies: []Copy{{found, counts.cols[1]}}}
	j.cols = append(slices.Clone(nodes.Columns()), found)
	c := &Compute{base: base{cols: append(slices.Clone(nodes.Columns()), degree)}, In: j, Items: []Item{{Col: degree, X: b.invent("coalesce", &Col{found}, &Const{T: schema.Long, V: int64(0)})}}}
	return c, degree
}

// partitionGraph makes a graph of each value of a column and runs the operators behind it on each.
func (b *binder) partitionGraph(sc *scope, n Node, op *syntax.MakeGraph) Node {
	one := *op
	one.By = nil
	rows := b.share("edges", n)
	by := op.By.Name
	keys := b.partitionKeys(op.By, rows)
	u := &Union{}
	for _, key := range keys {
		of := func(table Node) Node {
			return &Filter{base: base{cols: table.Columns(), order: table.Ordering()}, In: table, Pred: b.isKey(b.pluginColumn(table, op.By), key)}
		}
		inner := sc
		one.Nodes = nil
		for i, t := range op.Nodes {
			name := "$nodes" + itoa(i)
			inner = inner.with(name, b.share(by, of(b.tabular(sc, t.Table))))
			one.Nodes = append(one.Nodes, syntax.GraphNodes{Table: &syntax.Name{At: syntax.At{Pos: t.Table.Span()}, Name: name}, On: t.On})
		}
		u.Inputs = append(u.Inputs, b.ops(sc, b.makeGraph(inner, of(b.ref(rows)), &one), op.Body.Ops))
	}
	b.unionColumns(u, false)
	return u
}

// graphToTable returns the nodes or the edges.
// https://learn.microsoft.com/kusto/query/graph-to-table-operator
func (b *binder) graphToTable(g *graph, op *syntax.GraphToTable) Node {
	if len(op.Tables) > 1 {
		b.fail(diag.Unsupported, op.Span(), "", "graph-to-table that returns several tables is not supported: run it once for each")
	}
	t := op.Tables[0]
	rows, ids := b.ref(g.nodes), []string{"with_node_id"}
	if t.Edges {
		rows, ids = b.ref(g.edges), []string{"with_source_id", "with_target_id"}
	}
	out := &Compute{In: rows}
	for i, option := range ids {
		name, at := b.option(t.Options, option)
		if at == nil {
			continue
		}
		id := rows.Columns()[i]
		if id.Type != schema.String {
			b.fail(diag.Unsupported, at.Span(), "", "how Kusto hashes identifiers of type %s is not documented", id.Type)
		}
		c := b.column(name, schema.Long)
		out.cols = append(out.cols, c)
		out.Items = append(out.Items, Item{Col: c, X: b.invent("hash_xxhash64", &Col{id})})
	}
	out.cols = append(out.cols, visibleColumns(rows)...)
	return out
}

// graphMark numbers the components of a graph, in the order of their least nodes.
// https://learn.microsoft.com/kusto/query/graph-mark-components-operator
func (b *binder) graphMark(g *graph, op *syntax.GraphMark) Node {
	name, kind := "ComponentId", "weak"
	if text, at := b.option(op.Options, "with_component_id"); at != nil {
		name = text
	}
	if text, at := b.option(op.Options, "kind"); at != nil {
		if kind = strings.ToLower(text); kind != "weak" && kind != "strong" {
			b.fail(diag.Semantic, at.Span(), "", "the kind of a component is weak or strong")
		}
	}
	reach := b.reach(g, kind == "weak")
	least := b.hidden("", reach.Start.Type)
	id := b.hidden("", reach.Start.Type)
	var pairs Node = reach
	if kind == "strong" { // in both directions
		back := b.reach(g, false)
		pairs = &Join{base: base{cols: reach.cols}, Kind: LeftSemi, L: reach, R: back, On: []Pair{
			{L: &Col{reach.Start}, R: &Col{back.End}}, {L: &Col{reach.End}, R: &Col{back.Start}},
		}}
	}
	components := b.share("components", &Aggregate{base: base{cols: []*Column{id, least}}, In: pairs, Keys: []Item{{Col: id, X: &Col{reach.Start}}}, Aggs: []Item{{Col: least, X: b.invent("min", &Col{reach.End})}}})
	some := b.ref(components)
	ordered := &Sort{In: &Distinct{base: base{cols: []*Column{some.Columns()[1]}}, In: &Compute{base: base{cols: []*Column{some.Columns()[1]}}, In: some}}}
	ordered.cols = []*Column{some.Columns()[1]}
	ordered.order = []Key{{X: &Col{some.Columns()[1]}}}
	number := b.hidden("", schema.Long)
	numbered := &Number{base: base{cols: []*Column{some.Columns()[1], number}, order: ordered.order}, In: ordered, Col: number}

	nodes, of := b.ref(g.nodes), b.ref(components)
	component, marked := b.copyOf(of.Columns()[1]), b.hidden("", schema.Long)
	j := &Join{Kind: Inner, L: nodes, R: of, On: []Pair{{L: &Col{nodes.Columns()[0]}, R: &Col{of.Columns()[0]}}}, Copies: []Copy{{component, of.Columns()[1]}}}
	j.cols = append(slices.Clone(nodes.Columns()), component)
	k := &Join{Kind: Inner, L: j, R: numbered, On: []Pair{{L: &Col{component}, R: &Col{some.Columns()[1]}}}, Copies: []Copy{{marked, number}}}
	k.cols = append(slices.Clone(nodes.Columns()), marked)
	c := b.column(name, schema.Long)
	cols := slices.DeleteFunc(slices.Clone(nodes.Columns()), func(old *Column) bool { return old.Name == name && !old.Hidden })
	out := &Compute{base: base{cols: append(cols, c)}, In: k, Items: []Item{{Col: c, X: b.invent("-", &Col{marked}, &Const{T: schema.Long, V: int64(1)})}}}
	return &graph{nodes: b.share("nodes", out), edges: g.edges}
}

// reach pairs each node with all that it reaches, itself among them.
func (b *binder) reach(g *graph, anyDirection bool) *Paths {
	edges := b.oriented(g, true, anyDirection)
	nodes := b.ref(g.nodes)
	p := &Paths{Starts: nodes, From: nodes.Columns()[0], Edges: edges, Reach: true}
	p.Start, p.End = b.copyOf(p.From), b.copyOf(p.From)
	p.cols = []*Column{p.Start, p.End}
	return p
}

// oriented are the edges in the direction of a pattern: hidden from, to and number, then the properties. An edge of any
// direction stands there both ways.
func (b *binder) oriented(g *graph, forward, backward bool) Node {
	one := func(turned bool) Node {
		r := b.ref(g.edges)
		if turned {
			r.cols[0], r.cols[1] = r.cols[1], r.cols[0]
		}
		return r
	}
	switch {
	case !forward && !backward || forward && backward:
	default:
		return one(backward)
	}
	there, back := one(false), one(true)
	turned := &Filter{base: base{cols: back.Columns()}, In: back, Pred: b.invent("!=", &Col{back.Columns()[0]}, &Col{back.Columns()[1]})}
	u := &Union{Inputs: []Node{there, turned}, Maps: make([][]Expr, 2)}
	for i, c := range there.Columns() {
		u.cols = append(u.cols, b.copyOf(c))
		u.Maps[0] = append(u.Maps[0], &Col{c})
		u.Maps[1] = append(u.Maps[1], &Col{turned.cols[i]})
	}
	return u
}
