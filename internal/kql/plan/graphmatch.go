package plan

import (
	"slices"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// element is a node or an edge of a pattern that the rows so far have.
type element struct {
	edge  bool
	id    *Column   // of a node its identifier, of an edge its number
	props []*Column // of a single node or edge
	in    *Column   // the degrees of a node
	out   *Column
	path  *pathElement // of a sequence of edges
}

// pathElement is what the rows have of a sequence of edges.
type pathElement struct {
	length, numbers, inner *Column
	items                  map[string]*Column // by what makes them, as it is written
}

// matching is a graph-match while it is being bound.
type matching struct {
	g        *graph
	op       *syntax.GraphMatch
	sc       *scope
	repeats  PathRepeats
	rows     Node
	elements map[string]*element
	all      []*element
	pending  []syntax.Expr // conditions that wait for elements
	inner    *element      // what node_id() and its kind mean inside of all, any and map
}

// graphMatch finds a pattern in a graph: node by node the edges that fit are joined.
// https://learn.microsoft.com/kusto/query/graph-match-operator
func (b *binder) graphMatch(sc *scope, g *graph, op *syntax.GraphMatch) Node {
	m := &matching{g: g, op: op, sc: sc, elements: map[string]*element{}}
	b.matchOptions(m)
	if op.Items == nil {
		b.fail(diag.Unsupported, op.Span(), "", "`%s` without `project` is not supported", op.Keyword())
	}
	if op.Where != nil {
		m.pending = conjunctsOf(op.Where)
	}
	for _, path := range op.Paths {
		b.matchPath(m, path)
	}
	b.matchRepeats(m)
	if len(m.pending) > 0 {
		m.rows = &Filter{base: base{cols: m.rows.Columns()}, In: m.rows, Pred: b.predicate(b.matchFrame(m), m.pending[0])} // which fails
	}
	if op.Shortest {
		b.keepShortest(m)
	}
	f := b.matchFrame(m)
	out, nm := &Compute{In: m.rows}, b.newNamer(nil)
	for _, item := range op.Items {
		b.attempt(func() {
			for _, v := range b.values(f, item) {
				b.addColumn(out, nm, item, v, v.explicit, nm.implicit)
			}
		})
	}
	return out
}

func (b *binder) matchOptions(m *matching) {
	if text, at := b.option(m.op.Options, "cycles"); at != nil {
		repeats, ok := map[string]PathRepeats{"unique_edges": UniqueEdges, "none": UniqueNodes, "all": AnyRepeats}[text]
		if !ok || m.op.Shortest {
			b.fail(diag.Semantic, at.Span(), "", "cycles of graph-match is all, none or unique_edges")
		}
		m.repeats = repeats
	}
	if text, at := b.option(m.op.Options, "output"); at != nil && (!m.op.Shortest || text != "any" && text != "all") {
		b.fail(diag.Semantic, at.Span(), "", "output of graph-shortest-paths is any or all")
	}
	if m.op.Shortest && (len(m.op.Paths) != 1 || len(m.op.Paths[0]) != 3 || m.op.Paths[0][1].Min == nil) {
		b.fail(diag.Unsupported, m.op.Span(), "", "graph-shortest-paths takes two nodes with one edge of variable length between them")
	}
}

func conjunctsOf(x syntax.Expr) []syntax.Expr {
	if and, ok := x.(*syntax.Binary); ok && and.Op == "and" {
		return append(conjunctsOf(and.L), conjunctsOf(and.R)...)
	}
	return []syntax.Expr{x}
}

// matchPath joins the elements of one sequence.
func (b *binder) matchPath(m *matching, path []syntax.GraphElement) {
	// A sequence closes a cycle when it comes back to what it is part of.
	part := m.rows == nil || m.named(path[0]) != nil
	at := b.matchNode(m, path[0], nil)
	for i := 1; i+1 < len(path); i += 2 {
		known := m.named(path[i+1]) != nil
		if known && part && m.repeats == UniqueNodes {
			m.filter(&Const{T: schema.Bool, V: false})
		}
		part = part || known
		var to *Column
		if path[i].Min != nil {
			to = b.matchSequence(m, path[i], at)
		} else {
			to = b.matchEdge(m, path[i], at)
		}
		at = b.matchNode(m, path[i+1], to)
	}
}

// extend joins rows to what is matched so far; their columns are handed on as copies, which it returns.
func (b *binder) extendMatch(m *matching, rows Node, on []Pair) []*Column {
	if m.rows == nil {
		m.rows = rows
		return rows.Columns()
	}
	if on == nil {
		one := &Const{T: schema.Long, V: int64(1)}
		on = []Pair{{L: one, R: one}}
	}
	j := &Join{Kind: Inner, L: m.rows, R: rows, On: on}
	j.cols = slices.Clone(m.rows.Columns())
	var made []*Column
	for _, c := range rows.Columns() {
		made = append(made, b.copied(j, c))
	}
	m.rows = j
	return made
}

// matchNode joins a node, which a path has reached at an identifier unless it begins there. A node that is known
// already must be the same.
func (b *binder) matchNode(m *matching, x syntax.GraphElement, reached *Column) *Column {
	if old := m.named(x); old != nil {
		if old.edge {
			b.fail(diag.Semantic, x.Span(), "", "%s is an edge, a node is expected here", x.Name.Name)
		}
		if reached != nil {
			m.filter(b.invent("==", &Col{reached}, &Col{old.id}))
		}
		b.settle(m)
		return old.id
	}
	nodes := b.ref(m.g.nodes)
	var on []Pair
	if reached != nil {
		on = []Pair{{L: &Col{reached}, R: &Col{nodes.Columns()[0]}}}
	}
	cols := b.extendMatch(m, nodes, on)
	m.add(x, &element{id: cols[0], in: cols[1], out: cols[2], props: cols[graphHidden:]})
	b.settle(m)
	return cols[0]
}

func (m *matching) named(x syntax.GraphElement) *element {
	if x.Name == nil {
		return nil
	}
	return m.elements[x.Name.Name]
}

func (m *matching) add(x syntax.GraphElement, e *element) {
	m.all = append(m.all, e)
	if x.Name != nil {
		m.elements[x.Name.Name] = e
	}
}

func (m *matching) filter(pred Expr) {
	m.rows = &Filter{base: base{cols: m.rows.Columns()}, In: m.rows, Pred: pred}
}

// matchEdge joins the edges that leave a node, and returns the other end.
func (b *binder) matchEdge(m *matching, x syntax.GraphElement, from *Column) *Column {
	b.onceNamed(m, x)
	edges := b.oriented(m.g, x.Forward, x.Backward)
	cols := b.extendMatch(m, edges, []Pair{{L: &Col{from}, R: &Col{edges.Columns()[0]}}})
	m.add(x, &element{edge: true, id: cols[2], props: cols[graphHidden:]})
	b.settle(m)
	return cols[1]
}

func (b *binder) onceNamed(m *matching, x syntax.GraphElement) {
	if m.named(x) != nil {
		b.fail(diag.Semantic, x.Span(), "", "there is an element %s already", x.Name.Name)
	}
}

// maxPath bounds the length of a path: Kusto's own patterns stay far below.
const maxPath = 1000

// matchSequence joins the paths that leave a node, and returns their ends.
func (b *binder) matchSequence(m *matching, x syntax.GraphElement, from *Column) *Column {
	b.onceNamed(m, x)
	p := &Paths{Repeats: m.repeats, Min: b.pathBound(m, x.Min), Max: b.pathBound(m, x.Max)}
	if p.Max < p.Min || p.Max > maxPath {
		b.fail(diag.Semantic, x.Max.Span(), "", "a path has at most %d edges, and at least as many as its least number", maxPath)
	}
	// The paths begin where the rows so far end.
	known := b.share("match", m.rows)
	again, starts := b.ref(known), b.ref(known)
	b.moved(m, known.Plan.Columns(), again)
	at := slices.Index(known.Plan.Columns(), from)
	p.From = starts.Columns()[at]
	p.Starts = &Distinct{base: base{cols: []*Column{p.From}}, In: &Compute{base: base{cols: []*Column{p.From}}, In: starts}}
	p.Start, p.End, p.Length = b.hidden("", from.Type), b.hidden("", from.Type), b.hidden("", schema.Long)
	p.Numbers, p.Inner = b.hidden("", schema.Dynamic), b.hidden("", schema.Dynamic)
	p.cols = []*Column{p.Start, p.End, p.Length, p.Numbers, p.Inner}

	edges := b.oriented(m.g, x.Forward, x.Backward)
	nodes := b.ref(m.g.nodes)
	j := &Join{Kind: Inner, L: edges, R: nodes, On: []Pair{{L: &Col{edges.Columns()[1]}, R: &Col{nodes.Columns()[0]}}}}
	j.cols = slices.Clone(edges.Columns())
	var ends []*Column
	for _, c := range nodes.Columns() {
		ends = append(ends, b.copied(j, c))
	}
	p.Edges = j
	keys := b.pathItems(m, x, p, edges.Columns()[graphHidden:], ends)
	cols := b.extendMatch(m, p, []Pair{{L: &Col{again.Columns()[at]}, R: &Col{p.Start}}})
	e := &pathElement{length: cols[2], numbers: cols[3], inner: cols[4], items: map[string]*Column{}}
	for i, key := range keys {
		e.items[key] = cols[5+i]
	}
	m.add(x, &element{edge: true, path: e})
	b.settle(m)
	return cols[1]
}

func (b *binder) pathBound(m *matching, x syntax.Expr) int64 {
	c, ok := b.scalar(&frame{scope: m.sc}, x).(*Const)
	n, isLong := int64(0), false
	if ok {
		n, isLong = c.V.(int64)
	}
	if !isLong || n < 0 {
		b.fail(diag.Semantic, x.Span(), "", "the number of edges must be a constant integer")
	}
	return n
}

// moved makes all elements read the columns of another node that has the same ones.
func (b *binder) moved(m *matching, from []*Column, to Node) {
	place := map[*Column]*Column{}
	for i, c := range from {
		place[c] = to.Columns()[i]
	}
	move := func(c **Column) {
		if *c != nil {
			*c = place[*c]
		}
	}
	for _, e := range m.all {
		move(&e.id)
		move(&e.in)
		move(&e.out)
		e.props = slices.Clone(e.props)
		for i := range e.props {
			move(&e.props[i])
		}
		if e.path != nil {
			move(&e.path.length)
			move(&e.path.numbers)
			move(&e.path.inner)
			for key, c := range e.path.items {
				e.path.items[key] = place[c]
			}
		}
	}
	m.rows = to
}

// pathItems binds what the query asks of the edges of a path, and of the nodes between its ends: all, any, map, and
// properties. It returns the texts by which they are found again.
func (b *binder) pathItems(m *matching, x syntax.GraphElement, p *Paths, edge, node []*Column) []string {
	if x.Name == nil {
		return nil
	}
	var keys []string
	add := func(at syntax.Expr, inner bool, kind PathKind, bind func(f *frame) Expr) {
		key := b.src.Text[at.Span().Start:at.Span().End]
		if slices.Contains(keys, key) {
			return
		}
		f := &frame{scope: m.sc, cols: edge, in: p.Edges, match: m}
		m.inner = nil
		if inner {
			f.cols = node[graphHidden:]
			m.inner = &element{id: node[0], in: node[1], out: node[2]}
		}
		v := bind(f)
		m.inner = nil
		item := PathItem{Col: b.hidden("", schema.Dynamic), Inner: inner, Kind: kind, X: b.convert(v, schema.Dynamic)}
		if kind != PathMap {
			item.Col.Type = schema.Bool
		}
		p.Items = append(p.Items, item)
		p.cols = append(p.cols, item.Col)
		keys = append(keys, key)
	}
	for _, whole := range append(append([]syntax.Expr(nil), m.op.Items...), m.pending...) {
		syntax.Walk(whole, func(at syntax.Expr) {
			switch at := at.(type) {
			case *syntax.Member:
				if id, ok := at.X.(*syntax.Name); ok && id.Name == x.Name.Name {
					add(at, false, PathMap, func(f *frame) Expr { return b.name(f, at.Name) })
				}
			case *syntax.Call:
				kind, ok := pathKinds[at.Func.Name]
				if !ok || len(at.Args) != 2 {
					return
				}
				name, inner := pathOf(at.Args[0])
				if name != x.Name.Name {
					return
				}
				add(at, inner, kind, func(f *frame) Expr {
					if kind == PathMap {
						return b.scalar(f, at.Args[1])
					}
					return b.predicate(f, at.Args[1])
				})
			}
		})
	}
	return keys
}

// pathKinds are the functions over the edges of a path.
var pathKinds = map[string]PathKind{"map": PathMap, "all": PathAll, "any": PathAny}

// pathOf is the sequence of edges that the first argument of such a function names, e or inner_nodes(e).
func pathOf(x syntax.Expr) (name string, inner bool) {
	if call, ok := x.(*syntax.Call); ok && call.Func.Name == "inner_nodes" && len(call.Args) == 1 {
		name, _ = pathOf(call.Args[0])
		return name, true
	}
	if id, ok := x.(*syntax.Name); ok {
		return id.Name, false
	}
	return "", false
}

// matchFrame is what the conditions and the columns of a match see.
func (b *binder) matchFrame(m *matching) *frame {
	return &frame{scope: m.sc, in: m.rows, match: m, states: func(of, name *syntax.Name) Expr {
		e := m.elements[of.Name]
		switch {
		case e == nil:
			return nil
		case e.path != nil:
			if c := e.path.items[of.Name+"."+name.Name]; c != nil {
				return &Col{c}
			}
		}
		return &Col{b.existing(e.props, name, of.Name+" has no property")}
	}}
}

// matchCall binds the functions of graphs; nil for any other call.
func (b *binder) matchCall(f *frame, x *syntax.Call) Expr {
	m := f.match
	if _, ok := pathKinds[x.Func.Name]; ok && len(x.Args) == 2 {
		name, _ := pathOf(x.Args[0])
		if e := m.elements[name]; e != nil && e.path != nil {
			if c := e.path.items[b.src.Text[x.Span().Start:x.Span().End]]; c != nil {
				return &Col{c}
			}
		}
		b.fail(diag.Semantic, x.Args[0].Span(), "", "%s takes an edge of variable length", x.Func.Name)
	}
	if x.Func.Name == "array_length" && len(x.Args) == 1 {
		name, inner := pathOf(x.Args[0])
		if e := m.elements[name]; e != nil && e.path != nil && !inner {
			return &Col{e.path.length}
		}
	}
	of, ok := nodeFunctions[x.Func.Name]
	if !ok {
		return nil
	}
	e := m.inner
	if len(x.Args) == 1 {
		if id, ok := x.Args[0].(*syntax.Name); ok {
			e = m.elements[id.Name]
		}
	}
	if e == nil || e.edge || len(x.Args) > 1 {
		b.fail(diag.Semantic, x.Span(), "", "%s takes a node of the pattern", x.Func.Name)
	}
	if c := of(e); c != e.id {
		return &Col{c}
	}
	return b.convert(&Col{e.id}, schema.String)
}

// refuseElement says what to write in place of the bare name of an element, which hides a let of its name.
func (b *binder) refuseElement(e *element, x *syntax.Name) {
	if e.path != nil {
		b.fail(diag.Unsupported, x.Span(), "map("+x.Name+", ...)", "how Kusto shows the edges of a path is not documented: name what is wanted of them")
	}
	b.fail(diag.Unsupported, x.Span(), "", "how Kusto shows an element of a graph is not documented: name its properties, as %s.name", x.Name)
}

// nodeFunctions are the functions of a node.
var nodeFunctions = map[string]func(*element) *Column{
	"node_id":         func(e *element) *Column { return e.id },
	"node_degree_in":  func(e *element) *Column { return e.in },
	"node_degree_out": func(e *element) *Column { return e.out },
}

// settle applies the conditions whose elements are all matched: the fewer rows go on, the better.
func (b *binder) settle(m *matching) {
	m.pending = slices.DeleteFunc(m.pending, func(x syntax.Expr) bool {
		ready := true
		syntax.Walk(x, func(at syntax.Expr) {
			if id, ok := at.(*syntax.Name); ok && m.later(id.Name) {
				ready = false
			}
		})
		if ready {
			m.filter(b.predicate(b.matchFrame(m), x))
		}
		return ready
	})
}

// later reports whether an element of that name is still to come.
func (m *matching) later(name string) bool {
	if m.elements[name] != nil {
		return false
	}
	for _, path := range m.op.Paths {
		for _, x := range path {
			if x.Name != nil && x.Name.Name == name {
				return true
			}
		}
	}
	return false
}

// matchRepeats sorts out what goes twice over an edge, or through a node, of different elements.
func (b *binder) matchRepeats(m *matching) {
	if m.repeats == AnyRepeats {
		return
	}
	for i, l := range m.all {
		for _, r := range m.all[:i] {
			if pred := b.apart(m.repeats, l, r); pred != nil {
				m.filter(pred)
			}
		}
	}
}

// apart is the condition that two elements share no edge, or no node; nil where they cannot.
func (b *binder) apart(repeats PathRepeats, l, r *element) Expr {
	set := func(e *element) *Column {
		switch {
		case e.path == nil:
			return nil
		case repeats == UniqueNodes:
			return e.path.inner
		}
		return e.path.numbers
	}
	if repeats == UniqueEdges && (!l.edge || !r.edge) || repeats == UniqueNodes && (l.edge && l.path == nil || r.edge && r.path == nil) {
		return nil
	}
	switch a, c := set(l), set(r); {
	case a == nil && c == nil:
		return b.invent("!=", &Col{l.id}, &Col{r.id})
	case a != nil && c != nil:
		return b.invent("==", b.invent("array_length", b.invent("set_intersect", &Col{a}, &Col{c})), &Const{T: schema.Long, V: int64(0)})
	case a == nil:
		return b.invent("not", b.invent("set_has_element", &Col{c}, &Col{l.id}))
	default:
		return b.invent("not", b.invent("set_has_element", &Col{a}, &Col{r.id}))
	}
}

// keepShortest keeps the shortest paths of each pair of ends: any one of them, which is the one over the edges that
// came first, or all.
func (b *binder) keepShortest(m *matching) {
	from, path, to := m.all[0], m.all[1].path, m.all[2]
	rows := m.rows
	if text, _ := b.option(m.op.Options, "output"); text != "all" {
		order := []Key{{X: &Col{path.length}}, {X: &Col{path.numbers}}}
		sorted := &Sort{base: base{cols: rows.Columns(), order: order}, In: rows}
		m.rows = &Limit{base: base{cols: rows.Columns(), order: order}, In: sorted, N: &Const{T: schema.Long, V: int64(1)}, Per: []*Column{from.id, to.id}}
		return
	}
	known := b.share("paths", rows)
	again, lengths := b.ref(known), b.ref(known)
	place := func(c *Column) *Column { return lengths.Columns()[slices.Index(rows.Columns(), c)] }
	a, c, least := b.hidden("", from.id.Type), b.hidden("", to.id.Type), b.hidden("", schema.Long)
	shortest := &Aggregate{base: base{cols: []*Column{a, c, least}}, In: lengths, Keys: []Item{{Col: a, X: &Col{place(from.id)}}, {Col: c, X: &Col{place(to.id)}}}, Aggs: []Item{{Col: least, X: b.invent("min", &Col{place(path.length)})}}}
	b.moved(m, rows.Columns(), again)
	m.rows = &Join{base: base{cols: again.Columns()}, Kind: LeftSemi, L: again, R: shortest, On: []Pair{
		{L: &Col{from.id}, R: &Col{a}}, {L: &Col{to.id}, R: &Col{c}}, {L: &Col{path.length}, R: &Col{least}},
	}}
}
