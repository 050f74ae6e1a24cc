package sqlgen

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/plan"
)

// followBlock is how many rows a list of results grows by before it is set aside: lists are copied as they grow.
const followBlock = 256

// follower renders one Follow: the rows of a group are folded from first to last into a state, which holds per step the
// sequence that has come as far as that step, and the rows to return.
type follower struct {
	g    *generator
	n    *plan.Follow
	cols []*plan.Column // of the input, that the steps read
	outs string         // the type of a row to return
}

// follow renders scan: in Go where its steps are simple enough, else as a fold in SQL, which is much slower. Only what the steps read goes through the fold; the rows to return are joined with the input by
// their number. https://learn.microsoft.com/kusto/query/scan-operator#matching-logic
func (g *generator) follow(n *plan.Follow) {
	f := &follower{g: g, n: n}
	f.cols = f.read()
	if f.program() {
		return
	}
	outer := g.places
	g.places = map[int]string{}
	f.outs = f.rowType()
	fold := ""
	scalars := g.hoist(func() { fold = f.fold() })
	g.places = outer

	group := f.group()
	rows := []string{"nth := nth"}
	for _, c := range f.cols {
		rows = append(rows, f.g.name(c)+" := "+f.g.name(c))
	}
	lists := "SELECT " + group + "coalesce(list(struct_pack(" + strings.Join(rows, ", ") + ") ORDER BY nth), []) AS rows FROM numbered"
	if group != "" {
		lists += " GROUP BY " + strings.TrimSuffix(group, ", ")
	}
	blocks := fmt.Sprintf("SELECT %slist_transform(range(0, len(rows), %d), i -> struct_pack(block := rows[i + 1:i + %d])) AS blocks FROM (%s)", group, followBlock, followBlock, lists)
	folded := "SELECT " + group + fold + " AS final FROM (" + blocks + ")" + scalars
	all := "SELECT " + group + f.flushed() + " AS outs FROM (" + folded + ")"
	var special computed
	for _, c := range f.added() {
		special.add(c, "out."+f.g.name(c))
	}
	f.joined(all, special)
}

// group lists the columns of the group, each with a comma behind it.
func (f *follower) group() string {
	group := ""
	for _, c := range f.n.Per {
		group += f.g.name(c) + ", "
	}
	return group
}

// joined puts the rows to return, which all has per group in a list, beside those of the input, by their number.
func (f *follower) joined(all string, special computed) {
	n := f.n
	f.g.put("WITH numbered AS MATERIALIZED (SELECT ")
	f.g.list(n.In, nil)
	f.g.put(", row_number() OVER (", f.g.window(n.Per, n.In.Ordering()), ") AS nth FROM (")
	f.g.node(n.In)
	f.g.put(")) SELECT ")
	each, join := "SELECT unnest(outs) AS out, unnest(range(1, len(outs) + 1)) AS ordinal", "numbered.nth = each.out.nth"
	for i, c := range n.Per {
		each += fmt.Sprintf(", %s AS p%d", f.g.name(c), i)
		join += fmt.Sprintf(" AND numbered.%s IS NOT DISTINCT FROM each.p%d", f.g.name(c), i)
	}
	special.add(n.Ordinal, "ordinal")
	f.g.list(n, special)
	f.g.put(" FROM (", each, " FROM (", all, ")) AS each JOIN numbered ON ", join)
}

// read are the columns of the input that the steps read.
func (f *follower) read() []*plan.Column {
	mine := map[int]bool{}
	plan.EachExpr(f.n, func(x plan.Expr) {
		plan.Walk(x, func(e plan.Expr) {
			if c, ok := e.(*plan.Col); ok {
				mine[c.C.ID] = true
			}
		})
	})
	var out []*plan.Column
	available(f.n.In, func(c *plan.Column) {
		if mine[c.ID] {
			out = append(out, c)
			mine[c.ID] = false
		}
	})
	return out
}

// rowType is the type of a row to return: its number, the declared columns and the number of the match.
func (f *follower) rowType() string {
	parts := []string{"nth BIGINT"}
	for _, c := range f.added() {
		parts = append(parts, f.g.name(c)+" "+function.SQLType(c.Type))
	}
	return "STRUCT(" + strings.Join(parts, ", ") + ")"
}

func (f *follower) added() []*plan.Column {
	var out []*plan.Column
	for _, d := range f.n.Declared {
		out = append(out, d.Col)
	}
	return append(out, f.n.MatchID)
}

// fold is the fold over blocks of rows, and inside of it over rows.
func (f *follower) fold() string {
	for _, c := range f.cols {
		f.g.places[c.ID] = "r." + f.g.name(c)
	}
	for _, d := range f.n.Declared {
		f.g.places[d.Col.ID] = f.g.expr(d.X)
	}
	var names, state, first []string
	for k := range f.n.Steps {
		names = append(names, fmt.Sprintf("s%d", k))
		first = append(first, fmt.Sprintf("s%d := %s", k, f.empty(k)))
	}
	names = append(names, "next")
	for _, field := range names {
		state = append(state, field+" := %."+field)
	}
	from := func(source string) string { return strings.ReplaceAll(strings.Join(state, ", "), "%", source) }
	body := "struct_pack(" + from("a") + ", emit := CAST([] AS " + f.outs + "[]))"
	for k := len(f.n.Steps) - 1; k >= 0; k-- {
		body = f.step(k, body)
	}
	body = let(body, "z", "struct_pack("+from("z")+", outs := list_concat(a.outs, z.emit))")
	inner := "list_reduce(b.block, (a, r) -> " + body + ", struct_pack(" + from("o") + ", outs := CAST([] AS " + f.outs + "[])))"
	return "list_reduce(blocks, (o, b) -> " + let(inner, "d", "struct_pack("+from("d")+", done := list_append(o.done, d.outs))") +
		", struct_pack(" + strings.Join(first, ", ") + ", next := CAST(0 AS BIGINT), done := CAST([] AS " + f.outs + "[][])))"
}

// let names a value inside of an expression.
func let(value, name, body string) string {
	return "list_transform([" + value + "], " + name + " -> " + body + ")[1]"
}

// fields are the state columns of step k: those of all steps up to it.
func (f *follower) fields(k int) []plan.Item {
	var out []plan.Item
	for i := 0; i <= k; i++ {
		out = append(out, f.n.Steps[i].State...)
	}
	return out
}

// start is what a state column holds before its step has matched: the default of a declared column, or null, which a
// string is not.
func (f *follower) start(s plan.Item) string {
	of := s.Col
	if c, ok := s.X.(*plan.Col); ok {
		of = c.C
	}
	return "CAST(" + f.g.expr(f.n.Start(of)) + " AS " + function.SQLType(s.Col.Type) + ")"
}

// empty is the state of step k without a sequence.
func (f *follower) empty(k int) string {
	parts := []string{"active := false", "id := CAST(NULL AS BIGINT)"}
	for _, s := range f.fields(k) {
		parts = append(parts, f.g.name(s.Col)+" := "+f.start(s))
	}
	if f.n.Steps[k].Output == plan.OutputLast {
		parts = append(parts, "latest := CAST(NULL AS "+f.outs+")")
	}
	return "struct_pack(" + strings.Join(parts, ", ") + ")"
}

// under renders x with the state columns of step k read from a state; the step's own are empty when it is only entered.
func (f *follower) under(k int, state string, entered bool, x plan.Expr) string {
	for i := 0; i <= k; i++ {
		for _, s := range f.n.Steps[i].State {
			if i == k && entered {
				f.g.places[s.Col.ID] = f.start(s)
			} else {
				f.g.places[s.Col.ID] = state + "." + f.g.name(s.Col)
			}
		}
	}
	return f.g.expr(x)
}

// step is the accumulated state after a row has been tested against step k: whether it continues the sequence of the
// step before, or else repeats that of step k. The first step has none before it and begins sequences.
func (f *follower) step(k int, before string) string {
	a := fmt.Sprintf("a%d", k)
	own, prev := fmt.Sprintf("%s.s%d", a, k), fmt.Sprintf("%s.s%d", a, k-1)
	cond := f.n.Steps[k].Cond
	repeats := "coalesce(" + f.under(k, own, false, cond) + ", false)"
	sql := "CASE "
	if k > 0 {
		sql += "WHEN " + prev + ".active AND coalesce(" + f.under(k, prev, true, cond) + ", false) THEN " + f.matched(k, a, prev, true) + " "
		repeats = own + ".active AND " + repeats
	}
	sql += "WHEN " + repeats + " THEN " + f.matched(k, a, own, false) + " ELSE " + a + " END"
	return let(before, a, sql)
}

// matched is the state after a row that matches step k, in the sequence that stands in a state: that of the step before
// when it is entered, else its own.
func (f *follower) matched(k int, a, sequence string, entered bool) string {
	step := f.n.Steps[k]
	id := sequence + ".id"
	next := a + ".next"
	if k == 0 {
		id = "CASE WHEN " + sequence + ".active THEN " + id + " ELSE " + next + " END"
		next = "CASE WHEN " + sequence + ".active THEN " + next + " ELSE " + next + " + 1 END"
	}
	row := map[int]string{f.n.MatchID.ID: id}
	for _, c := range f.cols {
		row[c.ID] = "r." + f.g.name(c)
	}
	for _, d := range f.n.Declared {
		value := f.g.expr(d.X)
		for _, it := range step.Assign {
			if it.Col == d.Col {
				value = f.under(k, sequence, entered, it.X)
			}
		}
		row[d.Col.ID] = "CAST(" + value + " AS " + function.SQLType(d.Col.Type) + ")"
	}
	out := []string{"nth := r.nth"}
	for _, c := range f.added() {
		out = append(out, f.g.name(c)+" := "+row[c.ID])
	}
	result := "struct_pack(" + strings.Join(out, ", ") + ")"
	state := []string{"active := true", "id := " + id}
	for i := 0; i <= k; i++ {
		for _, s := range f.n.Steps[i].State {
			value := sequence + "." + f.g.name(s.Col)
			if c, ok := s.X.(*plan.Col); ok && i == k {
				value = row[c.C.ID]
			}
			state = append(state, f.g.name(s.Col)+" := "+value)
		}
	}
	if step.Output == plan.OutputLast {
		state = append(state, "latest := "+result)
	}
	parts := make([]string, len(f.n.Steps))
	for i := range parts {
		parts[i] = fmt.Sprintf("s%d := %s.s%d", i, a, i)
	}
	parts[k] = fmt.Sprintf("s%d := struct_pack(%s)", k, strings.Join(state, ", "))
	if entered {
		parts[k-1] = fmt.Sprintf("s%d := %s", k-1, f.empty(k-1))
	}
	return "struct_pack(" + strings.Join(parts, ", ") + ", next := " + next + ", emit := " + f.emitted(k, a, entered, result) + ")"
}

// emitted are the rows to return after a match: the last ones of the series that it ends, and its own.
func (f *follower) emitted(k int, a string, entered bool, row string) string {
	lists := []string{a + ".emit"}
	ends := func(i int) {
		if f.n.Steps[i].Output == plan.OutputLast {
			lists = append(lists, fmt.Sprintf("CASE WHEN %s.s%d.active THEN [%s.s%d.latest] ELSE [] END", a, i, a, i))
		}
	}
	if entered {
		ends(k - 1)
		ends(k)
	}
	if f.n.Steps[k].Output == plan.OutputAll {
		lists = append(lists, "["+row+"]")
	}
	if len(lists) == 1 {
		return lists[0]
	}
	return "list_concat(" + strings.Join(lists, ", ") + ")"
}

// flushed are all rows to return: at the end the last rows of the series that are still open come out.
func (f *follower) flushed() string {
	parts := []string{"flatten(final.done)"}
	for k, s := range f.n.Steps {
		if s.Output == plan.OutputLast {
			parts = append(parts, fmt.Sprintf("CASE WHEN final.s%d.active THEN [final.s%d.latest] ELSE [] END", k, k))
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "list_concat(" + strings.Join(parts, ", ") + ")"
}
