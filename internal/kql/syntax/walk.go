package syntax

// Walk calls f for x and every expression inside it. It enters neither subqueries nor functions.
func Walk(x Expr, f func(Expr)) {
	if x == nil {
		return
	}
	f(x)
	for _, inner := range parts(x) {
		Walk(inner, f)
	}
}

func parts(x Expr) []Expr {
	switch x := x.(type) {
	case *Unary:
		return []Expr{x.X}
	case *Binary:
		return []Expr{x.L, x.R}
	case *In:
		return append([]Expr{x.X}, x.List...)
	case *Between:
		return []Expr{x.X, x.Lo, x.Hi}
	case *Call:
		return x.Args
	case *Member:
		return []Expr{x.X}
	case *Index:
		return []Expr{x.X, x.I}
	case *Named:
		return []Expr{x.X}
	case *Typed:
		return []Expr{x.X}
	}
	return nil
}
