package plan

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// parsedColumn is a column that parse fills from the text.
type parsedColumn struct {
	name string
	t    schema.Type
}

// pattern is the regular expression of a parse, and its columns in order.
type pattern struct {
	text    strings.Builder
	columns []parsedColumn
	regex   bool // the texts are regular expressions, and columns are greedy
	relaxed bool // what is not of its column's type becomes null, instead of spoiling the row
}

// parse binds `parse` and `parse-where`. The pattern becomes one regular expression, as the documentation describes.
// https://learn.microsoft.com/kusto/query/parse-operator
func (b *binder) parse(sc *scope, n Node, op *syntax.ParseOp) Node {
	v := b.scalar(b.row(sc, n), op.X)
	v = b.convert(v, schema.String)
	p := &pattern{}
	kind, at := b.option(op.Options, "kind")
	switch strings.ToLower(kind) {
	case "", "simple":
	case "regex":
		p.regex = true
	case "relaxed":
		p.relaxed = true
	default:
		b.fail(diag.Semantic, at.Span(), "", "the kind of %s is simple, regex or relaxed", op.Keyword())
	}
	flags, at := b.option(op.Options, "flags")
	switch {
	case at != nil && !p.regex:
		b.fail(diag.Semantic, at.Span(), "", "flags are for kind=regex only")
	case !p.regex:
		flags = "s"
	}
	if flags != "" {
		p.text.WriteString("(?" + flags + ")")
	}
	p.text.WriteString("^")
	b.parts(p, op)
	p.text.WriteString("$")
	if _, err := function.Regex(p.text.String()); err != nil {
		b.fail(KindOf(err), op.Span(), "", "the pattern: %s", err)
	}
	match := b.invent("parse_match", v, &Const{T: schema.String, V: p.text.String()})
	return b.parsed(n, match, p.columns, !p.relaxed, op.Where, func(i int) Step { return Step{Index: &Const{T: schema.Long, V: int64(i)}} })
}

// KindOf tells an error of the query from one of replaytrace, of what a function says of its arguments.
func KindOf(err error) diag.Kind {
	var invalid *function.Invalid
	if errors.As(err, &invalid) {
		return diag.Semantic
	}
	return diag.Unsupported
}

// parts turns the parts of a parse into the regular expression.
func (b *binder) parts(p *pattern, op *syntax.ParseOp) {
	for i, part := range op.Parts {
		switch part := part.(type) {
		case *syntax.Star:
			if i > 0 && isStringColumn(op.Parts[i-1]) {
				b.fail(diag.Semantic, part.Span(), "", "`*` behind a column of type string is ambiguous")
			}
			if i+1 < len(op.Parts) {
				if _, ok := op.Parts[i+1].(*syntax.Literal); !ok {
					b.fail(diag.Semantic, part.Span(), "", "a text must follow `*`")
				}
			}
			p.text.WriteString(".*?")
		case *syntax.Literal:
			if p.regex {
				p.text.WriteString(part.Text)
			} else {
				p.text.WriteString(regexp.QuoteMeta(part.Text))
			}
		case *syntax.Name:
			b.capture(p, op, i, part.Name, "string", part.Span())
		case *syntax.Typed:
			if name, ok := part.X.(*syntax.Name); ok {
				b.capture(p, op, i, name.Name, part.Type, part.Span())
			}
		}
	}
}

func isStringColumn(x syntax.Expr) bool {
	t, typed := x.(*syntax.Typed)
	_, name := x.(*syntax.Name)
	return name || typed && t.Type == "string"
}

func (b *binder) capture(p *pattern, op *syntax.ParseOp, i int, name, typeName string, at diag.Span) {
	t, ok := schema.ParseType(typeName)
	if !ok {
		b.fail(diag.Semantic, at, "", "unknown type %s", typeName)
	}
	if i > 0 {
		switch op.Parts[i-1].(type) {
		case *syntax.Name, *syntax.Typed:
			b.fail(diag.Semantic, at, "", "a text must stand between two columns")
		}
	}
	content := ".*?"
	switch whole := t == schema.Long || t == schema.Int; {
	case whole && p.relaxed: // a number where there is one, before a `*` too
		content = `\s*-?\d+\s*|.*?`
	case whole:
		content = `\s*-?\d+\s*`
	case p.regex:
		content = ".*"
	}
	p.text.WriteString("(?P<" + function.CapturePrefix + itoa(len(p.columns)) + ">" + content + ")")
	p.columns = append(p.columns, parsedColumn{name, t})
}

// parsed adds the columns that are read from the parts of match. A strict match is none at all when one column is not
// of its type; with only, rows that do not match are dropped.
func (b *binder) parsed(n Node, match Expr, columns []parsedColumn, strict, only bool, step func(i int) Step) Node {
	whole := b.column("", schema.Dynamic)
	whole.Hidden = true
	first := &Compute{base: base{cols: append(append([]*Column(nil), n.Columns()...), whole), order: n.Ordering()}, In: n, Items: []Item{{Col: whole, X: match}}}
	ok := b.invent("isnotnull", &Col{whole})
	out := &Compute{base: base{cols: append([]*Column(nil), n.Columns()...), order: n.Ordering()}, In: first}
	values := make([]Expr, len(columns))
	for i, c := range columns {
		values[i] = b.convert(b.convert(&Path{X: &Col{whole}, Steps: []Step{step(i)}}, schema.String), c.t)
		if strict && c.t != schema.String && c.t != schema.Dynamic {
			ok = b.invent("and", ok, b.invent("isnotnull", values[i]))
		}
	}
	nm := b.newNamer(n.Columns())
	for i, c := range columns {
		col := b.column(nm.unique(c.name), c.t)
		v := values[i]
		if strict {
			v = b.iff(ok, v, null(c.t))
		}
		out.cols = append(out.cols, col)
		out.Items = append(out.Items, Item{Col: col, X: v})
	}
	if !only {
		return out
	}
	out.In = &Filter{base: base{cols: first.cols, order: first.order}, In: first, Pred: ok}
	return out
}

// parseKV binds `parse-kv`.
// https://learn.microsoft.com/kusto/query/parse-kv-operator
func (b *binder) parseKV(sc *scope, n Node, op *syntax.ParseKV) Node {
	v := b.convert(b.scalar(b.row(sc, n), op.X), schema.String)
	spec := function.KeyValues{Keys: []string{}, Quotes: [][2]string{}}
	var columns []parsedColumn
	for _, c := range op.Columns {
		t, ok := schema.ParseType(c.Type)
		if !ok {
			b.fail(diag.Semantic, c.Span(), "", "unknown type %s", c.Type)
		}
		spec.Keys = append(spec.Keys, c.Name.Name)
		columns = append(columns, parsedColumn{c.Name.Name, t})
	}
	for _, o := range op.Options {
		b.keyValueOption(sc, &spec, o)
	}
	if (spec.PairText == "") != (spec.KVText == "") {
		b.fail(diag.Semantic, op.Span(), "", "parse-kv needs both pair_delimiter and kv_delimiter, or none")
	}
	text, err := json.Marshal(spec)
	if err != nil {
		b.fail(diag.Semantic, op.Span(), "", "parse-kv: %s", err)
	}
	match := b.invent("parse_kv", v, &Const{T: schema.String, V: string(text)})
	return b.parsed(n, match, columns, false, false, func(i int) Step { return Step{Key: columns[i].name} })
}

func (b *binder) keyValueOption(sc *scope, spec *function.KeyValues, o syntax.Option) {
	c, ok := b.scalar(&frame{scope: sc}, o.Value).(*Const)
	if !ok {
		b.fail(diag.Semantic, o.Span(), "", "%s must be a constant", o.Name)
	}
	text, _ := c.V.(string)
	switch runes := []rune(text); o.Name {
	case "pair_delimiter":
		spec.PairText = text
	case "kv_delimiter":
		spec.KVText = text
	case "quote":
		if len(runes) < 1 || len(runes) > 2 {
			b.fail(diag.Semantic, o.Span(), "", "quote is one character, or an opening and a closing one")
		}
		spec.Quotes = append(spec.Quotes, [2]string{string(runes[0]), string(runes[len(runes)-1])})
	case "escape":
		spec.Escapes += text
	case "greedy":
		spec.Greedy, _ = c.V.(bool)
	case "regex":
		re, err := function.Regex(text)
		if err != nil {
			b.fail(KindOf(err), o.Span(), "", "regex: %s", err)
		}
		if re.NumSubexp() != 2 {
			b.fail(diag.Semantic, o.Span(), "", "regex must be a regular expression with two groups: the key and the value")
		}
		spec.Regex = text
	default:
		b.fail(diag.Semantic, o.Span(), suggest(o.Name, []string{"pair_delimiter", "kv_delimiter", "quote", "escape", "greedy", "regex"}), "parse-kv has no option %s", o.Name)
	}
}
