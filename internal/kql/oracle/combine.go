package oracle

import (
	"math"
	"slices"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// join compares every left row with every right row.
// https://learn.microsoft.com/kusto/query/join-operator
func (q *query) join(l Table, op *syntax.Join) Table {
	r := q.table(op.Right)
	kind := "innerunique"
	if op.Lookup {
		kind = "leftouter"
	}
	for _, o := range op.Options {
		if n, ok := o.Value.(*syntax.Name); ok && o.Name == "kind" {
			kind = n.Name
		}
	}
	var pairs [][2]int
	hitLeft, hitRight := map[int]bool{}, map[int]bool{}
	for i, a := range l.Rows {
		for k, b := range r.Rows {
			if q.matches(l, r, a, b, op.On) {
				pairs = append(pairs, [2]int{i, k})
				hitLeft[i], hitRight[k] = true, true
			}
		}
	}
	switch kind {
	case "leftsemi", "leftanti":
		return pick(l, hitLeft, kind == "leftsemi")
	case "rightsemi", "rightanti":
		return pick(r, hitRight, kind == "rightsemi")
	case "inner", "leftouter", "rightouter", "fullouter":
	case "innerunique":
		if len(pairs) > len(hitRight) {
			giveUp("a row of innerunique that the language leaves open")
		}
	default:
		giveUp("the join kind %s", kind)
	}
	if kind == "leftouter" || kind == "fullouter" {
		for i := range l.Rows {
			if !hitLeft[i] {
				pairs = append(pairs, [2]int{i, -1})
			}
		}
	}
	if kind == "rightouter" || kind == "fullouter" {
		for k := range r.Rows {
			if !hitRight[k] {
				pairs = append(pairs, [2]int{-1, k})
			}
		}
	}
	dropped := map[string]bool{}
	if op.Lookup {
		for _, on := range op.On {
			dropped[itemName(on)] = true
		}
	}
	return combine(l, r, pairs, dropped)
}

// matches is true when all keys are equal; here, unlike in ==, a null equals a null.
func (q *query) matches(l, r Table, a, b []schema.Value, on []syntax.Expr) bool {
	for _, x := range on {
		left, right := x, x
		if both, ok := x.(*syntax.Binary); ok {
			left, right = both.L.(*syntax.Member).Name, both.R.(*syntax.Member).Name
		}
		x, y := q.in(l).at(a).eval(left), q.in(r).at(b).eval(right)
		if yes, _ := compared("==", x, y).truth(); !yes && (x.v != nil || y.v != nil) {
			return false
		}
	}
	return true
}

func pick(t Table, hit map[int]bool, want bool) Table {
	out := Table{Columns: t.Columns}
	for i, row := range t.Rows {
		if hit[i] == want {
			out.Rows = append(out.Rows, row)
		}
	}
	return out
}

// combine puts the right columns behind the left ones; a side that is -1 is null.
func combine(l, r Table, pairs [][2]int, dropped map[string]bool) Table {
	kept := slices.DeleteFunc(slices.Clone(r.Columns), func(c schema.Column) bool { return dropped[c.Name] })
	out := Table{Columns: slices.Concat(l.Columns, beside(l.Columns, kept))}
	for _, p := range pairs {
		row := slices.Clone(nulls(l.Columns))
		if p[0] >= 0 {
			row = slices.Clone(l.Rows[p[0]])
		}
		right := nulls(r.Columns)
		if p[1] >= 0 {
			right = r.Rows[p[1]]
		}
		for k, c := range r.Columns {
			if !dropped[c.Name] {
				row = append(row, right[k])
			}
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

func nulls(columns []schema.Column) []schema.Value {
	out := make([]schema.Value, len(columns))
	for i, c := range columns {
		out[i] = null(c.Type).v
	}
	return out
}

// union takes the columns of all inputs by their names; where one has no such column, its rows are null there.
func (q *query) union(t Table, op *syntax.Union) Table {
	inputs := []Table{t}
	if t.Columns == nil {
		inputs = nil
	}
	for _, x := range op.Tables {
		inputs = append(inputs, q.table(x))
	}
	var out Table
	for _, in := range inputs {
		for _, c := range in.Columns {
			at := slices.IndexFunc(out.Columns, func(o schema.Column) bool { return o.Name == c.Name })
			if at >= 0 && out.Columns[at].Type != c.Type {
				giveUp("union of columns of one name with different types")
			}
			if at < 0 {
				out.Columns = append(out.Columns, c)
			}
		}
	}
	for _, in := range inputs {
		for _, row := range in.Rows {
			fresh := nulls(out.Columns)
			for k, c := range in.Columns {
				fresh[slices.Index(out.Columns, c)] = row[k]
			}
			out.Rows = append(out.Rows, fresh)
		}
	}
	return out
}

// summarize groups by the keys; without keys there is one group, be the input empty or not.
// https://learn.microsoft.com/kusto/query/summarize-operator
func (q *query) summarize(t Table, op *syntax.Summarize) Table {
	keys := q.project(t, op.By)
	var order []string
	groups := map[string][]int{}
	for i, k := range keys.Rows {
		id := key(k)
		if groups[id] == nil {
			order = append(order, id)
		}
		groups[id] = append(groups[id], i)
	}
	if len(op.By) == 0 {
		order, groups = []string{""}, map[string][]int{"": nil}
		for i := range t.Rows {
			groups[""] = append(groups[""], i)
		}
	}
	out := Table{Columns: keys.Columns}
	for _, a := range op.Aggs {
		out.Columns = append(out.Columns, schema.Column{Name: itemName(a), Type: q.aggregate(t, nil, a).t})
	}
	for _, id := range order {
		var row []schema.Value
		if len(op.By) > 0 {
			row = slices.Clone(keys.Rows[groups[id][0]])
		}
		var members [][]schema.Value
		for _, i := range groups[id] {
			members = append(members, t.Rows[i])
		}
		for _, a := range op.Aggs {
			row = append(row, q.aggregate(t, members, a).v)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

func (q *query) aggregate(t Table, rows [][]schema.Value, item syntax.Expr) cell {
	call, ok := item.(*syntax.Named).X.(*syntax.Call)
	if !ok {
		giveUp("an aggregate that is no call")
	}
	if call.Func.Name == "count" {
		return cell{schema.Long, int64(len(rows))}
	}
	var of []cell
	for _, row := range rows {
		if c := q.in(t).at(row).eval(call.Args[0]); !c.isNull() {
			of = append(of, c)
		}
	}
	ty := q.in(t).typeOf(call.Args[0])
	switch call.Func.Name {
	case "countif":
		of = slices.DeleteFunc(of, func(c cell) bool { return c.v != true })
		return cell{schema.Long, int64(len(of))}
	case "count_distinct":
		seen := map[string]bool{}
		for _, c := range of {
			seen[key([]schema.Value{c.v})] = true
		}
		return cell{schema.Long, int64(len(seen))}
	case "sum":
		return sum(ty, of)
	case "avg":
		total := 0.0
		for _, c := range of {
			total += c.number()
		}
		return cell{schema.Real, total / float64(len(of))}
	case "make_list":
		list := []any{}
		for _, c := range of {
			list = append(list, plain(c))
		}
		return cell{schema.Dynamic, list}
	case "make_set":
		list, seen := []any{}, map[string]bool{}
		for _, c := range of {
			if id := key([]schema.Value{c.v}); !seen[id] {
				seen[id] = true
				list = append(list, plain(c))
			}
		}
		return cell{schema.Dynamic, list}
	case "min", "max":
		return extreme(ty, of, call.Func.Name == "max")
	}
	giveUp("the aggregate %s", call.Func.Name)
	return cell{}
}

// plain is a value inside of a dynamic one, where times are text.
func plain(c cell) any {
	switch v := c.v.(type) {
	case schema.Ticks:
		return c.text()
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			giveUp("%v in a dynamic", v)
		}
	}
	return c.v
}

func sum(t schema.Type, of []cell) cell {
	total := map[schema.Type]cell{schema.Long: {t, int64(0)}, schema.Real: {t, 0.0}, schema.Timespan: {t, schema.Ticks(0)}}[t]
	for _, c := range of {
		total = arithmetic("+", total, c)
	}
	return total
}

func extreme(t schema.Type, of []cell, most bool) cell {
	if len(of) == 0 {
		return null(t)
	}
	if len(of) == 1 && t == schema.Real {
		_ = compare(of[0], of[0]) // NaN has no place
	}
	best := of[0]
	for _, c := range of[1:] {
		if n := compare(c, best); n > 0 == most && n != 0 {
			best = c
		}
	}
	return best
}
