package plan

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// Conditions on lists: in, has_any and has_all, and their arrays of constants.

func (b *binder) in(f *frame, x *syntax.In) Expr {
	v := b.scalar(f, x.X)
	op := strings.TrimPrefix(x.Op, "!")
	if op == "has_any" || op == "has_all" {
		return b.hasAny(f, x, v)
	}
	fold, not := strings.HasSuffix(op, "~"), strings.HasPrefix(x.Op, "!")
	if t := v.Type(); fold && t != schema.String && t != schema.Dynamic && t != schema.Unknown {
		b.fail(diag.Semantic, x.OpSpan, strings.TrimSuffix(x.Op, "~"), "the operator `%s` looks for text, this is %s, which has no case", x.Op, t)
	}
	if len(x.List) == 1 {
		if b.isTabular(f.scope, x.List[0]) && !b.isColumn(f, x.List[0]) {
			n := b.tabular(f.scope, x.List[0])
			c := b.firstColumn(x.List[0], n)
			if c.Type == schema.Dynamic { // "Nested arrays are flattened into a single list of values": the pages of in and in~
				return &In{X: v, List: []Expr{&inArray{b.listed(x.List[0], n, c)}}, Fold: fold && v.Type() == schema.String, Not: not}
			}
			if c.Type == schema.Unknown {
				n, c = b.retype(n, c, v.Type())
			}
			left := b.inType(x, v, c.Type)
			return &InQuery{X: left, Plan: n, C: c, Fold: fold && left.Type() == schema.String, Not: not}
		}
	}
	out := &In{Not: not}
	for i, item := range x.List {
		if items := b.inItems(f, &v, item); i == 0 {
			out.List = slices.Clip(items) // which may be those of other lists
		} else {
			out.List = append(out.List, items...)
		}
	}
	out.X, out.Fold = v, fold && v.Type() == schema.String // only text has a case
	return out
}

func (b *binder) isColumn(f *frame, x syntax.Expr) bool {
	n, ok := x.(*syntax.Name)
	return ok && findColumn(f.cols, n.Name) != nil
}

func (b *binder) firstColumn(at syntax.Expr, n Node) *Column {
	for _, c := range n.Columns() {
		if !c.Hidden {
			return c
		}
	}
	b.fail(diag.Semantic, at.Span(), "", "this table has no column")
	return nil
}

// retype gives a column of unknown type the type that its values are compared with.
func (b *binder) retype(n Node, c *Column, t schema.Type) (Node, *Column) {
	typed := b.column(c.Name, t)
	return &Compute{base: base{cols: []*Column{typed}}, In: n, Items: []Item{{Col: typed, X: b.convert(&Col{c}, t)}}}, typed
}

func (b *binder) inType(x *syntax.In, v Expr, t schema.Type) Expr {
	vt := v.Type()
	switch {
	case vt == t, vt.IsNumeric() && t.IsNumeric():
		return v
	case vt == schema.Dynamic:
		return b.besideInteger(v, widestComparable(t), nil)
	case vt == schema.Unknown, vt == schema.String || t == schema.String:
		return b.convert(v, t)
	}
	b.fail(diag.Unsupported, x.OpSpan, "", "looking for %s among values of type %s is not supported: whether they may be equal is not documented, convert one", vt, t)
	return nil
}

// inItems binds one element of a list; a constant dynamic array is flattened, as Kusto does.
func (b *binder) inItems(f *frame, v *Expr, item syntax.Expr) []Expr {
	e := b.scalar(f, item)
	if e.Type() == schema.Dynamic {
		if c, ok := e.(*Const); ok {
			return b.listItems(v, c)
		}
		return []Expr{&inArray{e}}
	}
	bin := &syntax.Binary{Op: "==", OpSpan: item.Span()}
	l, r := b.comparable(bin, *v, e)
	if (*v).Type() == schema.Dynamic {
		if c, ok := l.(*Convert); ok {
			c.Beside = nil // the other elements count too
		}
		*v = l
	} else if l != *v {
		// The searched value must keep one type for all elements: convert the element instead.
		r = b.convert(e, (*v).Type())
	}
	return []Expr{r}
}

// inArray marks a list that is a dynamic array computed per row.
type inArray struct{ X Expr }

// Type returns dynamic.
func (e *inArray) Type() schema.Type { return schema.Dynamic }

// IsArray returns the array expression of a computed list, nil for a plain element.
func IsArray(e Expr) Expr {
	if a, ok := e.(*inArray); ok {
		return a.X
	}
	return nil
}

func (b *binder) hasAny(f *frame, x *syntax.In, v Expr) Expr {
	name := strings.TrimPrefix(x.Op, "!")
	fn, _ := function.Operator(name)
	v = b.text(x.X, v)
	args := []Expr{v}
	for _, item := range x.List {
		if b.isTabular(f.scope, item) && !b.isColumn(f, item) {
			args = append(args, b.listOf(f.scope, item))
			continue
		}
		e := b.scalar(f, item)
		if c, ok := e.(*Const); ok && c.T == schema.Dynamic {
			var text Expr = &Const{T: schema.String, V: ""}
			args = append(args, b.arrayItems(&text, c)...)
			continue
		}
		if e.Type() != schema.Dynamic {
			e = b.convert(e, schema.String)
		}
		args = append(args, e)
	}
	if len(args) == 1 {
		return &Const{T: schema.Bool, V: name == "has_all"}
	}
	out := b.apply(x.OpSpan, fn, args)
	if strings.HasPrefix(x.Op, "!") {
		return b.inventAt(x.OpSpan, "not", out)
	}
	return out
}

// listOf makes the first column of a table one dynamic array, as a scalar subquery.
func (b *binder) listOf(sc *scope, x syntax.Expr) Expr {
	n := b.tabular(sc, x)
	return b.listed(x, n, b.firstColumn(x, n))
}

// listed makes a column of a table one dynamic array.
func (b *binder) listed(x syntax.Expr, n Node, c *Column) Expr {
	out := b.column("list", schema.Dynamic)
	agg := &Aggregate{base: base{cols: []*Column{out}}, In: n, Aggs: []Item{{Col: out, X: b.inventAt(x.Span(), "make_list", &Col{c})}}}
	return b.scalarOf(b.share("list", agg))
}

// list is a constant array whose elements are wanted as values of a type.
type list struct {
	array *Const
	of    schema.Type
}

// listItems is arrayItems of an array that a query may look into at many places.
func (b *binder) listItems(v *Expr, c *Const) []Expr {
	at := list{c, (*v).Type()}
	items, known := b.lists[at]
	if !known || at.of == schema.Dynamic { // where v is to become text
		items = b.arrayItems(v, c)
		b.lists[at] = items
	}
	return items
}

// arrayItems returns the elements of a constant dynamic as constants of the searched value's type.
func (b *binder) arrayItems(v *Expr, c *Const) []Expr {
	raw, _ := c.V.(json.RawMessage)
	if len(raw) == 0 {
		return nil
	}
	elements, ok := function.OneList(raw)
	if !ok {
		elements = []json.RawMessage{raw}
	}
	if (*v).Type() == schema.Dynamic {
		*v = b.convert(*v, schema.String)
	}
	var out []Expr
	for _, e := range elements {
		if item, ok := b.elementOf((*v).Type(), e); ok {
			out = append(out, item)
		}
	}
	return out
}

// elementOf reads a JSON value as a constant of type t; an element of another kind can never be equal and is left out.
func (b *binder) elementOf(t schema.Type, e json.RawMessage) (Expr, bool) {
	text := string(e)
	isText := len(e) > 0 && e[0] == '"'
	if isText && utf8.Valid(e) && !bytes.ContainsRune(e, '\\') {
		text = text[1 : len(text)-1] // as most are
	} else if isText && json.Unmarshal(e, &text) != nil {
		return nil, false
	}
	var v schema.Value
	ok := false
	switch t {
	case schema.String:
		return b.made.constants.New(Const{T: t, V: text}), string(e) != "null"
	case schema.Int, schema.Long:
		var n int64
		if n, ok = schema.ParseLong(text); !ok && !isText {
			var f float64
			f, ok = schema.ParseReal(text)
			n = int64(f)
			ok = ok && float64(n) == f // 1.0 is 1
		}
		v = n
	case schema.Real:
		v, ok = schema.ParseReal(text)
	case schema.Decimal:
		v, ok = schema.ParseDecimal(text)
	case schema.Bool:
		v, ok = text == "true", text == "true" || text == "false"
	case schema.Datetime:
		v, ok = schema.ParseDatetime(text)
	case schema.Timespan:
		v, ok = schema.ParseTimespan(text)
	case schema.Guid:
		v, ok = schema.ParseGuid(text)
	}
	return b.made.constants.New(Const{T: t, V: v}), ok
}
