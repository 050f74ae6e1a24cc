package oracle

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// scope is what an expression sees: one row, and the lets.
type scope struct {
	columns []schema.Column
	row     []schema.Value
	before  [][]schema.Value // the rows before it, where they have an order
	query   *query
}

// typeOf finds the type of an expression from a row of nulls.
func (s scope) typeOf(x syntax.Expr) schema.Type {
	s.row = make([]schema.Value, len(s.columns))
	for i, c := range s.columns {
		s.row[i] = null(c.Type).v
	}
	return s.eval(x).t
}

func (s scope) eval(x syntax.Expr) cell {
	switch x := x.(type) {
	case *syntax.Literal:
		return literal(x)
	case *syntax.Name:
		return s.name(x.Name)
	case *syntax.Named:
		return s.eval(x.X)
	case *syntax.Pipe:
		if len(x.Ops) == 0 {
			return s.eval(x.Source)
		}
	case *syntax.Unary:
		return minus(s.eval(x.X))
	case *syntax.Binary:
		return s.binary(x)
	case *syntax.In:
		return s.in(x)
	case *syntax.Between:
		low := both(compared(">=", s.eval(x.X), s.eval(x.Lo)), compared("<=", s.eval(x.X), s.eval(x.Hi)))
		if x.Not {
			return not(low)
		}
		return low
	case *syntax.Member:
		return member(s.eval(x.X), x.Name.Name)
	case *syntax.Index:
		return element(s.eval(x.X), s.eval(x.I))
	case *syntax.Call:
		return s.call(x)
	}
	giveUp("no meaning of %T", x)
	return cell{}
}

func (s scope) name(name string) cell {
	for i, c := range s.columns {
		if c.Name == name {
			return cell{c.Type, s.row[i]}
		}
	}
	giveUp("unknown name %s", name)
	return cell{}
}

func literal(x *syntax.Literal) cell {
	switch x.Kind {
	case syntax.LitString:
		return cell{schema.String, x.Text}
	case syntax.LitLong:
		n, _ := schema.ParseLong(x.Text)
		return cell{schema.Long, n}
	case syntax.LitReal:
		f, _ := schema.ParseReal(x.Text)
		return cell{schema.Real, f}
	case syntax.LitBool:
		return boolean(strings.EqualFold(x.Text, "true"))
	case syntax.LitDatetime:
		t, _ := schema.ParseDatetime(x.Text)
		return cell{schema.Datetime, t}
	case syntax.LitTimespan:
		t, _ := schema.ParseTimespan(x.Text)
		return cell{schema.Timespan, t}
	case syntax.LitNull:
		t, _ := schema.ParseType(x.Text)
		return null(t)
	case syntax.LitDynamic:
		d := json.NewDecoder(bytes.NewReader([]byte(x.Text)))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			giveUp("no dynamic: %v", err)
		}
		return cell{schema.Dynamic, dynamic(v)}
	}
	giveUp("no meaning of the literal %s", x.Text)
	return cell{}
}

func minus(c cell) cell {
	switch v := c.v.(type) {
	case int64:
		return cell{c.t, -v}
	case float64:
		return cell{c.t, -v}
	case schema.Ticks:
		return cell{c.t, -v}
	}
	return c
}

// not, both and either are the three-valued logic of the language.
func not(c cell) cell {
	if v, known := c.truth(); known {
		return boolean(!v)
	}
	return null(schema.Bool)
}

func both(a, b cell) cell {
	x, xKnown := a.truth()
	y, yKnown := b.truth()
	switch {
	case xKnown && !x, yKnown && !y:
		return boolean(false)
	case xKnown && yKnown:
		return boolean(true)
	}
	return null(schema.Bool)
}

func either(a, b cell) cell { return not(both(not(a), not(b))) }

// compared compares: equality with one null is false, inequality true; every other comparison with a null is null.
// https://learn.microsoft.com/kusto/query/scalar-data-types/null-values
func compared(op string, a, b cell) cell {
	if a.t == schema.Dynamic && b.t != schema.Dynamic {
		a = convert(a, b.t)
	}
	if a.isNull() || b.isNull() {
		if a.isNull() != b.isNull() && (op == "==" || op == "!=") {
			return boolean(op == "!=")
		}
		return null(schema.Bool)
	}
	n := compare(a, b)
	switch op {
	case "==":
		return boolean(n == 0)
	case "!=":
		return boolean(n != 0)
	case "<":
		return boolean(n < 0)
	case "<=":
		return boolean(n <= 0)
	case ">":
		return boolean(n > 0)
	}
	return boolean(n >= 0)
}

func (s scope) binary(x *syntax.Binary) cell {
	a, b := s.eval(x.L), s.eval(x.R)
	switch x.Op {
	case "and":
		return both(a, b)
	case "or":
		return either(a, b)
	case "==", "!=", "<", "<=", ">", ">=":
		return compared(x.Op, a, b)
	case "+", "-", "*", "/", "%":
		return arithmetic(x.Op, a, b)
	}
	return textual(x.Op, a.text(), b.text())
}

// textual tests text. `!` negates, `_cs` minds case.
// https://learn.microsoft.com/kusto/query/datatypes-string-operators
func textual(op, a, b string) cell {
	if op == "!~" {
		op = "!=~"
	}
	bare, negated := strings.CutPrefix(op, "!")
	bare, cased := strings.CutSuffix(bare, "_cs")
	if !cased {
		a, b = strings.ToLower(a), strings.ToLower(b)
	}
	var v bool
	switch bare {
	case "=~":
		v = a == b
	case "contains":
		v = strings.Contains(a, b)
	case "startswith":
		v = strings.HasPrefix(a, b)
	case "endswith":
		v = strings.HasSuffix(a, b)
	case "has":
		v = hasTerm(a, b, true, true)
	case "hasprefix":
		v = hasTerm(a, b, true, false)
	case "hassuffix":
		v = hasTerm(a, b, false, true)
	default:
		giveUp("no meaning of %s", op)
	}
	return boolean(v != negated)
}

// hasTerm looks at every place of b in a, and whether no letter or digit touches its ends there.
func hasTerm(a, b string, left, right bool) bool {
	if b == "" {
		return true
	}
	first, _ := utf8.DecodeRuneInString(b)
	last, _ := utf8.DecodeLastRuneInString(b)
	for i := range len(a) - len(b) + 1 {
		if a[i:i+len(b)] != b {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(a[:i])
		after, _ := utf8.DecodeRuneInString(a[i+len(b):])
		if (!left || !alnum(first) || i == 0 || !alnum(before)) && (!right || !alnum(last) || i+len(b) == len(a) || !alnum(after)) {
			return true
		}
	}
	return false
}

func alnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// arithmetic follows the type rules: two integers give a long, a real makes all real, times add to times.
// https://learn.microsoft.com/kusto/query/numerical-operators
func arithmetic(op string, a, b cell) cell {
	switch {
	case a.t == schema.Datetime && b.t == schema.Datetime && op == "-":
		return ticks(schema.Timespan, op, a, b)
	case a.t == schema.Datetime && b.t == schema.Timespan:
		return ticks(schema.Datetime, op, a, b)
	case a.t == schema.Timespan && b.t == schema.Timespan && op != "/":
		return ticks(schema.Timespan, op, a, b)
	case a.t == schema.Long && b.t == schema.Long:
		return integers(op, a, b)
	case a.t == schema.Real && b.t.IsNumeric(), b.t == schema.Real && a.t.IsNumeric():
		return reals(op, a, b)
	}
	giveUp("no %s of %s and %s", op, a.t, b.t)
	return cell{}
}

func ticks(t schema.Type, op string, a, b cell) cell {
	if a.isNull() || b.isNull() {
		return null(t)
	}
	x, y := a.v.(schema.Ticks), b.v.(schema.Ticks)
	switch op {
	case "+":
		return cell{t, x + y}
	case "-":
		return cell{t, x - y}
	}
	giveUp("no %s of times", op)
	return cell{}
}

func integers(op string, a, b cell) cell {
	if a.isNull() || b.isNull() {
		return null(schema.Long)
	}
	x, y := a.v.(int64), b.v.(int64)
	switch op {
	case "+":
		return cell{schema.Long, x + y}
	case "-":
		return cell{schema.Long, x - y}
	case "*":
		return cell{schema.Long, x * y}
	}
	if y == 0 {
		return null(schema.Long)
	}
	if op == "/" {
		return cell{schema.Long, x / y}
	}
	r := x % y
	if r < 0 {
		r += max(y, -y)
	}
	return cell{schema.Long, r}
}

func reals(op string, a, b cell) cell {
	if a.isNull() || b.isNull() {
		return null(schema.Real)
	}
	x, y := a.number(), b.number()
	switch op {
	case "+":
		return cell{schema.Real, x + y}
	case "-":
		return cell{schema.Real, x - y}
	case "*":
		return cell{schema.Real, x * y}
	case "/":
		return cell{schema.Real, x / y}
	}
	giveUp("no %s of reals", op)
	return cell{}
}

// in behaves like an `or` of equalities, as the page on nulls says.
func (s scope) in(x *syntax.In) cell {
	op, negated := strings.CutPrefix(x.Op, "!")
	v := s.eval(x.X)
	found := boolean(false)
	for _, item := range x.List {
		other := s.eval(item)
		if op == "in~" {
			found = either(found, textual("=~", v.text(), other.text()))
		} else {
			found = either(found, compared("==", v, other))
		}
	}
	if negated {
		return not(found)
	}
	return found
}

func member(c cell, name string) cell {
	if bag, ok := c.v.(map[string]any); ok {
		return cell{schema.Dynamic, bag[name]}
	}
	return null(schema.Dynamic)
}

func element(c, i cell) cell {
	if name, ok := i.v.(string); ok {
		return member(c, name)
	}
	list, ok := c.v.([]any)
	n, isNumber := i.v.(int64)
	if !ok || !isNumber {
		return null(schema.Dynamic)
	}
	if n < 0 {
		n += int64(len(list))
	}
	if n < 0 || n >= int64(len(list)) {
		return null(schema.Dynamic)
	}
	return cell{schema.Dynamic, list[n]}
}

func (s scope) call(x *syntax.Call) cell {
	if x.Func.Name == "prev" {
		return s.prev(x.Args[0])
	}
	args := make([]cell, len(x.Args))
	for i, a := range x.Args {
		args[i] = s.eval(a)
	}
	switch x.Func.Name {
	case "not":
		return not(args[0])
	case "isnull":
		return boolean(args[0].isNull())
	case "isnotnull":
		return boolean(!args[0].isNull())
	case "isempty":
		return boolean(args[0].text() == "")
	case "isnotempty":
		return boolean(args[0].text() != "")
	case "tostring":
		return convert(args[0], schema.String)
	case "tolong":
		return convert(args[0], schema.Long)
	case "tobool":
		return convert(args[0], schema.Bool)
	case "tolower":
		return cell{schema.String, strings.ToLower(args[0].text())}
	case "toupper":
		return cell{schema.String, strings.ToUpper(args[0].text())}
	case "strlen":
		return cell{schema.Long, int64(utf8.RuneCountInString(args[0].text()))}
	case "strcat":
		var b strings.Builder
		for _, a := range args {
			b.WriteString(a.text())
		}
		return cell{schema.String, b.String()}
	case "iff":
		return choose(args[0], args[1], args[2])
	case "case":
		return choose(args[0], args[1], choose(args[2], args[3], args[4]))
	case "coalesce":
		return coalesce(args)
	case "abs":
		if args[0].v != nil && args[0].number() < 0 {
			return minus(args[0])
		}
		return args[0]
	case "bin":
		return bin(args[0], args[1])
	}
	giveUp("no meaning of %s()", x.Func.Name)
	return cell{}
}

// prev is the value in the row before, null in the first one.
func (s scope) prev(x syntax.Expr) cell {
	last := len(s.before) - 1
	if last < 0 {
		return null(s.typeOf(x))
	}
	s.row, s.before = s.before[last], s.before[:last]
	return s.eval(x)
}

func choose(condition, yes, no cell) cell {
	t := yes.t
	if no.t == schema.Real {
		t = schema.Real
	}
	if v, _ := condition.truth(); v {
		return convert(yes, t)
	}
	return convert(no, t)
}

func coalesce(args []cell) cell {
	for _, a := range args {
		if !a.isNull() && a.v != "" {
			return a
		}
	}
	return null(args[0].t)
}

// bin rounds down to a multiple, toward minus infinity.
func bin(v, size cell) cell {
	if v.isNull() || size.isNull() {
		return null(v.t)
	}
	switch x := v.v.(type) {
	case int64:
		return cell{v.t, floorTo(x, size.v.(int64))}
	case schema.Ticks:
		return cell{v.t, schema.Ticks(floorTo(int64(x), int64(size.v.(schema.Ticks))))}
	case float64:
		return cell{v.t, math.Floor(x/size.number()) * size.number()}
	}
	giveUp("no bin of %s", v.t)
	return cell{}
}

func floorTo(x, size int64) int64 {
	q := x / size
	if x%size < 0 {
		q--
	}
	return q * size
}
