package syntax

// The operators of graphs.

func (p *parser) opMakeGraph(string) Operator {
	o := &MakeGraph{SourceID: p.anyName()}
	p.arrow()
	o.TargetID = p.anyName()
	if p.acceptWord("with") {
		o.Nodes = some(p, func() GraphNodes {
			n := GraphNodes{Table: p.source()}
			p.expectWord("on")
			n.On = p.anyName()
			return n
		})
	} else {
		o.Options = p.options("with_node_id")
	}
	if p.word("partitioned") {
		if t := p.keyword(); t.text != "partitioned-by" {
			p.fail(t.span, "partitioned-by", "expected `partitioned-by`")
		}
		o.By = p.anyName()
		o.Body = p.body()
	}
	return o
}

func (p *parser) arrow() {
	p.expect("-")
	p.expect("-")
	p.expect(">")
}

// opGraphMatch reads graph-match and graph-shortest-paths.
func (p *parser) opGraphMatch(word string) Operator {
	o := &GraphMatch{Shortest: word == "graph-shortest-paths", Options: p.options("cycles", "output"), Paths: some(p, p.graphPath)}
	if p.acceptWord("where") {
		o.Where = p.expr()
	}
	if p.acceptWord("project") {
		o.Items = p.items()
	}
	return o
}

// graphPath reads nodes with edges between them.
func (p *parser) graphPath() []GraphElement {
	var out []GraphElement
	for {
		start := p.expect("(")
		node := GraphElement{Name: p.elementName()}
		p.expect(")")
		node.At = p.since(start)
		out = append(out, node)
		if !p.is("-") && !p.is("<") {
			return out
		}
		out = append(out, p.graphEdge())
	}
}

func (p *parser) elementName() *Name {
	if p.at(tokName) {
		return p.anyName()
	}
	return nil
}

// graphEdge reads -[e]->, <-[e]-, -[e*1..3]- and their short forms such as -->.
func (p *parser) graphEdge() GraphElement {
	start := p.tok()
	e := GraphElement{Backward: p.accept("<")}
	p.expect("-")
	if p.accept("[") {
		e.Name = p.elementName()
		if p.accept("*") {
			e.Min = p.primary()
			p.expect("..")
			e.Max = p.primary()
		}
		p.expect("]")
	}
	p.expect("-")
	e.Forward = p.accept(">")
	e.At = p.since(start)
	if e.Forward && e.Backward {
		p.fail(e.Span(), "", "an edge has one direction")
	}
	return e
}

func (p *parser) opGraphToTable(string) Operator {
	return &GraphToTable{Tables: some(p, func() GraphTable {
		start := p.tok()
		t := GraphTable{Edges: p.acceptWord("edges")}
		if !t.Edges {
			p.expectWord("nodes")
		}
		if p.acceptWord("as") {
			t.Name = p.anyName()
		}
		t.Options = p.options("with_node_id", "with_source_id", "with_target_id")
		t.At = p.since(start)
		return t
	})}
}

func (p *parser) opGraphMark(string) Operator {
	return &GraphMark{Options: p.options("with_component_id")}
}
