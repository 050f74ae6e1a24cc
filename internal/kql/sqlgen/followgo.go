package sqlgen

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/plan"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// programmer turns the steps of a scan into a program. What reads nothing of the rows before becomes a list, which SQL
// computes.
type programmer struct {
	f      *follower
	state  []*plan.Column // all remembered values
	lists  []string
	simple bool
}

// program renders a scan whose steps a program can follow; false when one does something else with what it remembers.
func (f *follower) program() bool {
	p := &programmer{f: f, simple: true}
	for _, s := range f.n.Steps {
		for _, it := range s.State {
			p.state = append(p.state, it.Col)
		}
	}
	outer := f.g.places
	defer func() { f.g.places = outer }()
	f.g.places = map[int]string{}
	for _, d := range f.n.Declared {
		f.g.places[d.Col.ID] = f.g.expr(d.X)
	}
	var text []byte
	scalars := f.g.hoist(func() { text, _ = json.Marshal(p.steps()) })
	if !p.simple {
		return false
	}
	group := f.group()
	rows := "SELECT " + group + "nth, " + strings.Join(p.lists, ", ") + " FROM numbered" + scalars
	call := "kql_follow(" + function.Quote(string(text))
	for i := range p.lists {
		call += fmt.Sprintf(", list(l%d ORDER BY nth)", i)
	}
	all := "SELECT " + group + "from_json(" + call + "), " + function.Quote(p.shape()) + ") AS outs FROM (" + rows + ")"
	if group != "" {
		all += " GROUP BY " + strings.TrimSuffix(group, ", ")
	}
	special := computed{{f.n.MatchID, "out.m"}}
	for i, d := range f.n.Declared {
		sql := fmt.Sprintf("CAST(out.d%d AS %s)", i, function.SQLType(d.Col.Type))
		if d.Col.Type == schema.String {
			sql = "coalesce(" + sql + ", '')"
		}
		special.add(d.Col, sql)
	}
	f.joined(all, special)
	return true
}

// shape is the form of what the program returns.
func (p *programmer) shape() string {
	parts := []string{`"nth":"BIGINT"`, `"m":"BIGINT"`}
	for i, d := range p.f.n.Declared {
		parts = append(parts, fmt.Sprintf(`"d%d":%q`, i, carried[d.Col.Type]))
	}
	return "[{" + strings.Join(parts, ",") + "}]"
}

// carried is how a value goes into the program and comes out of it: a real comes as text, since JSON has no nan.
var carried = map[schema.Type]string{
	schema.Bool: "BOOLEAN", schema.Int: "BIGINT", schema.Long: "BIGINT", schema.Datetime: "BIGINT", schema.Timespan: "BIGINT",
	schema.Real: "VARCHAR", schema.String: "VARCHAR", schema.Dynamic: "VARCHAR", schema.Guid: "VARCHAR",
}

func (p *programmer) steps() function.FollowProgram {
	out := function.FollowProgram{}
	for _, d := range p.f.n.Declared {
		out.Declared = append(out.Declared, p.expr(d.X))
	}
	for _, s := range p.f.n.Steps {
		step := function.FollowStep{All: s.Output == plan.OutputAll, Last: s.Output == plan.OutputLast, Cond: p.expr(s.Cond), Assign: map[int]function.FollowExpr{}}
		for _, a := range s.Assign {
			step.Assign[p.declared(a.Col)] = p.expr(a.X)
		}
		for _, it := range s.State {
			step.State = append(step.State, p.remembered(it))
		}
		out.Steps = append(out.Steps, step)
	}
	if len(p.lists) == 0 { // the program counts the rows by a list
		p.list(&plan.Const{T: schema.Bool, V: true})
	}
	return out
}

func (p *programmer) declared(c *plan.Column) int {
	return slices.IndexFunc(p.f.n.Declared, func(d plan.Item) bool { return d.Col == c })
}

// remembered is where the value of a state column comes from: the row, a column that the scan declares, or the match.
func (p *programmer) remembered(it plan.Item) function.FollowState {
	c, ok := it.X.(*plan.Col)
	if !ok || c.C == p.f.n.MatchID {
		p.simple = false
		return function.FollowState{}
	}
	if i := p.declared(c.C); i >= 0 {
		return function.FollowState{From: function.FollowExpr{Op: "declared", N: i}, Start: p.expr(p.f.n.Start(c.C))}
	}
	start := function.FollowExpr{Op: "const"}
	if it.Col.Type == schema.String {
		start.Const = ""
	}
	return function.FollowState{From: p.list(c), Start: start}
}

// list has SQL compute an expression for each row.
func (p *programmer) list(x plan.Expr) function.FollowExpr {
	kind, ok := carried[x.Type()]
	if !ok {
		p.simple = false
		return function.FollowExpr{}
	}
	if x.Type() == schema.Real {
		kind = "DOUBLE"
	}
	sql := "CAST(" + p.f.g.expr(x) + " AS " + kind + ")"
	at := slices.IndexFunc(p.lists, func(s string) bool { return strings.HasPrefix(s, sql+" AS l") })
	if at < 0 {
		at = len(p.lists)
		p.lists = append(p.lists, fmt.Sprintf("%s AS l%d", sql, at))
	}
	return function.FollowExpr{Op: "list", N: at}
}

// expr compiles an expression of a step.
func (p *programmer) expr(x plan.Expr) function.FollowExpr {
	if c, ok := x.(*plan.Const); ok {
		return p.constant(c)
	}
	if !p.remembers(x) {
		return p.list(x)
	}
	switch x := x.(type) {
	case *plan.Col:
		return function.FollowExpr{Op: "state", N: slices.Index(p.state, x.C)}
	case *plan.Convert:
		from := x.X.Type()
		switch {
		case from == x.T, from == schema.Int && x.T == schema.Long:
			return p.expr(x.X)
		case from.IsInteger() && x.T == schema.Real:
			return function.FollowExpr{Op: "toreal", Args: []function.FollowExpr{p.expr(x.X)}}
		}
	case *plan.Apply:
		if out, ok := p.apply(x); ok {
			return out
		}
	}
	p.simple = false
	return function.FollowExpr{}
}

// remembers reports whether an expression reads the state of a step.
func (p *programmer) remembers(x plan.Expr) bool {
	found := false
	plan.Walk(x, func(e plan.Expr) {
		if c, ok := e.(*plan.Col); ok {
			found = found || slices.Contains(p.state, c.C)
		}
	})
	return found
}

func (p *programmer) constant(c *plan.Const) function.FollowExpr {
	switch v := c.V.(type) {
	case nil:
		if c.T == schema.String {
			return function.FollowExpr{Op: "const", Const: ""}
		}
		return function.FollowExpr{Op: "const"}
	case bool, string:
		if c.T == schema.Guid {
			return p.list(c)
		}
		return function.FollowExpr{Op: "const", Const: v}
	case int64:
		return function.FollowExpr{Op: "int", Const: strconv.FormatInt(v, 10)}
	case schema.Ticks:
		return function.FollowExpr{Op: "int", Const: strconv.FormatInt(int64(v), 10)}
	case float64:
		return function.FollowExpr{Op: "real", Const: strconv.FormatFloat(v, 'g', -1, 64)}
	}
	return p.list(c)
}

// apply compiles a call of one of the functions that a program knows, on types that it knows.
func (p *programmer) apply(x *plan.Apply) (function.FollowExpr, bool) {
	out := function.FollowExpr{Op: x.Func.Called()}
	if _, ok := function.FollowOps[out.Op]; !ok {
		return out, false
	}
	for _, a := range x.Args {
		switch a.Type() {
		case schema.Bool, schema.Int, schema.Long, schema.Real, schema.String, schema.Datetime, schema.Timespan:
		default:
			return out, false
		}
		if a.Type() == schema.String && (out.Op == "isnull" || out.Op == "isnotnull") { // a string is never null
			return out, false
		}
		c, isConst := a.(*plan.Const)
		out.Definite = out.Definite || a.Type() == schema.String || isConst && c.V != nil
		out.Args = append(out.Args, p.expr(a))
	}
	return out, true
}
