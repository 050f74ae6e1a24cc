package syntax

func (p *parser) opScan(start token) Operator {
	o := &Scan{Options: p.options()}
	if p.acceptWord("declare") {
		p.expect("(")
		o.Declared = p.params(")")
	}
	p.expectWord("with")
	p.expect("(")
	for !p.accept(")") {
		o.Steps = append(o.Steps, p.scanStep())
		if !p.accept(";") && !p.is(")") {
			p.unexpected("`;` or `)`")
		}
	}
	o.At = p.since(start)
	return o
}

func (p *parser) scanStep() ScanStep {
	start := p.tok()
	p.expectWord("step")
	s := ScanStep{Name: p.anyName()}
	if p.acceptWord("output") {
		p.expect("=")
		if !p.word("all") && !p.word("last") && !p.word("none") {
			p.unexpected("`all`, `last` or `none`")
		}
		s.Output = p.take().text
	}
	p.expect(":")
	s.Cond = p.expr()
	if p.accept("=>") {
		for {
			s.Assign = append(s.Assign, p.namedExpr())
			if !p.accept(",") {
				break
			}
		}
	}
	s.At = p.since(start)
	return s
}
