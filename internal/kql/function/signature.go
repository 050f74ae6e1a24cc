package function

import (
	"fmt"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Signature is one overload.
type Signature struct {
	Params []Param
	Group  int // how many parameters at the beginning come again and again, together
	Result Result
	Text   string
}

// Param is one parameter: what it accepts and how often it may occur.
type Param struct {
	Accepts  Class
	Type     schema.Type // for Exact
	Optional bool
	Repeats  bool // the last parameter (or the last group) may repeat
	Constant bool // must be a literal
	Strict   bool // of Exact: no other type is converted
}

// Class is a set of types that a parameter accepts.
type Class uint8

// The classes. A dynamic value must be cast to the simple type that a function takes, as the page of dynamic says and
// Microsoft's analyser holds: only where text is taken, or what is true, it is converted.
// https://learn.microsoft.com/kusto/query/scalar-data-types/dynamic#casting-dynamic-objects
const (
	Any       Class = iota
	Exact           // that type; int widens to long, long to real or decimal
	Text            // string or dynamic
	Truth           // bool or dynamic
	Number          // int, long, real, decimal
	Integer         // int, long
	Summable        // numbers and timespan
	Orderable       // everything but dynamic and guid
	Simple          // everything but dynamic
	Countable       // everything but real and bool
	Float           // int, long, real, but not decimal; it arrives as a real
	Measure         // a number; it arrives as a dynamic value
	Integers        // an integer or an array of them
	Texts           // a text or an array of them
	Common          // all arguments of this class are brought to one type, to dynamic where they have none in common
	Alike           // all arguments of this class have one type, or are numbers, which are brought to the widest
	Ranked          // as Alike, of types that are Orderable
	Array           // dynamic
	Boxed           // any type; it arrives as a dynamic value, so that text and JSON are told apart
	Spelled         // any type; it arrives as its text, as tostring() makes it
	Scale           // numbers, timespan and datetime
)

// Result says how the type of the result follows from the arguments.
type Result struct {
	Rule ResultRule
	Type schema.Type
}

// ResultRule is the rule of a Result.
type ResultRule uint8

// The rules.
const (
	Fixed    ResultRule = iota // the type given
	First                      // the first argument's type
	Promoted                   // the first argument's type, int promoted to long
	Widest                     // the widest numeric type among the arguments
	Shared                     // the common type of the Common arguments
)

// classes are the names of the classes in signatures, and what they are in words.
var classes = []struct {
	name  string
	class Class
	words string
}{
	{"any", Any, "anything"},
	{"text", Text, "a string or a dynamic value"},
	{"truth", Truth, "a bool or a dynamic value"},
	{"number", Number, "int, long, real or decimal"},
	{"integer", Integer, "int or long"},
	{"summable", Summable, "a number or a timespan"},
	{"orderable", Orderable, "a number, timespan, datetime, string or bool"},
	{"simple", Simple, "anything but dynamic"},
	{"countable", Countable, "anything but real and bool"},
	{"float", Float, "int, long or real"},
	{"measure", Measure, "a number"},
	{"integers", Integers, "an integer or an array of them"},
	{"texts", Texts, "a string or an array of them"},
	{"common", Common, "values that are brought to one type"},
	{"alike", Alike, "values of one type, or numbers"},
	{"ranked", Ranked, "values of one type, or numbers; guid and dynamic have no order"},
	{"array", Array, "a dynamic value"},
	{"value", Boxed, "anything"},
	{"spelled", Spelled, "anything, as tostring() writes it"},
	{"scale", Scale, "a number, a timespan or a datetime"},
}

// String says what a class is, in words.
func (c Class) String() string {
	for _, k := range classes {
		if k.class == c {
			return k.words
		}
	}
	return "a value of the type"
}

// Name is how signatures call a class, "" for Exact.
func (c Class) Name() string {
	for _, k := range classes {
		if k.class == c {
			return k.name
		}
	}
	return ""
}

// classNamed finds the class of a name.
func classNamed(name string) (Class, bool) {
	for _, k := range classes {
		if k.name == name {
			return k.class, true
		}
	}
	return 0, false
}

var resultRules = map[string]ResultRule{"first": First, "promoted": Promoted, "widest": Widest, "common": Shared}

// parseSignature reads the form `text, long? , any* -> string`. A parameter is a class or a scalar type; `?` makes it
// optional, `*` lets it occur any number of times (also none), `+` at least once, `!` wants a constant, `=` takes no other type than the one named. What stands first
// as `(bool, common)+` comes once or more, together. The result is a scalar type or first, promoted, widest, common.
func parseSignature(text string) (Signature, error) {
	s := Signature{Text: text}
	left, right, ok := strings.Cut(text, "->")
	if !ok {
		return s, fmt.Errorf("signature %q has no result", text)
	}
	if group, rest, ok := strings.Cut(left, ")+"); ok {
		s.Group = strings.Count(group, ",") + 1
		left = strings.TrimPrefix(group, "(") + rest
	}
	for field := range strings.SplitSeq(left, ",") {
		field = strings.TrimSpace(field)
		if field == "" {
			continue
		}
		p := Param{}
		name := strings.TrimRight(field, "?*+!=")
		marks := field[len(name):]
		p.Optional = strings.ContainsAny(marks, "?*")
		p.Repeats = strings.ContainsAny(marks, "*+")
		p.Constant = strings.Contains(marks, "!")
		p.Strict = strings.Contains(marks, "=")
		if c, ok := classNamed(name); ok {
			p.Accepts = c
		} else if t, ok := schema.ParseType(name); ok {
			p.Accepts, p.Type = Exact, t
		} else {
			return s, fmt.Errorf("signature %q: unknown parameter %q", text, name)
		}
		s.Params = append(s.Params, p)
	}
	right = strings.TrimSpace(right)
	if rule, ok := resultRules[right]; ok {
		s.Result.Rule = rule
	} else if t, ok := schema.ParseType(right); ok {
		s.Result.Type = t
	} else {
		return s, fmt.Errorf("signature %q: unknown result %q", text, right)
	}
	return s, nil
}

func mustParseSignature(text string) Signature {
	s, err := parseSignature(text)
	if err != nil {
		panic(err)
	}
	return s
}

// Arity returns the least and the greatest number of arguments; most is -1 when there is no bound.
func (s Signature) Arity() (least, most int) {
	for _, p := range s.Params {
		if !p.Optional {
			least++
		}
		most++
		if p.Repeats {
			return least, -1
		}
	}
	if s.Group > 0 {
		most = -1
	}
	return least, most
}

// Fits reports whether so many arguments are possible.
func (s Signature) Fits(n int) bool {
	least, most := s.Arity()
	return n >= least && (most < 0 || n <= most) && (s.Group == 0 || (n-least)%s.Group == 0)
}

// Param returns the parameter that the i-th of n arguments fills.
func (s Signature) Param(i, n int) Param {
	if again := n - len(s.Params); s.Group > 0 && again > 0 {
		if i < s.Group+again {
			return s.Params[i%s.Group]
		}
		i -= again
	}
	if i >= len(s.Params) {
		return s.Params[len(s.Params)-1]
	}
	return s.Params[i]
}

// promote makes longs of the ints among the arguments whose result is a long: what is computed of two ints may be no int.
func (s Signature) promote(args []Arg) []Arg {
	out := slices.Clone(args)
	for i, a := range out {
		if p := s.Param(i, len(args)); a.Type == schema.Int && (p.Accepts == Integer || p.Accepts == Summable) {
			out[i].SQL, out[i].Type = Conversion(a.SQL, schema.Int, schema.Long), schema.Long
		}
	}
	return out
}

// Accept reports how well an argument of type t fits: 0 not at all, higher is better.
func (p Param) Accept(t schema.Type) int {
	if t == schema.Unknown {
		return 3
	}
	switch p.Accepts {
	case Any, Common, Alike, Boxed:
		return 2
	case Spelled:
		return rank(t == schema.String, true)
	case Exact:
		if p.Strict {
			return rank(p.Type == t, false)
		}
		return acceptExact(p.Type, t)
	case Text:
		return rank(t == schema.String, t == schema.Dynamic)
	case Truth:
		return rank(t == schema.Bool, t == schema.Dynamic)
	case Number, Measure:
		return rank(t.IsNumeric(), false)
	case Float:
		return rank(t == schema.Real, t.IsInteger())
	case Integer:
		return rank(t.IsInteger(), false)
	case Integers:
		return rank(t.IsInteger() || t == schema.Dynamic, false)
	case Texts:
		return rank(t == schema.String || t == schema.Dynamic, false)
	case Summable:
		return rank(t.IsNumeric() || t == schema.Timespan, false)
	case Scale:
		return rank(t.IsNumeric() || t == schema.Timespan || t == schema.Datetime, false)
	case Orderable, Ranked:
		return rank(t != schema.Dynamic && t != schema.Guid, false)
	case Simple:
		return rank(t != schema.Dynamic, false)
	case Countable:
		return rank(t != schema.Real && t != schema.Bool, false)
	case Array:
		return rank(t == schema.Dynamic, false)
	}
	return 0
}

func rank(exact, converts bool) int {
	switch {
	case exact:
		return 3
	case converts:
		return 1
	}
	return 0
}

func acceptExact(want, have schema.Type) int {
	switch {
	case want == have:
		return 3
	case want == schema.Long && have == schema.Int,
		want == schema.Real && (have == schema.Int || have == schema.Long),
		want == schema.Decimal && have.IsInteger():
		return 2
	case want == schema.String && have == schema.Dynamic, want == schema.Real && have == schema.Decimal:
		return 1
	}
	return 0
}

// Target returns the type to which an argument of type t must be converted before the call.
func (p Param) Target(t schema.Type) schema.Type {
	untyped := t == schema.Dynamic || t == schema.Unknown
	switch p.Accepts {
	case Exact:
		return p.Type
	case Text, Spelled:
		return schema.String
	case Truth:
		return schema.Bool
	case Array, Boxed, Measure:
		return schema.Dynamic
	case Float:
		return schema.Real
	case Number, Summable:
		if untyped {
			return schema.Real
		}
	case Integer:
		if untyped {
			return schema.Long
		}
	case Any, Common, Alike, Ranked, Orderable, Simple, Countable, Integers, Texts, Scale:
	}
	return t
}

// Wider returns the wider of two numeric types.
func Wider(a, b schema.Type) schema.Type {
	if a == schema.Decimal || b == schema.Decimal {
		return schema.Decimal
	}
	return max(a, b)
}

// Shares reports whether the arguments of this class are brought to one type.
func (c Class) Shares() bool { return c == Common || c == Alike || c == Ranked }

// Unify returns the type to which values of a and b are brought as arguments of this class; false where they have none.
func (c Class) Unify(a, b schema.Type) (schema.Type, bool) {
	alike := a == b || a == schema.Unknown || b == schema.Unknown || a.IsNumeric() && b.IsNumeric()
	return commonType(a, b), alike || c == Common
}

// commonType returns the type to which values of a and b are brought by iff and case.
func commonType(a, b schema.Type) schema.Type {
	switch {
	case a == b || b == schema.Unknown:
		return a
	case a == schema.Unknown:
		return b
	case a.IsNumeric() && b.IsNumeric():
		return Wider(a, b)
	case a == schema.Dynamic:
		return b
	case b == schema.Dynamic:
		return a
	}
	return schema.Dynamic
}
