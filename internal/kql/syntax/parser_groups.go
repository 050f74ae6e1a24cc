package syntax

import "strings"

// The operators that work on groups of rows, and those with a body of their own.

func (p *parser) opSummarize(string) Operator {
	o := &Summarize{Options: p.options()}
	for !p.endOfOp() && !p.word("by") {
		o.Aggs = append(o.Aggs, p.namedExpr())
		if !p.accept(",") {
			break
		}
	}
	if p.acceptWord("by") {
		o.By = p.items()
	}
	return o
}

func (p *parser) mvItems(end string) []MvItem {
	var out []MvItem
	for !p.endOfOp() {
		item := MvItem{X: p.namedExpr()}
		if p.acceptWord("to") {
			item.To = p.typeOf()
		}
		out = append(out, item)
		if !p.accept(",") || p.word(end) {
			break
		}
	}
	return out
}

func (p *parser) opMvExpand(string) Operator {
	o := &MvExpand{Options: p.options()}
	o.Items = p.mvItems("limit")
	if p.acceptWord("limit") {
		o.Limit = p.expr()
	}
	return o
}

func (p *parser) opMvApply(string) Operator {
	o := &MvApply{Options: p.options()}
	o.Items = p.mvItems("on")
	if p.acceptWord("limit") {
		o.Limit = p.expr()
	}
	p.expectWord("on")
	o.Body = p.body()
	return o
}

func (p *parser) opReduce(string) Operator {
	o := &Reduce{Options: p.options()}
	p.expectWord("by")
	o.X = p.namedExpr()
	if p.acceptWord("with") {
		for !p.endOfOp() {
			start, name := p.tok(), p.anyName().Name
			p.expect("=")
			o.Options = append(o.Options, Option{Name: strings.ToLower(name), Value: p.expr(), At: p.since(start)})
			p.accept(",")
		}
	}
	return o
}

// body reads the operators of a subquery in parentheses.
func (p *parser) body() *Pipe {
	p.expect("(")
	start := p.tok()
	out := &Pipe{}
	for !p.is(")") {
		out.Ops = append(out.Ops, p.operator())
		if !p.accept("|") {
			break
		}
	}
	out.At = p.since(start)
	p.expect(")")
	return out
}

func (p *parser) opPartition(string) Operator {
	o := &Partition{Options: p.options()}
	p.expectWord("by")
	o.Key = p.anyName()
	if p.accept("{") {
		o.Source = p.pipe()
		p.expect("}")
		return o
	}
	o.Body = p.body()
	return o
}

func (p *parser) opMakeSeries(string) Operator {
	o := &MakeSeries{Options: p.options()}
	for !p.endOfOp() && !p.word("on") {
		item := MakeSeriesItem{X: p.namedExpr()}
		if p.acceptWord("default") {
			p.expect("=")
			item.Default = p.expr()
		}
		o.Aggs = append(o.Aggs, item)
		if !p.accept(",") {
			break
		}
	}
	p.expectWord("on")
	o.On = p.namedSum()
	if p.acceptWord("in") { // the old form: in range(from, to, step)
		p.expectWord("range")
		p.expect("(")
		o.Inclusive = true
		o.From = p.expr()
		p.expect(",")
		o.To = p.expr()
		p.expect(",")
		o.Step = p.expr()
		p.expect(")")
	} else {
		if p.acceptWord("from") {
			o.From = p.expr()
		}
		if p.acceptWord("to") {
			o.To = p.expr()
		}
		p.expectWord("step")
		o.Step = p.expr()
	}
	if p.acceptWord("by") {
		o.By = p.items()
	}
	return o
}

func (p *parser) opScan(string) Operator {
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
