package syntax

import "strings"

// pipe reads a tabular or scalar expression with the operators behind it.
func (p *parser) pipe() Expr {
	p.enter()
	defer p.leave()
	start := p.tok()
	op := p.leading()
	var source Expr
	if op == nil {
		if source = p.namedExpr(); !p.is("|") {
			return source
		}
	}
	return p.operators(start, source, op)
}

// operators reads those behind the source or the operator that a pipe begins with.
func (p *parser) operators(start *token, source Expr, first Operator) *Pipe {
	out := &Pipe{Source: source}
	if first != nil {
		out.Ops = append(out.Ops, first)
	}
	for p.accept("|") {
		at := p.tok()
		if !p.recoverTo(func() { out.Ops = append(out.Ops, p.operator()) }, "|", ";", ")", "}") {
			out.Ops = append(out.Ops, &Bad{Head{At: p.since(at)}})
		}
	}
	out.At = p.since(start)
	return out
}

// namedExpr reads `name = x`, `(a, b) = x` or a plain expression.
func (p *parser) namedExpr() Expr {
	start := p.tok()
	if p.nameThenAssign() {
		n := &Named{Names: []*Name{p.newName()}}
		p.take()
		n.X = p.expr()
		n.At = p.since(start)
		return n
	}
	if p.is("(") && p.namesThenAssign() {
		n := &Named{}
		p.take()
		for !p.accept(")") {
			n.Names = append(n.Names, p.newName())
			p.accept(",")
		}
		p.take()
		n.X = p.expr()
		n.At = p.since(start)
		return n
	}
	return p.expr()
}

// namedSum reads `name = x` or x where a comparison cannot stand.
func (p *parser) namedSum() Expr {
	start := p.tok()
	if !p.nameThenAssign() {
		return p.sum()
	}
	n := &Named{Names: []*Name{p.newName()}}
	p.take()
	n.X = p.sum()
	n.At = p.since(start)
	return n
}

func (p *parser) nameThenAssign() bool {
	if p.at(tokName) {
		return p.peek(1).kind == tokPunct && p.peek(1).text == "="
	}
	return p.is("[") && p.peek(1).kind == tokString && p.peek(2).text == "]" && p.peek(3).kind == tokPunct && p.peek(3).text == "="
}

func (p *parser) namesThenAssign() bool {
	for k := 1; ; k += 2 {
		if p.peek(k).kind != tokName {
			return false
		}
		switch t := p.peek(k + 1); {
		case t.kind == tokPunct && t.text == ",":
		case t.kind == tokPunct && t.text == ")":
			return p.peek(k+2).kind == tokPunct && p.peek(k+2).text == "="
		default:
			return false
		}
	}
}

func (p *parser) expr() Expr {
	p.enter()
	defer p.leave()
	return p.or()
}

func (p *parser) or() Expr { return p.logical("or", p.and) }

func (p *parser) and() Expr { return p.logical("and", p.comparison) }

func (p *parser) logical(op string, next func() Expr) Expr {
	start := p.tok()
	x := next()
	for p.word(op) {
		t := p.take()
		r := next()
		x = &Binary{Op: op, OpSpan: t.span, L: x, R: r, At: p.since(start)}
	}
	return x
}

// stringOps are the operators that are words; each has a negation with `!`.
var stringOps = map[string]bool{
	"has": true, "has_cs": true, "contains": true, "contains_cs": true, "startswith": true, "startswith_cs": true,
	"endswith": true, "endswith_cs": true, "hasprefix": true, "hasprefix_cs": true, "hassuffix": true, "hassuffix_cs": true,
	"like": true, "notlike": true,
}

var listOps = map[string]bool{"in": true, "in~": true, "has_any": true, "has_all": true}

func compares(punct string) bool {
	switch punct {
	case "==", "!=", "<>", "<", "<=", ">", ">=", "=~", "!~", ":":
		return true
	}
	return false
}

func (p *parser) comparison() Expr {
	start := p.tok()
	x := p.sum()
	for {
		next := p.compareRest(start, x)
		if next == nil {
			return x
		}
		x = next
	}
}

func (p *parser) compareRest(start *token, x Expr) Expr {
	t := p.tok()
	not := ""
	word := t
	if t.kind == tokPunct && t.text == "!" && p.peek(1).kind == tokName {
		not, word = "!", p.peek(1)
	}
	switch {
	case t.kind == tokPunct && compares(t.text):
		p.take()
		op := t.text
		if op == "<>" {
			op = "!="
		}
		return p.binary(start, x, op, t)
	case word.kind != tokName:
		return nil
	case listOps[word.text]:
		return p.membership(start, x, not)
	case word.text == "between":
		return p.between(start, x, not)
	case stringOps[word.text]:
		if not != "" {
			p.take()
		}
		p.take()
		return p.binary(start, x, not+word.text, t)
	case word.text == "matches" && not == "":
		p.take()
		p.expectWord("regex")
		return p.binary(start, x, "matches regex", t)
	}
	return nil
}

func (p *parser) binary(start *token, l Expr, op string, t *token) Expr {
	b := &Binary{Op: op, L: l, OpSpan: t.span}
	b.R = p.sum()
	b.At = p.since(start)
	return b
}

func (p *parser) membership(start *token, x Expr, not string) Expr {
	t := p.tok()
	if not != "" {
		p.take()
	}
	in := &In{X: x, OpSpan: t.span}
	in.Op = not + p.take().text
	if !p.is("(") {
		in.List = []Expr{p.sum()}
		in.At = p.since(start)
		return in
	}
	p.take()
	in.List = inside(p, ")", p.pipe)
	in.At = p.since(start)
	return in
}

func (p *parser) between(start *token, x Expr, not string) Expr {
	if not != "" {
		p.take()
	}
	p.take()
	p.expect("(")
	b := &Between{Not: not != "", X: x, Lo: p.sum()}
	p.expect("..")
	b.Hi = p.sum()
	p.expect(")")
	b.At = p.since(start)
	return b
}

func (p *parser) sum() Expr { return p.arithmetic("+-", p.product) }

func (p *parser) product() Expr { return p.arithmetic("*/%", p.unary) }

func (p *parser) arithmetic(ops string, next func() Expr) Expr {
	start := p.tok()
	x := next()
	for p.at(tokPunct) && len(p.tok().text) == 1 && strings.Contains(ops, p.tok().text) {
		t := p.take()
		r := next()
		x = &Binary{Op: t.text, OpSpan: t.span, L: x, R: r, At: p.since(start)}
	}
	return x
}

func (p *parser) unary() Expr {
	p.enter()
	defer p.leave()
	start := p.tok()
	if p.is("-") || p.is("+") {
		op := p.take().text
		x := p.unary()
		return &Unary{Op: op, X: x, At: p.since(start)}
	}
	return p.postfix()
}

func (p *parser) postfix() Expr {
	start := p.tok()
	x := p.primary()
	for {
		switch {
		case p.is(".") && (p.peek(1).kind == tokName || p.peek(1).text == "["):
			p.take()
			if p.is("[") {
				p.take()
				i := p.expr()
				p.expect("]")
				x = &Index{X: x, I: i, At: p.since(start)}
				continue
			}
			x = p.memberOrCall(start, x)
		case p.is("["):
			p.take()
			i := p.expr()
			p.expect("]")
			x = &Index{X: x, I: i, At: p.since(start)}
		default:
			return x
		}
	}
}

// memberOrCall reads `.name`, or `.f(..)` as in database("d").table("t").
func (p *parser) memberOrCall(start *token, x Expr) Expr {
	name := p.anyName()
	if !p.is("(") {
		return &Member{X: x, Name: name, At: p.since(start)}
	}
	call := p.call(start, name)
	call.Args = append([]Expr{x}, call.Args...)
	call.Func = &Name{At: name.At, Name: "." + name.Name}
	return call
}

func (p *parser) primary() Expr {
	start := p.tok()
	switch start.kind {
	case tokString:
		return p.stringLiteral()
	case tokLong:
		p.take()
		return &Literal{Kind: LitLong, Text: start.text, At: p.since(start)}
	case tokReal:
		p.take()
		return &Literal{Kind: LitReal, Text: start.text, At: p.since(start)}
	case tokTimespan:
		p.take()
		return &Literal{Kind: LitTimespan, Text: start.text, At: p.since(start)}
	case tokName:
		return p.nameExpr()
	case tokPunct:
		switch start.text {
		case "(":
			p.take()
			x := p.pipe()
			p.expect(")")
			return x
		case "*":
			p.take()
			return p.wildcardFrom(start, "*")
		case "[":
			if p.peek(1).kind == tokString && p.peek(2).text == "]" {
				n := p.anyName()
				if p.is("(") {
					return p.call(start, n)
				}
				return n
			}
		}
	}
	p.unexpected("an expression")
	return nil
}

// wildcardFrom reads the rest of a name pattern whose pieces touch each other.
func (p *parser) wildcardFrom(start *token, text string) Expr {
	end := start.span.End
	for {
		t := p.tok()
		if t.span.Start != end || !(t.kind == tokName || t.kind == tokLong || t.kind == tokPunct && t.text == "*") {
			break
		}
		text += t.text
		end = t.span.End
		p.take()
	}
	if text == "*" {
		return &Star{At: p.since(start)}
	}
	return &Wildcard{Pattern: text, At: p.since(start)}
}

func (p *parser) stringLiteral() Expr {
	start := p.take()
	text := start.text
	for p.at(tokString) {
		text += p.take().text
	}
	return &Literal{Kind: LitString, Text: text, At: p.since(start)}
}

func (p *parser) nameExpr() Expr {
	start := p.tok()
	next := p.peek(1)
	switch {
	case start.text == "inline_external_table" && (next.text == "(" || next.kind == tokName):
		return p.inlineExternalTable()
	case isBool(start.text):
		p.take()
		return &Literal{Kind: LitBool, Text: strings.ToLower(start.text), At: p.since(start)}
	case next.kind == tokPunct && next.text == "(":
		if x := p.typedLiteral(); x != nil {
			return x
		}
		switch start.text {
		case "datatable":
			return p.datatable()
		case "externaldata", "external_data":
			return p.externalData()
		case "typeof":
			return p.typeOf()
		}
	case next.kind == tokPunct && next.text == "*" && next.span.Start == start.span.End && p.wildcardContext():
		p.take()
		return p.wildcardFrom(start, start.text)
	}
	if next.kind == tokPunct && next.text == "(" {
		return p.call(start, p.anyName())
	}
	return p.reference()
}

// wildcardContext tells `a*` the pattern from `a*b` the product: a product has an operand behind the star.
func (p *parser) wildcardContext() bool {
	after := p.peek(2)
	star := p.peek(1)
	if after.span.Start == star.span.End && (after.kind == tokName || after.kind == tokLong || after.kind == tokReal || after.kind == tokTimespan) {
		return false
	}
	switch after.kind {
	case tokEOF:
		return true
	case tokPunct:
		return after.text == "," || after.text == "|" || after.text == ")" || after.text == ";"
	case tokName:
		return after.text == "asc" || after.text == "desc" || strings.HasPrefix(after.text, "granny")
	}
	return false
}

func (p *parser) call(start *token, n *Name) *Call {
	p.expect("(")
	c := &Call{Func: n}
	c.Args = inside(p, ")", func() Expr {
		if f := p.funcLit(); f != nil {
			return f
		}
		return p.pipe()
	})
	c.At = p.since(start)
	return c
}
