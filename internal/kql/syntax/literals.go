package syntax

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// literalKind is that of the functions which are literals when their inside is one.
func literalKind(function string) (kind LiteralKind, ok bool) {
	switch function {
	case "datetime", "date":
		return LitDatetime, true
	case "timespan", "time":
		return LitTimespan, true
	case "guid":
		return LitGuid, true
	case "int":
		return LitInt, true
	case "long":
		return LitLong, true
	case "real", "double":
		return LitReal, true
	case "decimal":
		return LitDecimal, true
	case "bool", "boolean":
		return LitBool, true
	case "dynamic":
		return LitDynamic, true
	}
	return 0, false
}

// typedLiteral reads datetime(2020-01-01), int(null), dynamic([1]) and their kind. It returns nil without reading
// anything when the inside is no literal, as in datetime(x).
func (p *parser) typedLiteral() Expr {
	start := p.tok()
	kind, ok := literalKind(start.text)
	if !ok {
		return nil
	}
	if kind == LitDynamic {
		return p.dynamicLiteral()
	}
	open, end := p.peek(1), -1
	for k := 2; p.peek(k).kind != tokEOF; k++ {
		t := p.peek(k)
		if t.kind == tokPunct && t.text == ")" {
			end = k
			break
		}
		if t.kind == tokPunct && t.text == "(" {
			return nil
		}
	}
	if end < 0 {
		return nil
	}
	within := strings.TrimSpace(p.src.Text[open.span.End:p.peek(end).span.Start])
	if within != "null" && !literalForms[kind](within) {
		return nil
	}
	for range end + 1 {
		p.take()
	}
	text := strings.Trim(within, `"'`)
	if text == "null" {
		return &Literal{Kind: LitNull, Text: start.text, At: p.since(start)}
	}
	return &Literal{Kind: kind, Text: text, At: p.since(start)}
}

// literalForms tell what stands in the parentheses of a literal from an expression. That it is a value of the type is the
// binder's to say.
var literalForms = map[LiteralKind]func(string) bool{
	LitDatetime: func(s string) bool {
		return s != "" && (s[0] >= '0' && s[0] <= '9' || len(s) > 4 && s[0] != '"' && s[0] != '\'' && strings.ContainsAny(s, "-: ") && !strings.ContainsAny(s, "+*/="))
	},
	LitTimespan: regexp.MustCompile(`^-?[0-9][^+*/]*$`).MatchString,
	LitGuid:     func(s string) bool { return len(strings.Trim(s, `{}"'`)) >= 32 },
	LitBool:     func(s string) bool { return isBool(s) || s == "0" || s == "1" },
	LitInt:      wholeNumber.MatchString,
	LitLong:     wholeNumber.MatchString,
	LitReal:     realNumber.MatchString,
	LitDecimal:  realNumber.MatchString,
}

// isBool knows the spellings of a bool that the grammar has. https://learn.microsoft.com/kusto/query/scalar-data-types/bool
func isBool(word string) bool {
	switch word {
	case "true", "false", "True", "False", "TRUE", "FALSE":
		return true
	}
	return false
}

var (
	wholeNumber = regexp.MustCompile(`^[+-]?[0-9][0-9a-fA-FxX]*$`)
	realNumber  = regexp.MustCompile(`^(?:(?i:nan|[+-]?inf)|[+-]?[0-9.](?:[0-9.]|[eE][+-]?)*)$`)
)

// dynamicLiteral reads dynamic(...) and turns its inside into JSON.
func (p *parser) dynamicLiteral() Expr {
	start := p.take()
	p.expect("(")
	var b strings.Builder
	if p.is(")") {
		b.WriteString("null")
	} else {
		p.jsonValue(&b)
	}
	p.expect(")")
	at := p.since(start)
	return &Literal{Kind: LitDynamic, Text: b.String(), At: at}
}

// jsonValue reads one value of a dynamic literal: JSON, with KQL's strings and typed literals allowed in it.
func (p *parser) jsonValue(b *strings.Builder) {
	p.enter()
	defer p.leave()
	t := p.tok()
	switch {
	case p.is("["):
		p.jsonSequence(b, "]", func() { p.jsonValue(b) })
	case p.is("{"):
		p.jsonSequence(b, "}", func() {
			key := p.tok()
			if key.kind != tokString && key.kind != tokName {
				p.unexpected("a property's name")
			}
			p.take()
			writeJSON(b, key.text)
			p.expect(":")
			b.WriteByte(':')
			p.jsonValue(b)
		})
	case t.kind == tokString:
		writeJSON(b, p.stringLiteral().Text)
	case p.word("null") || p.at(tokName) && isBool(p.tok().text):
		b.WriteString(strings.ToLower(p.take().text))
	case t.kind == tokName && p.peek(1).text == "(":
		lit, ok := p.typedLiteral().(*Literal)
		if !ok {
			lit = p.quotedLiteral()
		}
		p.jsonLiteral(b, lit)
	default:
		p.jsonNumber(b)
	}
}

func (p *parser) jsonSequence(b *strings.Builder, end string, item func()) {
	b.WriteString(p.take().text)
	for first := true; !p.is(end); first = false {
		if !first {
			p.expect(",")
			b.WriteByte(',')
		}
		item()
	}
	b.WriteString(p.take().text)
}

// quotedLiteral reads datetime("2024-01-01") and its kind, which outside of a dynamic literal are calls.
func (p *parser) quotedLiteral() *Literal {
	start := p.tok()
	kind, ok := literalKind(start.text)
	if !ok || kind == LitDynamic || p.peek(2).kind != tokString || p.peek(3).text != ")" {
		p.unexpected("a constant")
	}
	lit := &Literal{Kind: kind, Text: p.peek(2).text}
	for range 4 {
		p.take()
	}
	lit.At = p.since(start)
	return lit
}

// jsonLiteral writes a typed constant as a dynamic value of its type is printed.
func (p *parser) jsonLiteral(b *strings.Builder, lit *Literal) {
	ok := true
	switch lit.Kind {
	case LitNull:
		b.WriteString("null")
	case LitLong, LitInt, LitDecimal, LitBool, LitDynamic:
		b.WriteString(lit.Text)
	case LitString, LitGuid:
		writeJSON(b, lit.Text)
	case LitReal:
		var v float64
		v, ok = schema.ParseReal(lit.Text)
		b.Write(schema.AppendJSON(nil, schema.Real, v))
	case LitDatetime:
		var v schema.Ticks
		v, ok = schema.ParseDatetime(lit.Text)
		writeJSON(b, v.Full())
	case LitTimespan:
		var v schema.Ticks
		v, ok = schema.ParseTimespan(lit.Text)
		writeJSON(b, v.Span())
	}
	if !ok {
		p.fail(lit.Span(), "", "%q is no value of its type", lit.Text)
	}
}

func (p *parser) jsonNumber(b *strings.Builder) {
	start := p.tok()
	sign := ""
	if p.accept("-") {
		sign = "-"
	} else {
		p.accept("+")
	}
	t := p.take()
	switch t.kind {
	case tokLong, tokReal:
		text := sign + strings.TrimSuffix(t.text, ".")
		if !json.Valid([]byte(text)) {
			p.fail(t.span, "", "%s is not a number", text)
		}
		b.WriteString(text)
	case tokTimespan:
		p.jsonLiteral(b, &Literal{Kind: LitTimespan, Text: sign + t.text, At: At{Pos: t.span}})
	default:
		p.fail(diag.Span{Start: start.span.Start, End: t.span.End}, "", "a dynamic literal holds constants only")
	}
}

func writeJSON(b *strings.Builder, s string) {
	var short [64]byte
	b.Write(schema.AppendJSON(short[:0], schema.String, s))
}

func (p *parser) datatable() Expr {
	start := p.take()
	p.expect("(")
	d := &Datatable{Columns: p.params(")")}
	p.expect("[")
	d.Values = rows(p, "]", p.literalCell)
	d.At = p.since(start)
	return d
}

// literalCell reads a value of a datatable: a literal, with or without a sign.
func (p *parser) literalCell() Expr {
	x := p.expr()
	value := x
	if u, ok := value.(*Unary); ok {
		value = u.X
	}
	if _, ok := value.(*Literal); !ok {
		p.list.Add(syntaxError(x.Span(), "", "a value of datatable must be a literal: compute others with extend"))
	}
	return x
}

func (p *parser) externalData() Expr {
	start := p.take()
	p.expect("(")
	e := &ExternalData{Columns: p.params(")")}
	p.expect("[")
	e.Sources = rows(p, "]", p.expr)
	if p.acceptWord("with") {
		e.Options = p.withOptions()
	}
	e.At = p.since(start)
	return e
}

// inlineExternalTable reads the columns; what else it says is of no use to an engine that fetches nothing.
func (p *parser) inlineExternalTable() Expr {
	start := p.take()
	e := &ExternalData{}
	if p.accept("(") {
		e.Columns = p.params(")")
	}
	p.skipTo("|", ";", ")")
	e.At = p.since(start)
	return e
}

func (p *parser) typeOf() *TypeLit {
	start := p.take()
	p.expect("(")
	t := &TypeLit{}
	switch {
	case p.is("*"):
		p.take()
		t.Type = "*"
		if p.accept(",") {
			t.Type, t.Star, t.Columns = "", true, p.params(")")
			t.At = p.since(start)
			return t
		}
	case p.at(tokName) && p.peek(1).text == ":" || p.is("["):
		t.Columns = p.params(")")
		t.At = p.since(start)
		return t
	default:
		t.Type = p.typeName()
	}
	p.expect(")")
	t.At = p.since(start)
	return t
}
