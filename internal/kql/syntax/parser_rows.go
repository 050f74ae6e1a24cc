package syntax

import "strings"

// The operators that pick, order and count rows.

func (p *parser) sortKey() SortKey {
	if p.endOfOp() {
		p.unexpected("an expression to sort by")
	}
	k := SortKey{X: p.namedExpr()}
	if k.Asc = p.acceptWord("asc"); !k.Asc {
		p.acceptWord("desc")
	}
	if p.acceptWord("nulls") {
		if !p.word("first") && !p.word("last") {
			p.unexpected("`first` or `last`")
		}
		k.Nulls = p.take().text
	}
	return k
}

func (p *parser) opSort(string) Operator {
	p.options()
	p.expectWord("by")
	return &Sort{Keys: some(p, p.sortKey)}
}

func (p *parser) opTop(string) Operator {
	p.options()
	o := &Top{N: p.expr()}
	p.options()
	p.expectWord("by")
	o.Keys = some(p, p.sortKey)
	return o
}

func (p *parser) opTopHitters(string) Operator {
	o := &TopHitters{N: p.expr()}
	p.expectWord("of")
	o.X = p.namedExpr()
	if p.acceptWord("by") {
		o.By = p.namedExpr()
	}
	return o
}

func (p *parser) opTopNested(string) Operator {
	o := &TopNested{}
	for {
		o.Levels = append(o.Levels, p.nestedLevel())
		if !p.accept(",") {
			return o
		}
		if s := p.keyword(); s.text != "top-nested" {
			p.fail(s.span, "top-nested", "expected `top-nested`")
		}
	}
}

func (p *parser) nestedLevel() NestedLevel {
	start, l := p.tok(), NestedLevel{}
	if !p.word("of") {
		l.N = p.expr()
	}
	p.expectWord("of")
	l.X = p.namedExpr()
	if p.acceptWord("with") {
		p.expectWord("others")
		p.expect("=")
		l.Others = p.expr()
	}
	p.expectWord("by")
	l.By = p.namedExpr()
	if l.Asc = p.acceptWord("asc"); !l.Asc {
		p.acceptWord("desc")
	}
	l.At = p.since(start)
	return l
}

func (p *parser) opTake(word string) Operator {
	return &Take{Sample: word == "sample", N: p.expr()}
}

func (p *parser) opSampleDistinct(string) Operator {
	o := &SampleDistinct{N: p.expr()}
	p.expectWord("of")
	o.X = p.expr()
	return o
}

func (p *parser) opCount(string) Operator {
	o := &Count{}
	if p.acceptWord("as") {
		o.As = p.anyName()
	}
	return o
}

func (p *parser) opAs(string) Operator {
	p.options()
	return &As{Name: p.anyName()}
}

func (p *parser) opRender(string) Operator {
	o := &Render{Visualization: p.anyName().Name}
	if p.acceptWord("with") {
		o.Options = p.withOptions()
	} else {
		for p.at(tokName) && p.peek(1).text == "=" { // the old form: render timechart kind=stacked
			s := p.tok()
			name := p.take().text
			p.take()
			o.Options = append(o.Options, Option{Name: strings.ToLower(name), Value: p.expr(), At: p.since(s)})
		}
	}
	return o
}
