// Package sqlgen owns the last step of the compiler: a bound plan becomes one DuckDB SQL statement. It decides nothing
// about KQL's meaning; that stands in the plan and in the function table.
package sqlgen

import (
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/plan"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Generate returns the SQL of a plan. The columns of the statement are p.Columns in order.
func Generate(p *plan.Plan) (sql string, err error) {
	return newGenerator(nil, &desk{careful: p.Careful}).statement(p)
}

func newGenerator(keep *keeper, at *desk) *generator {
	g := &generator{desk: at, refs: map[int]int{}, shared: map[int]*plan.Shared{}, ctes: map[int]string{}, keep: keep}
	if last := len(at.lives) - 1; last >= 0 {
		g.live, at.lives = at.lives[last], at.lives[:last]
	} else {
		g.live = map[plan.Node]*columns{}
	}
	return g
}

// done ends a generator, whose memory the next one takes.
func (g *generator) done() {
	for _, at := range g.live {
		at.words = at.words[:0]
		g.ended = append(g.ended, at)
	}
	clear(g.live)
	g.lives = append(g.lives, g.live)
	g.live = nil
}

func (g *generator) statement(p *plan.Plan) (sql string, err error) {
	for _, c := range p.Columns {
		g.read(c)
	}
	g.readKeys(p.Root.Ordering())
	g.flow(p.Root, &g.reading)
	g.begin()
	g.with()
	g.put("SELECT ")
	if len(p.Columns) == 0 {
		g.put("1")
	}
	g.columns(p.Columns)
	g.put(" FROM (")
	g.node(p.Root)
	g.put(")")
	if keys := p.Root.Ordering(); len(keys) > 0 && len(p.Columns) > 0 {
		g.put(" ORDER BY ", g.order(keys, p.Columns))
	} else if len(p.Columns) > 0 {
		g.put(" ORDER BY ALL")
	}
	if len(g.refused) > 0 {
		return "", &g.refused
	}
	return string(g.out), nil
}

// Refusal is one expression that has no SQL, with its place in the query.
type Refusal struct {
	At  diag.Span
	Err error
}

// Refusals are all of a query. They are an error.
type Refusals []Refusal

// Error is the first refusal's message.
func (r *Refusals) Error() string { return (*r)[0].Err.Error() }

// refuse notes a refusal, each once; the SQL that it returns stands where there is none.
func (g *generator) refuse(at diag.Span, err error) string {
	for _, r := range g.refused {
		if r.At == at && r.Err.Error() == err.Error() {
			return "NULL"
		}
	}
	g.refused = append(g.refused, Refusal{at, err})
	return "NULL"
}

// desk is where the statements of a query are written, one after the other.
type desk struct {
	careful bool   // results may lie beyond the range of their type
	out     []byte // the statement in hand, as far as it is written
	named   names
	spare   []columns  // sets that flow and list have done with
	ended   []*columns // and those of generators that are done
	lists   constantLists
	lives   []map[plan.Node]*columns
	args    []function.Arg // of the calls that are being rendered, one within the other
	refused Refusals
}

// begin begins a statement. Those before it are done with.
func (d *desk) begin() {
	if d.out == nil {
		d.out = make([]byte, 0, 1<<16) // as the long ones are
	}
	d.out = d.out[:0]
	d.named.restart()
}

// put writes texts. What one of them is made of may write too: it is made before.
func (d *desk) put(texts ...string) {
	for _, text := range texts {
		d.out = append(d.out, text...)
	}
}

// next writes a comma, unless nothing stands behind the place where a list begins.
func (d *desk) next(begin int) {
	if len(d.out) > begin {
		d.put(", ")
	}
}

// apart returns what f writes, for what is no part of the statement yet.
func (d *desk) apart(f func()) string {
	begin := len(d.out)
	f()
	text := string(d.out[begin:])
	d.out = d.out[:begin]
	return text
}

// generator makes one statement.
type generator struct {
	*desk
	live    map[plan.Node]*columns // what the nodes above want of each
	reading columns                // what the node in hand reads, while the plan is passed
	refs    map[int]int
	shared  map[int]*plan.Shared
	ctes    map[int]string // their names, by their numbers
	keep    *keeper        // nil when everything stands in one statement
	// places are the columns that stand elsewhere than under their name, inside of a lambda.
	places  map[int]string
	scalars scalars // what the node that is being rendered takes from toscalar()
}

// name is a column's name in SQL: readable, and unique by its number.
func (g *generator) name(c *plan.Column) string { return g.named.of(c) }

// names are those of the columns in one statement, each made once: a column is named by every node that hands it on. They are
// numbered in the order in which they are given.
type names struct {
	list  []given
	at    []int32         // where in list a column is, by its number in the plan; it may be of an earlier statement
	texts strings.Builder // in which the latest of them stand: one at a time is the work of the allocator
}

// given is the name of a column; the text is "" where only the number was asked for.
type given struct {
	column int
	text   string
}

// restart forgets the names that were given.
func (n *names) restart() {
	if n.list == nil {
		n.list = make([]given, 0, 512)
	}
	n.list = n.list[:0]
}

// longestName is the most that appendName writes.
const longestName = 64

func (n *names) of(c *plan.Column) string {
	number := n.number(c)
	name := &n.list[number-1]
	if name.text == "" {
		if n.texts.Cap()-n.texts.Len() < longestName {
			n.texts = strings.Builder{}
			n.texts.Grow(64 * longestName)
		}
		start := n.texts.Len()
		n.texts.Write(appendName(make([]byte, 0, longestName), number, c.Name))
		name.text = n.texts.String()[start:]
	}
	return name.text
}

// number is that of the column's name, from 1 on.
func (n *names) number(c *plan.Column) int {
	if c.ID >= len(n.at) {
		n.at = append(n.at, make([]int32, max(c.ID+1024, 2*len(n.at))-len(n.at))...)
	}
	i := int(n.at[c.ID])
	if i >= len(n.list) || n.list[i].column != c.ID {
		i = len(n.list)
		n.at[c.ID] = int32(i)
		n.list = append(n.list, given{column: c.ID})
	}
	return i + 1
}

func appendName(b []byte, number int, name string) []byte {
	b = strconv.AppendInt(append(b, 'c'), int64(number), 10)
	b = append(b, '_')
	for i := 0; i < min(len(name), 40); i++ {
		if r := name[i]; wordByte[r] && (i > 0 || r > '9') {
			b = append(b, r)
		}
	}
	return b
}

// wordByte tells the bytes of which names and numbers are made.
var wordByte = func() (is [256]bool) {
	for c := range is {
		is[c] = c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	return is
}()

// cte is the name of a plan that several places of the statement read, numbered as the columns are.
func (g *generator) cte(s *plan.Shared) string {
	name, ok := g.ctes[s.ID]
	if !ok {
		name = "shared" + strconv.Itoa(len(g.ctes)+1)
		g.ctes[s.ID] = name
	}
	return name
}

// with renders the plans that several places read, inner ones first: a plan's number is higher than those it reads.
func (g *generator) with() {
	before, after := "WITH ", ""
	for id := 1; id <= maxKey(g.shared); id++ {
		s := g.shared[id]
		if s == nil || g.once(s) {
			continue
		}
		g.put(before, g.cte(s), " AS MATERIALIZED (")
		g.node(s.Plan)
		g.put(")")
		before, after = ",\n", "\n"
	}
	g.put(after)
}

func maxKey(m map[int]*plan.Shared) int {
	top := 0
	for k := range m {
		top = max(top, k)
	}
	return top
}

// keys is the SQL of an order. NaN stands beside null, whichever the direction: DuckDB takes it for the greatest number.
// https://learn.microsoft.com/kusto/query/sort-operator#using-special-floating-point-values
func (g *generator) keys(keys []plan.Key) string {
	parts := make([]string, 0, len(keys))
	for _, k := range keys {
		x, nan, direction, nulls := g.expr(k.X), "", "", " NULLS LAST"
		if k.NullsFirst {
			nan, nulls = " DESC", " NULLS FIRST"
		}
		if k.X.Type() == schema.Real {
			parts = append(parts, "isnan("+x+")"+nan+nulls)
		}
		if k.Desc {
			direction = " DESC"
		}
		parts = append(parts, x+direction+nulls)
	}
	return strings.Join(parts, ", ")
}

// order is the SQL of an order in which ties too come in one way: the keys, then those of cols that are none.
func (g *generator) order(keys []plan.Key, cols []*plan.Column) string {
	var done columns
	for _, k := range keys {
		if c, ok := k.X.(*plan.Col); ok {
			done.add(c.C)
		}
	}
	b := []byte(g.keys(keys))
	for _, c := range cols {
		if !done.has(c) {
			done.add(c)
			b = append(append(b, ", "...), g.name(c)...)
		}
	}
	return string(b)
}

// available calls f for what a node can hand on: its own columns and those that pass through it.
func available(n plan.Node, f func(*plan.Column)) {
	list := func(cols ...*plan.Column) {
		for _, c := range cols {
			f(c)
		}
	}
	items := func(its []plan.Item) {
		for i := range its {
			f(its[i].Col)
		}
	}
	copies := func(of []plan.Copy) {
		for _, one := range of {
			f(one.Col)
		}
	}
	switch n := n.(type) {
	case *plan.Scan:
		list(n.Columns()...)
		list(n.Stored...)
	case *plan.Values:
		list(n.Columns()...)
		f(n.Ordinal)
	case *plan.Filter:
		available(n.In, f)
	case *plan.Sort:
		available(n.In, f)
	case *plan.Limit:
		available(n.In, f)
	case *plan.Compute:
		items(n.Items)
		available(n.In, f)
	case *plan.Windowed:
		items(n.Items)
		available(n.In, f)
	case *plan.Follow:
		list(n.Columns()...)
		available(n.In, f)
		f(n.Ordinal)
	case *plan.Number:
		f(n.Col)
		available(n.In, f)
	case *plan.Ref:
		copies(n.Copies)
	case *plan.Join:
		copies(n.Copies)
		if n.Kind != plan.RightSemi && n.Kind != plan.RightAnti {
			available(n.L, f)
		}
	case *plan.Expand:
		f(n.Index)
		for _, it := range n.Items {
			f(it.Col)
		}
		available(n.In, f)
	default:
		list(n.Columns()...)
	}
}

// computed is the SQL of the columns that a node computes.
type computed []struct {
	col *plan.Column
	sql string
}

func (c *computed) add(col *plan.Column, sql string) {
	*c = append(*c, struct {
		col *plan.Column
		sql string
	}{col, sql})
}

// take returns the SQL of a column that has one. They are mostly asked for in the order in which they were added: what stands
// before is let go of when it has been taken.
func (c *computed) take(col *plan.Column) (sql string, ok bool) {
	for i, one := range *c {
		if one.col == col {
			if i == 0 {
				*c = (*c)[1:]
			}
			return one.sql, true
		}
	}
	return "", false
}

// list renders those of a node's columns that are wanted, each once; special are those that it computes.
func (g *generator) list(n plan.Node, special computed) {
	missing, begin := g.borrow(g.live[n]), len(g.out) // what is wanted and not written yet
	available(n, func(c *plan.Column) {
		if !missing.has(c) {
			return
		}
		missing.remove(c)
		g.next(begin)
		if sql, ok := special.take(c); ok {
			g.put(sql, " AS ")
		}
		g.put(g.name(c))
	})
	g.giveBack(missing)
	g.orNothing(begin)
}

// orNothing ends a list that has a column at least.
func (g *generator) orNothing(begin int) {
	if len(g.out) == begin {
		g.put(nothing)
	}
}

// nothing stands where no column is wanted, only the rows.
const nothing = "1 AS one"

func (g *generator) columns(cols []*plan.Column) {
	begin := len(g.out)
	for _, c := range cols {
		g.next(begin)
		g.put(g.name(c))
	}
}

func (g *generator) itemSQL(n plan.Node, its []plan.Item) computed {
	out, wanted := make(computed, 0, len(its)), g.live[n]
	for _, it := range its {
		if wanted.has(it.Col) {
			out.add(it.Col, g.expr(it.X))
		}
	}
	return out
}
