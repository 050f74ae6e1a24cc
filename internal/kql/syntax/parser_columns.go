package syntax

// The operators that make, pick or check columns.

func (p *parser) opProjectAway(word string) Operator {
	return &ProjectAway{Keep: word == "project-keep", Items: list(p, p.columnPattern)}
}

// columnPattern reads a name or a pattern with stars.
func (p *parser) columnPattern() Expr {
	start := p.tok()
	if p.is("[") {
		return p.anyName()
	}
	if !p.is("*") && !p.at(tokName) {
		p.unexpected("the name of a column")
	}
	p.take()
	next := p.tok()
	if start.text != "*" && !(next.kind == tokPunct && next.text == "*" && next.span.Start == start.span.End) {
		return &Name{Name: start.text, At: p.since(start)}
	}
	return p.wildcardFrom(start, start.text)
}

func (p *parser) opReorder(string) Operator {
	return &ProjectReorder{Items: list(p, func() ReorderItem {
		item := ReorderItem{X: p.columnPattern()}
		if p.at(tokName) {
			item.Order = p.keyword().text
		}
		return item
	})}
}

func (p *parser) opAssertSchema(string) Operator {
	p.expect("(")
	return &AssertSchema{Columns: p.params(")")}
}

func (p *parser) opParse(word string) Operator {
	o := &ParseOp{Where: word == "parse-where", Options: p.options()}
	o.X = p.expr()
	p.expectWord("with")
	for !p.endOfOp() {
		s := p.tok()
		switch {
		case p.is("*"):
			p.take()
			o.Parts = append(o.Parts, &Star{At: p.since(s)})
		case p.at(tokString):
			p.take()
			o.Parts = append(o.Parts, &Literal{Kind: LitString, Text: s.text, At: p.since(s)})
		default:
			n := p.newName()
			if p.accept(":") {
				o.Parts = append(o.Parts, &Typed{X: n, Type: p.typeName(), At: p.since(s)})
			} else {
				o.Parts = append(o.Parts, n)
			}
		}
	}
	return o
}

func (p *parser) opParseKV(string) Operator {
	o := &ParseKV{X: p.expr()}
	p.expectWord("as")
	p.expect("(")
	o.Columns = p.params(")")
	if p.acceptWord("with") {
		o.Options = p.withOptions()
	}
	return o
}
