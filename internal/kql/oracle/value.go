// Package oracle owns a second answer to KQL: an interpreter of the core operators that is slow and obviously right,
// and a generator of random queries. Tests compare what the compiler answers with what it answers; it shares nothing
// with the compiler but the parser. It refuses, with an error, what it does not know.
package oracle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Table is a table with its rows.
type Table struct {
	Columns []schema.Column
	// Rows hold values as schema.Value says, except that a dynamic is what JSON means in Go, numbers as int64 or float64.
	Rows [][]schema.Value
	// Sorted is true when the order of the rows is the query's.
	Sorted bool
}

// cell is a value with its type. A null has V nil; a string is never null.
type cell struct {
	t schema.Type
	v schema.Value
}

// unknown is thrown at whatever the interpreter does not know, and caught by Run.
type unknown struct{ what string }

func giveUp(format string, args ...any) { panic(unknown{fmt.Sprintf(format, args...)}) }

// null is the absence of a value of type t.
func null(t schema.Type) cell {
	if t == schema.String {
		return cell{t, ""}
	}
	return cell{t, nil}
}

func (c cell) isNull() bool { return c.v == nil }

func boolean(v bool) cell { return cell{schema.Bool, v} }

// truth is true, false or neither.
func (c cell) truth() (value, known bool) {
	v, ok := c.v.(bool)
	return v, ok
}

// number reads a long or a real as a real.
func (c cell) number() float64 {
	switch v := c.v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	giveUp("no number: %T", c.v)
	return 0
}

// compare orders two values of one type that are not null: numbers by value, text by its bytes.
func compare(a, b cell) int {
	switch x := a.v.(type) {
	case string:
		return strings.Compare(x, b.v.(string))
	case schema.Ticks:
		return cmp.Compare(x, b.v.(schema.Ticks))
	case bool:
		y := b.v.(bool)
		switch {
		case x == y:
			return 0
		case x:
			return 1
		}
		return -1
	case int64:
		if y, ok := b.v.(int64); ok {
			return cmp.Compare(x, y)
		}
	}
	x, y := a.number(), b.number()
	if math.IsNaN(x) || math.IsNaN(y) {
		giveUp("the place of NaN")
	}
	return cmp.Compare(x, y)
}

// text is what tostring() makes of a value.
func (c cell) text() string {
	switch v := c.v.(type) {
	case nil:
		return ""
	case string:
		return v
	case schema.Ticks:
		if c.t == schema.Timespan {
			return v.Span()
		}
		return v.Full()
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return fmt.Sprintf("%.1f", v)
		}
		return strings.TrimSuffix(fmt.Sprint(v), "+00")
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return fmt.Sprint(v)
	}
	out, err := json.Marshal(c.v)
	if err != nil {
		giveUp("no text: %v", err)
	}
	return string(out)
}

// key is a text that is equal for equal rows.
func key(row []schema.Value) string {
	row = slices.Clone(row)
	for i, v := range row {
		if v == float64(0) {
			row[i] = float64(0) // -0 equals 0
		}
	}
	out, err := json.Marshal(row)
	if err != nil {
		giveUp("no key: %v", err)
	}
	return string(out)
}

// dynamic turns what encoding/json reads, with numbers as json.Number, into the oracle's form.
func dynamic(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			giveUp("no number: %s", v)
		}
		return f
	case []any:
		for i := range v {
			v[i] = dynamic(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = dynamic(v[k])
		}
	}
	return v
}

// convert is what the to*() functions do.
func convert(c cell, t schema.Type) cell {
	switch {
	case c.t == t:
		return c
	case t == schema.String:
		return cell{t, c.text()}
	case c.isNull():
		return null(t)
	}
	switch v := c.v.(type) {
	case int64:
		switch t {
		case schema.Real:
			return cell{t, float64(v)}
		case schema.Long:
			return cell{t, v}
		case schema.Bool:
			return cell{t, v != 0}
		}
	case float64:
		switch t {
		case schema.Long:
			return cell{t, int64(v)}
		case schema.Real:
			return cell{t, v}
		}
	case bool:
		switch t {
		case schema.Long:
			if v {
				return cell{t, int64(1)}
			}
			return cell{t, int64(0)}
		case schema.Bool:
			return cell{t, v}
		}
	case string:
		return fromText(v, t)
	case []any, map[string]any:
		return null(t)
	}
	giveUp("no conversion of %T to %s", c.v, t)
	return cell{}
}

func fromText(s string, t schema.Type) cell {
	switch t {
	case schema.Long:
		if n, ok := schema.ParseLong(s); ok {
			return cell{t, n}
		}
		return null(t)
	case schema.Real:
		if f, ok := schema.ParseReal(s); ok {
			return cell{t, f}
		}
		return null(t)
	}
	giveUp("no conversion of text to %s", t)
	return cell{}
}
