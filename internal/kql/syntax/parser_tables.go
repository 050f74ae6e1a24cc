package syntax

// The operators that bring tables in, or make one.

func (p *parser) opJoin(word string) Operator {
	o := &Join{Lookup: word == "lookup", Options: p.options()}
	o.Right = p.source()
	if p.acceptWord("on") {
		o.On = p.items()
	}
	return o
}

// source reads the table of a join or union: a name, a call or a parenthesised query.
func (p *parser) source() Expr {
	start := p.tok()
	if p.accept("(") {
		x := p.pipe()
		p.expect(")")
		return x
	}
	if p.is("*") {
		p.take()
		return p.wildcardFrom(start, "*")
	}
	x := p.postfix()
	if _, plain := x.(*Name); !plain && (p.is(".") || p.is("*")) {
		p.refuse(start, "tables of other databases are not supported: a query reads the case only")
	}
	return x
}

func (p *parser) opUnion(string) Operator {
	return &Union{Options: p.options(), Tables: some(p, p.unionSource)}
}

// unionSource reads one of the tables of a union; a name pattern may stand for several.
func (p *parser) unionSource() Expr {
	x := p.source()
	if s, ok := x.(*Star); ok {
		return &Wildcard{At: s.At, Pattern: "*"}
	}
	return x
}

func (p *parser) opRange(string) Operator {
	o := &Range{Name: p.anyName()}
	p.expectWord("from")
	o.From = p.expr()
	p.expectWord("to")
	o.To = p.expr()
	p.expectWord("step")
	o.Step = p.expr()
	return o
}

func (p *parser) opEvaluate(string) Operator {
	o := &Evaluate{Options: p.options()}
	s := p.tok()
	o.Call = p.call(s, p.anyName())
	if p.accept(":") {
		schemaAt := p.tok()
		t := &TypeLit{}
		p.expect("(")
		if p.accept("*") {
			t.Star = true
			p.accept(",")
		}
		t.Columns = p.params(")")
		t.At = p.since(schemaAt)
		o.Schema = t
	}
	return o
}

func (p *parser) opInvoke(string) Operator {
	s := p.tok()
	return &Invoke{Call: p.call(s, p.anyName())}
}

func (p *parser) opSearch(string) Operator {
	o := &Search{Options: p.options()}
	o.Tables = p.inTables()
	o.Pred = p.expr()
	return o
}

// inTables reads `in (T1, T*, (T2 | ...))`, which may be absent.
func (p *parser) inTables() []Expr {
	if !p.acceptWord("in") {
		return nil
	}
	p.expect("(")
	return inside(p, ")", p.unionSource)
}

func (p *parser) opFind(string) Operator {
	o := &Find{Options: p.options()}
	o.Tables = p.inTables()
	p.acceptWord("where")
	o.Pred = p.expr()
	if p.at(tokName) && (p.word("project") || p.tok().text == "project_smart") {
		switch t := p.keyword(); t.text {
		case "project-smart", "project_smart":
		case "project":
			o.Project = true
			p.findItems(o)
		default:
			p.fail(t.span, "project-smart", "expected `project` or `project-smart`")
		}
	}
	return o
}

func (p *parser) findItems(o *Find) {
	for !p.endOfOp() {
		start := p.tok()
		name := p.anyName()
		switch {
		case (name.Name == "pack_all" || name.Name == "pack") && p.is("("):
			p.take()
			p.accept("*")
			p.expect(")")
			o.Pack = true
		case p.accept(":"):
			prm := Param{Name: name, Type: p.typeName()}
			prm.At = p.since(start)
			o.Items = append(o.Items, prm)
		default:
			o.Items = append(o.Items, Param{Name: name, At: p.since(start)})
		}
		if !p.accept(",") {
			return
		}
	}
}
