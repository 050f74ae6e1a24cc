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
	out := p.nodes.pipes.New(Pipe{Source: source})
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
		return p.named(start, p.expr)
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
	return p.named(start, p.sum)
}

// named is a Named of one name, which stands beside it.
type named struct {
	Named
	name [1]*Name
}

// named reads the name, the sign behind it and the value.
func (p *parser) named(start *token, value func() Expr) *Named {
	n := p.nodes.named.New(named{name: [1]*Name{p.newName()}})
	n.Names = n.name[:]
	p.take()
	n.X = value()
	n.At = p.since(start)
	return &n.Named
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
	return p.operands(disjunction)
}

// sum reads an expression where a comparison cannot stand.
func (p *parser) sum() Expr { return p.operands(addition) }

// strength is how strongly an operator with two operands binds them. All of one strength take them from left to right.
type strength uint8

// The strengths, least first.
const (
	none strength = iota
	disjunction
	conjunction
	comparison
	addition
	multiplication
)

// operands reads an operand, and what stands behind it as long as its operators bind at least as strongly.
func (p *parser) operands(least strength) Expr {
	start := p.tok()
	x := p.unary()
	for {
		s := p.strength()
		if s == none || s < least {
			return x
		}
		if s == comparison {
			x = p.compared(start, x)
		} else {
			t := p.take()
			x = p.binary(start, x, t.text, t, s+1)
		}
	}
}

// strength is that of the operator that stands next.
func (p *parser) strength() strength {
	t := p.tok()
	switch t.kind {
	case tokPunct:
		switch t.text {
		case "+", "-":
			return addition
		case "*", "/", "%":
			return multiplication
		case "==", "!=", "<>", "<", "<=", ">", ">=", "=~", "!~", ":":
			return comparison
		case "!":
			if next := p.peek(1); next.kind == tokName && negatable(next.text) {
				return comparison
			}
		}
	case tokName:
		switch t.text {
		case "or":
			return disjunction
		case "and":
			return conjunction
		case "matches":
			return comparison
		}
		if negatable(t.text) {
			return comparison
		}
	}
	return none
}

// negatable tells the operators that are words and have a negation with `!`.
func negatable(word string) bool {
	return word == "between" || listOperator(word) || stringOperator(word)
}

func listOperator(word string) bool {
	switch word {
	case "in", "in~", "has_any", "has_all":
		return true
	}
	return false
}

func stringOperator(word string) bool {
	switch word {
	case "has", "has_cs", "contains", "contains_cs", "startswith", "startswith_cs", "endswith", "endswith_cs",
		"hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs", "like", "notlike":
		return true
	}
	return false
}

// compared reads the comparison of x that stands next.
func (p *parser) compared(start *token, x Expr) Expr {
	t := p.tok()
	not, word := "", t
	if t.text == "!" {
		not, word = "!", p.peek(1)
	}
	switch {
	case t.kind == tokPunct && not == "":
		p.take()
		op := t.text
		if op == "<>" {
			op = "!="
		}
		return p.binary(start, x, op, t, addition)
	case listOperator(word.text):
		return p.membership(start, x, not)
	case word.text == "between":
		return p.between(start, x, not)
	case word.text == "matches":
		p.take()
		p.expectWord("regex")
		return p.binary(start, x, "matches regex", t, addition)
	}
	if not != "" {
		p.take()
	}
	p.take()
	return p.binary(start, x, not+word.text, t, addition)
}

// binary reads the right operand, as far as its operators bind at least as strongly as the last argument says.
func (p *parser) binary(start *token, l Expr, op string, t *token, least strength) Expr {
	r := p.operands(least)
	return p.nodes.binaries.New(Binary{Op: op, OpSpan: t.span, L: l, R: r, At: p.since(start)})
}

func (p *parser) membership(start *token, x Expr, not string) Expr {
	t := p.tok()
	if not != "" {
		if word := p.peek(1); word.text == "has_any" || word.text == "has_all" {
			p.fail(t.span.To(word.span), "not(... "+word.text+" (...))", "there is no operator `!%s`", word.text)
		}
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
		return p.literal(LitLong, start.text, start)
	case tokReal:
		p.take()
		return p.literal(LitReal, start.text, start)
	case tokTimespan:
		p.take()
		return p.literal(LitTimespan, start.text, start)
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

// literal makes that of the tokens from start on.
func (p *parser) literal(kind LiteralKind, text string, start *token) *Literal {
	return p.nodes.literals.New(Literal{Kind: kind, Text: text, At: p.since(start)})
}

func (p *parser) stringLiteral() *Literal {
	start := p.take()
	text := start.text
	for p.at(tokString) {
		text += p.take().text
	}
	return p.literal(LitString, text, start)
}

func (p *parser) nameExpr() Expr {
	start := p.tok()
	next := p.peek(1)
	switch {
	case start.text == "inline_external_table" && (next.text == "(" || next.kind == tokName):
		return p.inlineExternalTable()
	case start.text == "entity_group" && next.text == "[":
		p.refuse(start, "groups of clusters and databases are not supported: a query reads the case only")
	case isBool(start.text):
		p.take()
		return p.literal(LitBool, strings.ToLower(start.text), start)
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
	c := p.nodes.calls.New(Call{Func: n})
	c.Args = inside(p, ")", func() Expr {
		if f := p.funcLit(); f != nil {
			return f
		}
		return p.pipe()
	})
	c.At = p.since(start)
	return c
}
