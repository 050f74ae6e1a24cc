package plan

import (
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// mvExpand binds mv-expand: an Expand, with the conversions of its elements above it.
func (b *binder) mvExpand(sc *scope, n Node, op *syntax.MvExpand) Node {
	e := &Expand{In: n}
	kind, at := b.option(op.Options, "kind")
	if at == nil {
		kind, _ = b.option(op.Options, "bagexpansion")
	}
	e.Array = strings.EqualFold(kind, "array")
	e.cols = append([]*Column(nil), n.Columns()...)
	f := b.row(sc, n)
	nm := b.newNamer(e.cols)
	for _, item := range op.Items {
		b.attempt(func() { b.expandItem(f, e, nm, item) })
	}
	if name, at := b.option(op.Options, "with_itemindex"); at != nil {
		e.Index = b.column(nm.unique(name), schema.Long)
		e.cols = append(e.cols, e.Index)
	} else {
		e.Index = b.column("", schema.Long)
		e.Index.Hidden = true
	}
	e.order = append(append([]Key(nil), n.Ordering()...), Key{X: &Col{e.Index}, Origin: Element})
	if op.Limit != nil {
		e.Limit = b.scalar(&frame{scope: sc}, op.Limit)
		if !e.Limit.Type().IsInteger() {
			b.fail(diag.Semantic, op.Limit.Span(), "", "a number of elements is expected here, this is %s", e.Limit.Type())
		}
	}
	if op.Limit == nil && op.Legacy {
		e.Limit = &Const{T: schema.Long, V: int64(legacyLimit)}
	}
	return b.castExpanded(e, op)
}

// legacyLimit is how many rows mvexpand makes of one where nothing is said: "the legacy version has a default row limit of 128".
// https://learn.microsoft.com/kusto/query/mv-expand-operator
const legacyLimit = 128

func (b *binder) expandItem(f *frame, e *Expand, nm *namer, item syntax.MvItem) {
	name, x := b.oneName(item.X)
	v := b.scalar(f, x)
	if v.Type() == schema.Unknown {
		v = b.convert(v, schema.Dynamic)
	}
	if v.Type() != schema.Dynamic {
		b.fail(diag.Semantic, x.Span(), "parse_json(...)", "mv-expand needs a dynamic value, this is %s", v.Type())
	}
	col, isColumn := v.(*Col)
	replace := ""
	switch {
	case name != "":
		replace = name
	case isColumn:
		name, replace = col.C.Name, col.C.Name
	case implicitName(x) != "" && findColumn(e.cols, implicitName(x)) != nil: // todynamic(a) takes the place of a
		name = implicitName(x)
		replace = name
	default:
		name = nm.implicit(implicitName(x))
	}
	c := b.column(name, schema.Dynamic)
	e.Items = append(e.Items, ExpandItem{Col: c, X: v})
	for i, old := range e.cols {
		if replace != "" && old.Name == replace {
			e.cols[i] = c
			return
		}
	}
	e.cols = append(e.cols, c)
	nm.taken.add(name)
}

// castExpanded adds the conversions of `to typeof(..)`.
func (b *binder) castExpanded(e *Expand, op *syntax.MvExpand) Node {
	out := &Compute{In: e, base: base{cols: append([]*Column(nil), e.cols...), order: e.order}}
	for i, item := range op.Items {
		if item.To == nil || i >= len(e.Items) {
			continue
		}
		t, ok := schema.ParseType(item.To.Type)
		if !ok {
			b.fail(diag.Semantic, item.To.Span(), "", "unknown type %s", item.To.Type)
		}
		old := e.Items[i].Col
		c := b.column(old.Name, t)
		out.Items = append(out.Items, Item{Col: c, X: b.elementAs(item.To.Span(), &Col{old}, t)})
		for k := range out.cols {
			if out.cols[k] == old {
				out.cols[k] = c
			}
		}
	}
	if len(out.Items) == 0 {
		return e
	}
	return out
}

// elementAs is an element of an array as a value of the type that `to typeof(..)` declares.
func (b *binder) elementAs(at diag.Span, x Expr, t schema.Type) Expr {
	switch t {
	case schema.Dynamic, schema.String:
		return b.convert(x, t)
	}
	return b.inventAt(at, function.ElementAs(t), x)
}
