package sqlgen

import (
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/plan"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// aggregate renders a summarize. What arg_max, arg_min and take_any pick is one value per call, from which a SELECT
// around it takes the columns: a call with hundreds of columns stays one aggregate.
func (g *generator) aggregate(n *plan.Aggregate) {
	order, written := "", false
	if keys := n.In.Ordering(); len(keys) > 0 {
		order, written = g.keys(keys), keys[0].Origin == plan.Written
	}
	picks := g.picks(n)
	if len(picks) > 0 {
		g.put("SELECT ")
		begin := len(g.out)
		for _, k := range n.Keys {
			g.next(begin)
			g.put(g.name(k.Col))
		}
		for _, a := range n.Aggs {
			if !g.wants(n, a.Col) {
				continue
			}
			g.next(begin)
			if best, ok := a.X.(*plan.Best); ok {
				g.put(g.neverNull(best, picks.of(best.Pick).field(best.X)), " AS ")
			}
			g.put(g.name(a.Col))
		}
		g.put(" FROM (")
	}
	g.over(n.In, func() {
		begin := len(g.out)
		for _, k := range n.Keys {
			g.next(begin)
			g.put(g.expr(k.X), " AS ", g.name(k.Col))
		}
		for _, a := range n.Aggs {
			if _, picked := a.X.(*plan.Best); !picked && g.wants(n, a.Col) {
				g.next(begin)
				g.put(g.call(a.X, function.Call{Order: order, Written: written}), " AS ", g.name(a.Col))
			}
		}
		for _, p := range picks {
			g.next(begin)
			g.put(g.pickRow(p, order), " AS ", p.name)
		}
		if len(g.out) == begin {
			g.put("count(*) AS one")
		}
	})
	for i := range n.Keys {
		g.put([]string{" GROUP BY ", ", "}[min(i, 1)], strconv.Itoa(i+1))
	}
	if len(picks) > 0 {
		g.put(")")
	}
}

// picked is one call of arg_max, arg_min or take_any, with those of its columns that somebody uses.
type picked struct {
	*plan.Pick
	name   string
	values []plan.Expr
}

type picks []*picked

func (p picks) of(call *plan.Pick) *picked {
	for _, one := range p {
		if one.Pick == call {
			return one
		}
	}
	return nil
}

// field is where the pick has the value of x: itself when it is a single value.
func (p *picked) field(x plan.Expr) string {
	if p.single() {
		return p.name
	}
	for i, v := range p.values {
		if v == x {
			return p.name + ".v" + strconv.Itoa(i)
		}
	}
	return p.name + ".best"
}

// single reports whether the pick is one value: take_any(x), or arg_max(t) alone.
func (p *picked) single() bool {
	return p.By == nil && len(p.Values) == 1 || len(p.values) == 0
}

func (g *generator) picks(n *plan.Aggregate) picks {
	var out picks
	for _, a := range n.Aggs {
		best, ok := a.X.(*plan.Best)
		if !ok || !g.wants(n, a.Col) {
			continue
		}
		p := out.of(best.Pick)
		if p == nil {
			p = &picked{Pick: best.Pick, name: "pick" + strconv.Itoa(len(out))}
			out = append(out, p)
		}
		if best.X != best.Pick.By {
			p.values = append(p.values, best.X)
		}
	}
	return out
}

// pickRow renders the row that a call picks. Ties go to the first row where the input has an order, else they are
// settled by the values: the same evidence gives the same row, and one row for all columns of the call.
func (g *generator) pickRow(p *picked, order string) string {
	least := p.Least || p.By == nil
	if p.single() {
		x := p.By
		if x == nil {
			x = p.values[0]
		}
		value := g.expr(x)
		if p.By == nil && x.Type() == schema.String {
			value = "nullif(" + value + ", '')" // take_any prefers what is there
		}
		switch {
		case p.By == nil && order != "":
			return "first(" + value + " ORDER BY " + order + ") FILTER (WHERE " + value + " IS NOT NULL)"
		case p.By == nil:
			return "min(" + value + ")"
		case least:
			return function.Least(value, x.Type(), "")
		}
		return "max(" + value + ")"
	}
	var fields []string
	if p.By != nil {
		by := g.expr(p.By)
		missing := "absent := " + by + " IS NULL" // a row with a null is picked only where all are null
		if !least {
			missing = "present := " + by + " IS NOT NULL"
		}
		fields = append(fields, missing)
		if least && p.By.Type() == schema.Real { // NaN is the least too
			fields = append(fields, "number := NOT isnan("+by+")")
		}
		fields = append(fields, "best := "+by)
	}
	for i, v := range p.values {
		fields = append(fields, "v"+strconv.Itoa(i)+" := "+g.expr(v))
	}
	row := "struct_pack(" + strings.Join(fields, ", ") + ")"
	switch {
	case order != "" && p.By == nil:
		return "first(" + row + " ORDER BY " + order + ")"
	case order != "" && least && p.By.Type() == schema.Real:
		return "first(" + row + " ORDER BY isnan(" + g.expr(p.By) + ") DESC NULLS LAST, " + g.expr(p.By) + ", " + order + ")"
	case order != "" && least:
		return "first(" + row + " ORDER BY " + g.expr(p.By) + " ASC NULLS LAST, " + order + ")"
	case order != "":
		return "first(" + row + " ORDER BY " + g.expr(p.By) + " DESC NULLS LAST, " + order + ")"
	case least:
		return "min(" + row + ")"
	}
	return "max(" + row + ")"
}
