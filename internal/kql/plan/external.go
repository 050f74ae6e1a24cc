package plan

import (
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// externalData binds `externaldata`. Only files that the user has named are read; their columns are taken in order, as
// Kusto does for CSV.
// https://learn.microsoft.com/kusto/query/externaldata-operator
func (b *binder) externalData(sc *scope, x *syntax.ExternalData) Node {
	var parts []Node
	format, ignoreFirst := b.externalOptions(x)
	for _, source := range x.Sources {
		c, ok := b.scalar(&frame{scope: sc}, source).(*Const)
		if !ok || c.T != schema.String {
			b.fail(diag.Semantic, source.Span(), "", "a source must be a constant string")
		}
		name, _ := c.V.(string)
		parts = append(parts, b.externalFile(x, source, name, format, ignoreFirst))
	}
	switch len(parts) {
	case 0:
		b.fail(diag.Unsupported, x.Span(), "", "a table outside of the case is not supported: name its file on the command line (--data NAME=PATH)")
	case 1:
		return parts[0]
	}
	u := &Union{Inputs: parts}
	b.unionColumns(u, false)
	return u
}

// externalOptions returns the format that is said, "" for none, and whether the first record of each file is left out.
func (b *binder) externalOptions(x *syntax.ExternalData) (format string, ignoreFirst bool) {
	for _, o := range x.Options {
		text, _ := b.option(x.Options, o.Name)
		switch o.Name {
		case "ignorefirstrecord":
			ignoreFirst = strings.EqualFold(text, "true")
		case "format":
			format = strings.ToLower(text)
		default:
			b.fail(diag.Unsupported, o.Span(), "", "the property %s of externaldata is not supported", o.Name)
		}
	}
	return format, ignoreFirst
}

func (b *binder) externalFile(x *syntax.ExternalData, at syntax.Expr, source, format string, ignoreFirst bool) Node {
	var t *schema.Table
	if b.opt.External != nil {
		found, err := b.opt.External(source, format, ignoreFirst)
		if err != nil {
			b.fail(diag.Unsupported, at.Span(), "", "%s", err)
		}
		t = found
	}
	if t == nil {
		b.fail(diag.Unsupported, at.Span(), "", "nothing is fetched: a query reads only what is named on the command line, here with --data NAME=PATH, where NAME is the address or its last part")
	}
	in := b.scan(t)
	out := &Compute{In: in}
	for i, p := range x.Columns {
		kind, ok := schema.ParseType(p.Type)
		if !ok {
			b.fail(diag.Semantic, p.Span(), "", "unknown type %s", p.Type)
		}
		value := null(kind)
		if i < len(in.Columns()) {
			text := &Col{in.Columns()[i]}
			value = b.convert(text, kind)
			if kind == schema.Dynamic {
				value = b.invent("parse_json", text)
			}
		}
		c := b.column(p.Name.Name, kind)
		out.cols = append(out.cols, c)
		out.Items = append(out.Items, Item{Col: c, X: value})
	}
	return out
}
