package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

func (b *binder) literal(x *syntax.Literal) Expr {
	t, v, ok := literalValue(x)
	if !ok {
		b.fail(diag.Semantic, x.Span(), "", "%q is not a %s", x.Text, t)
	}
	return b.made.constants.New(Const{T: t, V: v})
}

func literalValue(x *syntax.Literal) (t schema.Type, v schema.Value, ok bool) {
	switch x.Kind {
	case syntax.LitString:
		return schema.String, x.Text, true
	case syntax.LitLong:
		n, ok := schema.ParseLong(x.Text)
		return schema.Long, n, ok
	case syntax.LitInt:
		n, ok := schema.ParseLong(x.Text)
		return schema.Int, n, ok && n >= -1<<31 && n < 1<<31
	case syntax.LitReal:
		f, ok := schema.ParseReal(x.Text)
		return schema.Real, f, ok
	case syntax.LitDecimal:
		d, ok := schema.ParseDecimal(x.Text)
		return schema.Decimal, d, ok
	case syntax.LitBool:
		return schema.Bool, strings.EqualFold(x.Text, "true") || x.Text == "1", true
	case syntax.LitDatetime:
		d, ok := schema.ParseDatetime(x.Text)
		return schema.Datetime, d, ok
	case syntax.LitTimespan:
		d, ok := schema.ParseTimespan(x.Text)
		return schema.Timespan, d, ok
	case syntax.LitGuid:
		g, ok := schema.ParseGuid(x.Text)
		return schema.Guid, g, ok
	case syntax.LitDynamic:
		if x.Text == "null" {
			return schema.Dynamic, nil, true
		}
		return schema.Dynamic, json.RawMessage(x.Text), json.Valid([]byte(x.Text))
	case syntax.LitNull:
		t, ok := schema.ParseType(x.Text)
		if t == schema.String {
			return t, "", ok
		}
		return t, nil, ok
	}
	return schema.Unknown, nil, false
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
	elements, ok := function.Elements(raw)
	if !ok {
		elements = []json.RawMessage{raw}
	}
	if (*v).Type() == schema.Dynamic {
		*v = b.convert(*v, schema.String)
	}
	var out []Expr
	for _, e := range elements {
		if strings.HasPrefix(string(e), "[") {
			out = append(out, b.arrayItems(v, &Const{T: schema.Dynamic, V: e})...)
			continue
		}
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

func plural(least, most int) string {
	noun := "arguments"
	if most == 1 {
		noun = "argument"
	}
	if least == most {
		return fmt.Sprintf("%d %s", least, noun)
	}
	return fmt.Sprintf("%d to %d %s", least, most, noun)
}

// suggest returns the candidate that is nearest to word, "" when none is near.
func suggest(word string, candidates []string) string {
	return diag.Suggest(word, candidates)
}
