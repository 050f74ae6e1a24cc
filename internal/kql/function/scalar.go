package function

import (
	"errors"
	"regexp"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Scalar is one overload of a function that is written in Go, as a database registers it.
type Scalar struct {
	Name     string
	Args     []schema.Type // Unknown where any type is accepted
	Variadic bool          // the last of Args may repeat
	Result   schema.Type
	NullIn   bool // nil arguments reach Fn; otherwise one makes the result nil
	Volatile bool // it must run for each row, even where its arguments are constants
	Places   bool // it asks where an address is, for which the database may have an answer of its own
	Fn       func(args []schema.Value) (schema.Value, error)
}

// refusal begins the text of an error that says what is not supported: of an error inside of a database only the text
// comes back.
const refusal = "refused: "

// Refused says that a Go function cannot answer for the values that it got, because how Kusto does is not known.
// Behind a colon in what comes the reason, or the way out.
func Refused(what string) error {
	what, why, reasoned := strings.Cut(what, ": ")
	text := refusal + what + " is not supported"
	if reasoned {
		text += ": " + why
	}
	return errors.New(text)
}

// Refusal finds a Refused error in the text of another one.
func Refusal(text string) (string, bool) {
	_, what, ok := strings.Cut(text, refusal)
	return what, ok
}

// fractional is a number of days that is not whole: what timespan(1.5) says in a query, the text "1.5" does not.
var fractional = regexp.MustCompile(`^\s*[+-]?[0-9]*\.[0-9]*\s*$`)

// Scalars lists every function of the table that is written in Go, and the readers of text that conversions use.
func Scalars() []Scalar {
	out := []Scalar{
		hasTermScalar, followScalar, foreignScalar, patternScalar,
		{Name: "kql_text_datetime", Args: []schema.Type{schema.String}, Result: schema.Datetime, Fn: func(a []schema.Value) (schema.Value, error) {
			if t, ok := schema.ParseDatetime(a[0].(string)); ok {
				return t, nil
			}
			return nil, nil
		}},
		{Name: "kql_text_timespan", Args: []schema.Type{schema.String}, Result: schema.Timespan, Fn: func(a []schema.Value) (schema.Value, error) {
			if t, ok := schema.ParseTimespan(a[0].(string)); ok && !fractional.MatchString(a[0].(string)) {
				return t, nil
			}
			return nil, nil
		}},
	}
	for _, f := range all() {
		if f.Go == nil {
			continue
		}
		for i, sig := range f.overloads {
			out = append(out, scalarOf(f, i, sig))
		}
	}
	return out
}

func scalarOf(f *Func, overload int, sig Signature) Scalar {
	s := Scalar{Name: f.GoName(overload), NullIn: f.NullIn, Volatile: f.Refuses != "", Places: f.Places, Fn: f.Go, Result: sig.Result.Type}
	for _, p := range sig.Params {
		t := schema.Unknown
		switch p.Accepts {
		case Exact:
			t = p.Type
		case Text, Spelled:
			t = schema.String
		case Array, Boxed, Measure:
			t = schema.Dynamic
		case Float:
			t = schema.Real
		case Integer:
			t = schema.Long
		case Any, Common, Alike, Ranked, Number, Summable, Orderable, Simple, Countable, Integers, Texts:
		}
		s.Args = append(s.Args, t)
		s.Variadic = s.Variadic || p.Repeats
	}
	return s
}
