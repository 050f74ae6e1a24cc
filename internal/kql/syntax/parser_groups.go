package syntax

import "strings"

// The operators that work on groups of rows, and those with a body of their own.

func (p *parser) opSummarize(string) Operator {
	o := &Summarize{Options: p.options()}
	o.Aggs = list(p, p.namedExpr, "by")
	if p.acceptWord("by") {
		o.By = p.items()
	}
	return o
}

// mvHead reads what mv-expand and mv-apply begin with: the options, the columns that are expanded, and the limit, nil
// without one.
func (p *parser) mvHead() (options []Option, items []MvItem, limit Expr) {
	options = p.options()
	items = some(p, func() MvItem {
		item := MvItem{X: p.namedExpr()}
		if p.acceptWord("to") {
			item.To = p.typeOf()
		}
		return item
	})
	if p.acceptWord("limit") {
		limit = p.expr()
	}
	return options, items, limit
}

func (p *parser) opMvExpand(word string) Operator {
	o := &MvExpand{Legacy: word == "mvexpand"}
	o.Options, o.Items, o.Limit = p.mvHead()
	return o
}

func (p *parser) opMvApply(string) Operator {
	o := &MvApply{}
	o.Options, o.Items, o.Limit = p.mvHead()
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
	o.Aggs = list(p, func() MakeSeriesItem {
		item := MakeSeriesItem{X: p.namedExpr()}
		if p.acceptWord("default") {
			p.expect("=")
			item.Default = p.expr()
		}
		return item
	}, "on")
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
		s.Assign = some(p, p.namedExpr)
	}
	s.At = p.since(start)
	return s
}
