package function

import (
	"cmp"
	"errors"
	"math"
	"strconv"
)

// FollowProgram is a `scan` whose steps are simple enough to be followed in Go, row by row. What does not depend on the
// rows before has been computed by the database and comes as lists, one value per row.
type FollowProgram struct {
	Steps []FollowStep
	// Declared are the defaults of the columns that the scan adds.
	Declared []FollowExpr
}

// FollowStep is one step. A step that is not All and not Last returns nothing.
type FollowStep struct {
	All, Last bool
	Cond      FollowExpr
	Assign    map[int]FollowExpr // by the number of the declared column
	State     []FollowState      // what is remembered of the step's latest row
}

// FollowState is one remembered value: where it comes from, and what it is before the step has matched.
type FollowState struct {
	From  FollowExpr // a list, or a declared column
	Start FollowExpr
}

// FollowExpr is an expression over the row and the remembered values. Op is `list` for the N-th list, `state` for the
// N-th remembered value counted over all steps, `declared` for the N-th declared column of the row in hand, `const`,
// `int` and `real`, whose constants are text, or one of the functions of FollowOps.
type FollowExpr struct {
	Op    string
	N     int          `json:",omitempty"`
	Const any          `json:",omitempty"` // bool, string or nil
	Args  []FollowExpr `json:",omitempty"`
	// Definite says of == and != that one side is never null.
	Definite bool `json:",omitempty"`
}

// followed is what an expression is computed from.
type followed struct {
	lists    [][]any
	row      int
	state    []any
	declared []any
}

type followEval func(*followed) any

// FollowOps are the functions that a step may apply to what it remembers, with the arguments that they take here. They
// say what the same functions of the table say in SQL.
var FollowOps = map[string]func(x FollowExpr, args []followEval) followEval{
	"and": func(_ FollowExpr, a []followEval) followEval { return logical(a, false) },
	"or":  func(_ FollowExpr, a []followEval) followEval { return logical(a, true) },
	"not": func(_ FollowExpr, a []followEval) followEval {
		return unlessNull(a, func(v []any) any { return !v[0].(bool) })
	},
	"==":        func(x FollowExpr, a []followEval) followEval { return equality(a, x.Definite, true) },
	"!=":        func(x FollowExpr, a []followEval) followEval { return equality(a, x.Definite, false) },
	"<":         func(_ FollowExpr, a []followEval) followEval { return inOrder(a, func(c int) bool { return c < 0 }) },
	"<=":        func(_ FollowExpr, a []followEval) followEval { return inOrder(a, func(c int) bool { return c <= 0 }) },
	">":         func(_ FollowExpr, a []followEval) followEval { return inOrder(a, func(c int) bool { return c > 0 }) },
	">=":        func(_ FollowExpr, a []followEval) followEval { return inOrder(a, func(c int) bool { return c >= 0 }) },
	"+":         func(_ FollowExpr, a []followEval) followEval { return unlessNull(a, addition) },
	"-":         func(_ FollowExpr, a []followEval) followEval { return unlessNull(a, subtraction) },
	"isnull":    func(_ FollowExpr, a []followEval) followEval { return func(f *followed) any { return a[0](f) == nil } },
	"isnotnull": func(_ FollowExpr, a []followEval) followEval { return func(f *followed) any { return a[0](f) != nil } },
	"isempty":   func(_ FollowExpr, a []followEval) followEval { return func(f *followed) any { return blank(a[0](f)) } },
	"isnotempty": func(_ FollowExpr, a []followEval) followEval {
		return func(f *followed) any { return !blank(a[0](f)) }
	},
	"toreal": func(_ FollowExpr, a []followEval) followEval {
		return unlessNull(a, func(v []any) any { return asFloat(v[0]) })
	},
	"iff": func(_ FollowExpr, a []followEval) followEval {
		return func(f *followed) any {
			if a[0](f) == true {
				return a[1](f)
			}
			return a[2](f)
		}
	},
}

func blank(v any) bool { return v == nil || v == "" }

// logical is `and` (decisive false) or `or` (decisive true) with three values.
func logical(args []followEval, decisive bool) followEval {
	return func(f *followed) any {
		l := args[0](f)
		if l == decisive {
			return decisive
		}
		r := args[1](f)
		if r == decisive {
			return decisive
		}
		if l == nil || r == nil {
			return nil
		}
		return !decisive
	}
}

func unlessNull(args []followEval, fn func([]any) any) followEval {
	return func(f *followed) any {
		values := make([]any, len(args))
		for i, a := range args {
			if values[i] = a(f); values[i] == nil {
				return nil
			}
		}
		return fn(values)
	}
}

func equality(args []followEval, definite, want bool) followEval {
	return func(f *followed) any {
		l, r := args[0](f), args[1](f)
		switch {
		case l != nil && r != nil:
			return (!incomparable(l, r) && compare(l, r) == 0) == want
		case l == nil && r == nil && !definite:
			return nil
		}
		return !want
	}
}

func inOrder(args []followEval, want func(int) bool) followEval {
	return unlessNull(args, func(v []any) any { return !incomparable(v[0], v[1]) && want(compare(v[0], v[1])) })
}

// incomparable reports whether one of two values is a nan, of which no order and no equality holds.
func incomparable(l, r any) bool {
	a, _ := l.(float64)
	b, _ := r.(float64)
	return math.IsNaN(a) || math.IsNaN(b)
}

// compare orders as the database does: a nan is equal to itself and greater than all numbers.
func compare(l, r any) int {
	switch l := l.(type) {
	case string:
		return cmp.Compare(l, r.(string))
	case int64:
		if n, ok := r.(int64); ok {
			return cmp.Compare(l, n)
		}
	case bool:
		return cmp.Compare(truth(l), truth(r.(bool)))
	}
	a, b := asFloat(l), asFloat(r)
	if math.IsNaN(a) || math.IsNaN(b) {
		return -cmp.Compare(a, b) // Go has it the other way
	}
	return cmp.Compare(a, b)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func asFloat(v any) float64 {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	return v.(float64)
}

// errOverflow is thrown by an evaluation and caught by follow.
var errOverflow = errors.New("the result of + or - in a step of scan does not fit into 64 bits")

func addition(v []any) any {
	l, isLeft := v[0].(int64)
	r, isRight := v[1].(int64)
	if !isLeft || !isRight {
		return asFloat(v[0]) + asFloat(v[1])
	}
	if sum := l + r; (sum > l) == (r > 0) {
		return sum
	}
	panic(errOverflow)
}

func subtraction(v []any) any {
	l, isLeft := v[0].(int64)
	r, isRight := v[1].(int64)
	if !isLeft || !isRight {
		return asFloat(v[0]) - asFloat(v[1])
	}
	if difference := l - r; (difference < l) == (r > 0) {
		return difference
	}
	panic(errOverflow)
}

// eval compiles an expression.
func (x FollowExpr) eval() followEval {
	switch x.Op {
	case "list":
		return func(f *followed) any { return f.lists[x.N][f.row] }
	case "state":
		return func(f *followed) any { return f.state[x.N] }
	case "declared":
		return func(f *followed) any { return f.declared[x.N] }
	case "const":
		return func(*followed) any { return x.Const }
	case "int":
		n, _ := strconv.ParseInt(x.Const.(string), 10, 64)
		return func(*followed) any { return n }
	case "real":
		n, _ := strconv.ParseFloat(x.Const.(string), 64)
		return func(*followed) any { return n }
	}
	args := make([]followEval, len(x.Args))
	for i, a := range x.Args {
		args[i] = a.eval()
	}
	return FollowOps[x.Op](x, args)
}
