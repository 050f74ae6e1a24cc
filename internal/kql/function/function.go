// Package function owns the one table of KQL's functions, aggregates and scalar operators: per entry its signatures,
// how its result column is named, and the SQL or Go that computes it. Nothing about a function stands anywhere else.
package function

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Func is one function, aggregate or operator of KQL.
type Func struct {
	// Name is Kusto's name; several names that mean the same are separated by blanks.
	Name string
	// Signatures are the overloads in order of preference, in the form documented at parseSignature.
	Signatures []string
	// Undocumented are the parameters that Kusto takes besides, in the same form without a result: what it makes of them no
	// page says, so that such a call is unsupported.
	Undocumented []string
	// SQL is the expression over the arguments: $1, $2, .. and $* for all of them, comma-separated.
	SQL string
	// Build makes the SQL where a template cannot. It may refuse with an error that is shown to the user.
	Build func(c Call) (string, error)
	// Go computes the value of one row, where SQL would be approximate. Null arguments reach it as nil, except that
	// with NullIn unset a nil argument makes the result nil (or "") without a call.
	Go     func(args []schema.Value) (schema.Value, error)
	NullIn bool
	// Folds marks functions in Go whose calls over constants are constants, computed while a query is compiled: they take no
	// longer than it takes to read the arguments.
	Folds bool
	// Refuses says why a function has no answer for any valid row; it is volatile, so that no row refuses nothing.
	Refuses string
	// Places marks a function that refuses unless the database knows where addresses are.
	Places bool
	// Naming is how an unnamed result column is called.
	Naming Naming
	// Prefix is what NamePrefix puts before the argument's name; the function's own name when empty.
	Prefix string
	// Aggregate marks functions that summarize over rows; Window those that need a serialized input.
	Aggregate, Window bool
	// Drawn marks window functions whose values are drawn by lot: they need no serialized input, and get the number of
	// their call as a last argument, so that two calls draw apart.
	Drawn bool
	// Restart is the number of a window function's argument that begins a new partition where it is true; 0 for none.
	Restart int
	// Sequence names the function that makes a window function's values of all rows: of an array with the arguments of
	// each row, in order, an array of values.
	Sequence string
	// Before names the window function that the first argument goes through first, over the same partition.
	Before string
	// Typed is the number of an optional last argument typeof(..) that the result is converted to; 0 for none.
	Typed int
	// One names the function that is meant where a type is given and one value is asked for, not an array of them.
	One string
	// Once is the number of the argument of an aggregate from which on each has one value for all rows; 0 for none.
	Once int
	// Scalar names the function that is meant outside of summarize, where an aggregate's name stands for two.
	Scalar string
	// Fields are the columns of a function that returns several values at once; the value is an array of them, in order.
	// It is given the names that the arguments go by, and their types.
	Fields func(args []Field) []Field
	// Star marks functions among whose arguments a * stands for all columns.
	Star bool
	// Doc is the page that defines it, relative to https://learn.microsoft.com/kusto/query/.
	Doc string

	overloads    []Signature
	undocumented []Signature
}

// Field is one column of a function that returns several.
type Field struct {
	Name string
	Type schema.Type
}

// Naming is the rule for the name of an unnamed result.
// Source: the official language service's result-name kinds.
type Naming uint8

// The naming rules.
const (
	NameNone     Naming = iota // Column1, Column2, ..
	NameFirst                  // the first argument's own name: bin(t, 1h) is t
	NameFunction               // function_argument: strlen(b) is strlen_b
	NamePrefix                 // prefix_argument: make_set(b) is set_b; prefix_ when the argument has no name
	NameOnly                   // prefix alone
	NameSole                   // the argument's own name if there is only one: make_datetime(t) is t
	NamePair                   // prefix_first_second: covariance(x, y) is covariance_x_y
)

// Call is one use of a function with its arguments rendered.
type Call struct {
	Func   *Func
	Args   []Arg
	Result schema.Type
	// Order is the SQL of an ORDER BY that keeps the input's order for make_list, empty when it has none.
	Order string
	// Written says that the input's order is that in which the rows stand in the query.
	Written bool
	// Careful says that the result may lie beyond the range of its type, and must then be what Kusto makes of it.
	Careful bool
	// Over is the window of a window function: its PARTITION BY and ORDER BY.
	Over string
}

// Arg is one argument of a Call.
type Arg struct {
	SQL   string
	Type  schema.Type
	Const schema.Value // the value when it is a constant
	Fixed bool         // it is a constant
}

// Text returns a constant string argument.
func (a Arg) Text() (string, bool) {
	s, ok := a.Const.(string)
	return s, ok && a.Fixed
}

// Lookup finds a function that queries may call by its name, which is case-sensitive as in Kusto.
func Lookup(name string) (*Func, bool) {
	f, ok := byName[name]
	return f, ok
}

// Operator finds what queries do not call by a name: a scalar operator such as `+` or `has_any`, or a function that only the
// binder calls.
func Operator(name string) (*Func, bool) {
	f, ok := operators[name]
	return f, ok
}

// Names lists every function's names, for suggestions.
func Names() []string {
	var names []string
	for _, family := range families {
		for i := range family {
			names = append(names, strings.Fields(family[i].Name)...)
		}
	}
	return names
}

// all lists the functions in the order of the table, operators last.
func all() []*Func {
	var all []*Func
	for _, family := range families {
		for i := range family {
			all = append(all, &family[i])
		}
	}
	for _, family := range internalFamilies {
		for i := range family {
			all = append(all, &family[i])
		}
	}
	return all
}

// internalFamilies are the operators, and the functions that only the binder calls.
var internalFamilies = [][]Func{operatorTable, parsedFuncs, seriesOfFuncs, versionFuncs, bagFuncs, listFuncs, elementFuncs, indexFuncs, windowSteps, digestSteps, documentSteps, realTextFuncs}

// families is the function table. The order is the documentation's.
var families = [][]Func{
	conversionFuncs, stringFuncs, searchFuncs, regexFuncs, mathFuncs, datetimeFuncs, conditionalFuncs, dynamicFuncs, arrayFuncs, networkFuncs, hashFuncs,
	encodeFuncs, punycodeFuncs, documentFuncs, agentFuncs, statisticsFuncs, vectorFuncs, seriesFuncs, anomalyFuncs, geoFuncs, hexagonFuncs, shapeFuncs, overlayFuncs, wktFuncs, refusedFuncs,
	windowFuncs, aggregateFuncs, digestFuncs, mergeFuncs,
}

var (
	byName = index(func(f *Func) []string { return strings.Fields(f.Name) }, families)
	// An operator such as `matches regex` has a blank in its name.
	operators = index(func(f *Func) []string { return []string{f.Name} }, internalFamilies)
)

// parse reads the signatures.
func (f *Func) parse() {
	for _, text := range f.Signatures {
		f.overloads = append(f.overloads, mustParseSignature(text))
	}
	for _, text := range f.Undocumented {
		f.undocumented = append(f.undocumented, mustParseSignature(text+" -> dynamic"))
	}
}

// index finds the functions of the families by their names.
func index(names func(*Func) []string, families [][]Func) map[string]*Func {
	m := map[string]*Func{}
	for _, family := range families {
		for i := range family {
			f := &family[i]
			if f.Refuses != "" {
				f.Go = refusing(f, f.Go)
			}
			f.parse()
			for _, name := range names(f) {
				if m[name] != nil {
					panic("function declared twice: " + name)
				}
				m[name] = f
			}
		}
	}
	return m
}

// Called is the name that messages use: the first of a function's, the whole of an operator's.
func (f *Func) Called() string {
	if operators[f.Name] == f {
		return f.Name
	}
	first, _, _ := strings.Cut(f.Name, " ")
	return first
}

// IsOperator reports whether it is written between its operands.
func (f *Func) IsOperator() bool {
	for i := range operatorTable {
		if &operatorTable[i] == f {
			return true
		}
	}
	return false
}

// Invalid is an error in an argument that Kusto refuses too. Any other error of Build is what replaytrace does not
// support.
type Invalid struct{ Err error }

// Error is the message of the error inside.
func (e *Invalid) Error() string { return e.Err.Error() }

// Overloads returns the parsed signatures.
func (f *Func) Overloads() []Signature { return f.overloads }

// Refused returns the parsed Undocumented.
func (f *Func) Refused() []Signature { return f.undocumented }

// GoName is the name under which the Go implementation of overload is registered with the database.
func (f *Func) GoName(overload int) string {
	return fmt.Sprintf("kql_go_%s_%d", strings.Fields(f.Name)[0], overload)
}

// Fold is the value of a call whose arguments are constants; false where it must be computed per row.
func (f *Func) Fold(args []schema.Value) (schema.Value, bool) {
	if !f.Folds {
		return nil, false
	}
	v, err := f.Go(args)
	return v, err == nil
}

// Render makes the SQL of a call of the given overload.
func (f *Func) Render(c Call, overload int) (string, error) {
	c.Func = f
	if c.Result == schema.Long {
		c.Args = f.overloads[overload].promote(c.Args)
	}
	switch {
	case f.Build != nil:
		return f.Build(c)
	case f.Go != nil:
		return renderGo(c, f.GoName(overload)), nil
	default:
		return expand(f.SQL, c.Args), nil
	}
}

func renderGo(c Call, name string) string {
	parts := make([]string, len(c.Args))
	for i, a := range c.Args {
		parts[i] = a.SQL
	}
	call := name + "(" + strings.Join(parts, ", ") + ")"
	if c.Result == schema.String {
		return "coalesce(" + call + ", '')"
	}
	return call
}

// expand replaces $1, $2 and $* in a template.
func expand(template string, args []Arg) string {
	var b strings.Builder
	size := len(template)
	for _, a := range args {
		size += len(a.SQL) + len(", ")
	}
	b.Grow(size)
	for i := 0; i < len(template); i++ {
		if template[i] != '$' || i+1 == len(template) {
			b.WriteByte(template[i])
			continue
		}
		switch n := template[i+1]; {
		case n == '*':
			for k, a := range args {
				if k > 0 {
					b.WriteString(", ")
				}
				b.WriteString(a.SQL)
			}
			i++
		case n >= '1' && n <= '9':
			if k := int(n - '1'); k < len(args) {
				b.WriteString(args[k].SQL)
			} else {
				b.WriteString("NULL")
			}
			i++
		default:
			b.WriteByte('$')
		}
	}
	return b.String()
}
