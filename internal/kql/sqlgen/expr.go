package sqlgen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/plan"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// expr renders an expression as a value.
func (g *generator) expr(x plan.Expr) string {
	switch x := x.(type) {
	case *plan.Col:
		if at, ok := g.places[x.C.ID]; ok {
			return at
		}
		return g.name(x.C)
	case *plan.Const:
		return function.Literal(x.T, x.V)
	case *plan.Apply:
		return g.call(x, function.Call{})
	case *plan.Convert:
		return g.convert(x)
	case *plan.Path:
		return "nullif(CAST(" + g.path(x, "json_extract") + " AS VARCHAR), 'null')"
	case *plan.In:
		return g.in(x)
	case *plan.InQuery:
		return g.inQuery(x)
	case *plan.Scalar:
		return g.scalar(x)
	}
	return g.refuse(diag.Span{}, fmt.Errorf("no SQL for %T", x))
}

// hoist renders expressions of one node. What toscalar() made of them stands beside the node's input, as one row that
// the result adds to FROM: DuckDB takes no subquery inside of a lambda, which many functions are made of.
func (g *generator) hoist(render func()) (from string) {
	outer := g.scalars
	defer func() { g.scalars = outer }()
	g.scalars = scalars{hoisted: true}
	render()
	if len(g.scalars.columns) == 0 {
		return ""
	}
	return ", (SELECT " + strings.Join(g.scalars.columns, ", ") + ")"
}

// scalars are the columns that hoist adds.
type scalars struct {
	hoisted bool // not so where they stay in place
	seen    map[int]bool
	columns []string
}

// inPlace renders an expression in which toscalar() is a subquery where it stands.
func (g *generator) inPlace(x plan.Expr) string {
	outer := g.scalars
	defer func() { g.scalars = outer }()
	g.scalars = scalars{}
	return g.expr(x)
}

func (g *generator) scalar(x *plan.Scalar) string {
	column := "c" + strconv.Itoa(g.named.number(x.C)) + "_scalar"
	if g.scalars.seen[x.C.ID] {
		return column
	}
	here := g.scalars
	g.scalars = scalars{}
	sql := g.neverNull(x, "(SELECT "+g.name(x.C)+" FROM ("+g.apart(func() { g.ref(x.Ref) })+") LIMIT 1)")
	g.scalars = here
	if !here.hoisted {
		return sql
	}
	if here.seen == nil {
		g.scalars.seen = map[int]bool{}
	}
	g.scalars.seen[x.C.ID] = true
	g.scalars.columns = append(g.scalars.columns, sql+" AS "+column)
	return column
}

// condition renders an expression whose null counts as false, where plain comparisons let DuckDB push filters down.
func (g *generator) condition(x plan.Expr) {
	switch x := x.(type) {
	case *plan.In:
		if !x.Not && len(x.List) > 0 {
			g.put("(", strings.Join(g.inTests(x), " OR "), ")")
			return
		}
	case *plan.InQuery:
		if !x.Not {
			g.put(g.inQueryTest(x))
			return
		}
	case *plan.Apply:
		switch x.Func.Called() {
		case "and":
			g.both(x, " AND ")
			return
		case "or":
			g.both(x, " OR ")
			return
		case "==":
			g.put("(", g.expr(x.Args[0]), " = ", g.expr(x.Args[1]), ")")
			return
		case "!=":
			g.put("(", g.expr(x.Args[0]), " IS DISTINCT FROM ", g.expr(x.Args[1]), ")")
			return
		}
	}
	g.put(g.expr(x))
}

// both renders two conditions with a word between them.
func (g *generator) both(x *plan.Apply, word string) {
	g.put("(")
	g.condition(x.Args[0])
	g.put(word)
	g.condition(x.Args[1])
	g.put(")")
}

func (g *generator) call(x plan.Expr, c function.Call) string {
	a, ok := x.(*plan.Apply)
	if !ok {
		return g.expr(x)
	}
	c.Result, c.Careful = a.T, g.careful
	begin := len(g.args)
	for i, arg := range a.Args {
		render := g.expr
		if a.Func.Once > 0 && i+1 >= a.Func.Once {
			render = g.inPlace // a column beside the rows would have to be grouped by
		}
		out := function.Arg{SQL: render(arg), Type: arg.Type()}
		if k, ok := arg.(*plan.Const); ok {
			out.Const, out.Fixed = k.V, true
		}
		g.args = append(g.args, out)
	}
	c.Args = slices.Clip(g.args[begin:])
	sql, err := a.Func.Render(c, a.Overload)
	g.args = g.args[:begin]
	if err != nil {
		return g.refuse(a.At, fmt.Errorf("%s: %w", a.Func.Called(), err))
	}
	return sql
}

func (g *generator) convert(x *plan.Convert) string {
	if p, ok := x.X.(*plan.Path); ok && x.T == schema.String {
		return "coalesce(" + g.path(p, "json_extract_string") + ", '')"
	}
	sql := g.expr(x.X)
	out := function.Conversion(sql, x.X.Type(), x.T)
	if !x.Whole {
		return out
	}
	beside := ""
	if x.Beside != nil {
		beside = g.expr(x.Beside)
	}
	return function.WithoutFraction(sql, out, beside)
}

// path renders access inside a dynamic value. A path that is known is one JSON path; text that parse_json reads on
// the way is checked, because DuckDB fails on text that is no JSON where Kusto sees a string without properties.
func (g *generator) path(p *plan.Path, fn string) string {
	base := p.X
	guard := ""
	if a, ok := base.(*plan.Apply); ok && a.Func.Name == "parse_json" {
		base = a.Args[0]
		guard = g.expr(base)
	}
	sql := g.expr(base)
	steps := p.Steps
	for len(steps) > 0 {
		n, path := constantSteps(steps)
		last := n == len(steps) || n == 0 && len(steps) == 1
		use := "json_extract"
		if last {
			use = fn
		}
		if n > 0 {
			sql = use + "(" + sql + ", " + function.Quote(path) + ")"
			steps = steps[n:]
			continue
		}
		sql = use + "(" + sql + ", " + g.stepSQL(steps[0]) + ")"
		steps = steps[1:]
	}
	if guard != "" {
		return "CASE WHEN " + function.IsJSON(guard) + " THEN " + sql + " END"
	}
	return sql
}

// stepSQL is the path of an index that is computed per row.
func (g *generator) stepSQL(s plan.Step) string {
	i := g.expr(s.Index)
	if s.Index.Type() == schema.String {
		return "CASE WHEN " + i + " = '' THEN '/' ELSE '$.\"' || replace(replace(" + i + ", '\\', '\\\\'), '\"', '\\\"') || '\"' END"
	}
	return "CASE WHEN " + i + " < 0 THEN '$[#' || " + i + " || ']' ELSE '$[' || " + i + " || ']' END"
}

// constantSteps joins the leading steps that are known into one JSON path.
func constantSteps(steps []plan.Step) (int, string) {
	var b strings.Builder
	b.WriteByte('$')
	for i, s := range steps {
		if s.Index == nil {
			if s.Key == "" || strings.ContainsAny(s.Key, `"\*`) {
				key := strings.ReplaceAll(strings.ReplaceAll(s.Key, "~", "~0"), "/", "~1")
				if i == 0 {
					return 1, "/" + key
				}
				return i, b.String()
			}
			b.WriteString(`."` + s.Key + `"`)
			continue
		}
		n, ok := constantInt(s.Index)
		if !ok {
			return i, b.String()
		}
		if n < 0 {
			fmt.Fprintf(&b, "[#%d]", n)
		} else {
			fmt.Fprintf(&b, "[%d]", n)
		}
	}
	return len(steps), b.String()
}

func (g *generator) in(x *plan.In) string { return membership(g.inTests(x), x.Not) }

// inTests are the tests of which one must hold.
func (g *generator) inTests(x *plan.In) []string {
	value := g.expr(x.X)
	if x.Fold {
		value = "lower(" + value + ")"
	}
	if list := g.constantList(x); list != "" {
		return []string{value + " IN (" + list + ")"}
	}
	var list, arrays []string
	for _, item := range x.List {
		if a := plan.IsArray(item); a != nil {
			arrays = append(arrays, function.ArrayHas(g.expr(a), value, x.X.Type(), x.Fold))
			continue
		}
		list = append(list, g.element(x, item))
	}
	var tests []string
	if len(list) > 0 {
		tests = append(tests, value+" IN ("+strings.Join(list, ", ")+")")
	}
	return append(tests, arrays...)
}

func (g *generator) element(x *plan.In, item plan.Expr) string {
	if x.Fold {
		return "lower(" + g.expr(item) + ")"
	}
	return g.expr(item)
}

// constantLists are lists that have been rendered. A query looks into one at many places, and it may be long.
type constantLists map[listKey]string

// listKey is a list by where its first element is.
type listKey struct {
	first *plan.Expr
	n     int
	fold  bool
}

// constantList renders a list of several constants, "" for any other one.
func (g *generator) constantList(x *plan.In) string {
	if len(x.List) < 2 || slices.ContainsFunc(x.List, func(item plan.Expr) bool { _, is := item.(*plan.Const); return !is }) {
		return ""
	}
	key := listKey{&x.List[0], len(x.List), x.Fold}
	if list, known := g.lists[key]; known {
		return list
	}
	list := g.apart(func() {
		begin := len(g.out)
		for _, item := range x.List {
			g.next(begin)
			g.put(g.element(x, item))
		}
	})
	if g.lists == nil {
		g.lists = constantLists{}
	}
	g.lists[key] = list
	return list
}

func membership(tests []string, not bool) string {
	sql := "false"
	if len(tests) > 0 {
		sql = "coalesce(" + strings.Join(tests, " OR ") + ", false)"
	}
	if not {
		return "(NOT " + sql + ")"
	}
	return sql
}

func (g *generator) inQuery(x *plan.InQuery) string {
	return membership([]string{g.inQueryTest(x)}, x.Not)
}

func (g *generator) inQueryTest(x *plan.InQuery) string {
	value, column := g.expr(x.X), g.name(x.C)
	if x.Fold {
		value, column = "lower("+value+")", "lower("+column+")"
	}
	outer := g.scalars
	g.scalars = scalars{}
	plan := g.apart(func() { g.node(x.Plan) })
	g.scalars = outer
	return value + " IN (SELECT " + column + " FROM (" + plan + "))"
}

func constantInt(x plan.Expr) (int64, bool) {
	c, ok := x.(*plan.Const)
	if !ok {
		return 0, false
	}
	n, ok := c.V.(int64)
	return n, ok
}
