package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// scalars are the types that the generator makes expressions of.
var scalars = []schema.Type{schema.Long, schema.Real, schema.String, schema.Datetime, schema.Timespan, schema.Bool}

func (s state) with(name string, t schema.Type) state {
	columns := slices.Clone(s.columns)
	if at := slices.IndexFunc(columns, func(c schema.Column) bool { return c.Name == name }); at >= 0 {
		columns[at].Type = t
	} else {
		columns = append(columns, schema.Column{Name: name, Type: t})
	}
	return state{columns: columns, loose: s.loose}
}

func (g *Generator) extend(s state) (string, state) {
	after := s
	var items []string
	for range 1 + g.r.IntN(2) {
		t, name := one(g, scalars), g.name()
		if g.r.IntN(4) == 0 {
			name = one(g, s.columns).Name // a column is replaced
		}
		if slices.ContainsFunc(items, func(i string) bool { return strings.HasPrefix(i, name+" =") }) {
			continue
		}
		items = append(items, name+" = "+g.expr(s, t, 2))
		after = after.with(name, t)
	}
	return "extend " + strings.Join(items, ", "), after
}

func (g *Generator) project(s state) (string, state) {
	var items []string
	after := state{loose: s.loose}
	for _, c := range s.columns {
		if g.r.IntN(2) == 0 || len(after.columns) == 0 {
			items = append(items, c.Name)
			after = after.with(c.Name, c.Type)
		}
	}
	if g.r.IntN(3) == 0 {
		names := make([]string, 0, len(s.columns))
		for _, c := range after.columns {
			names = append(names, c.Name)
		}
		return "project-keep " + strings.Join(names, ", "), after
	}
	t, name := one(g, scalars), g.name()
	items = append(items, name+" = "+g.expr(s, t, 2))
	return "project " + strings.Join(items, ", "), after.with(name, t)
}

// renamed gives dynamic columns, or what is inside of them, other names and leaves the rest.
func (g *Generator) renamed(s state) (string, state) {
	after := state{loose: map[string]bool{}}
	var items []string
	for _, c := range s.columns {
		name, from := c.Name, ""
		if c.Type == schema.Dynamic && g.r.IntN(2) == 0 {
			name = g.name()
			from = " = " + c.Name + one(g, []string{"", "", ".q", ".p"})
		}
		items = append(items, name+from)
		after = after.with(name, c.Type)
		after.loose[name] = s.loose[c.Name]
	}
	return "project " + strings.Join(items, ", "), after
}

// sequence compares rows with the row before, as the questions for sessions do. All columns give the order, so that rows
// in the same place are the same; how often each came is counted, because the order of such rows shows in nothing else.
func (g *Generator) sequence(s state) (string, state, bool) {
	keys, texts, times := s.of(schema.Long, schema.String), s.of(schema.String), s.of(schema.Datetime)
	if len(keys) == 0 || len(texts) == 0 || len(times) == 0 || len(s.of(schema.Dynamic)) > 0 {
		return "", s, false
	}
	key, x, t := one(g, keys), one(g, texts), one(g, times)
	by := []string{key + " " + one(g, []string{"asc", "desc"})}
	for _, c := range s.columns {
		if c.Name != key {
			by = append(by, c.Name+" "+one(g, []string{"asc", "asc", "desc"}))
		}
	}
	if at := slices.IndexFunc(by, func(k string) bool { return strings.HasPrefix(k, t+" ") }); at > 1 {
		by[1], by[at] = by[at], by[1]
	}
	after := state{loose: s.loose}
	after.columns = slices.Clone(s.columns)
	before := [3]string{g.name(), g.name(), g.name()}
	for i, name := range []string{key, x, t} {
		c := s.columns[slices.IndexFunc(s.columns, func(c schema.Column) bool { return c.Name == name })]
		after = after.with(before[i], c.Type)
	}
	gap := t + " - " + before[2]
	step := fmt.Sprintf("sort by %s\n| extend %s = prev(%s), %s = prev(%s), %s = prev(%s)", strings.Join(by, ", "), before[0], key, before[1], x, before[2], t)
	if g.r.IntN(2) == 0 {
		name := g.name()
		step += "\n| extend " + name + " = " + gap
		gap = name
		after = after.with(name, schema.Timespan)
	}
	tests := []string{
		one(g, []string{key + " == " + before[0], before[0] + " == " + key}), one(g, []string{x + " != " + before[1], x + " != " + before[1], x + " == " + before[1]}),
		gap + one(g, []string{" < 36h", " <= 1h", " > 1h", " >= 0s"}),
	}
	g.r.Shuffle(len(tests), func(i, k int) { tests[i], tests[k] = tests[k], tests[i] })
	step += "\n| where " + strings.Join(tests[:1+g.r.IntN(3)], one(g, []string{" and ", " and ", " and ", " or "}))
	var all []string
	for _, c := range after.columns {
		all = append(all, c.Name)
	}
	count := g.name()
	return step + "\n| summarize " + count + " = count() by " + strings.Join(all, ", "), after.with(count, schema.Long), true
}

func (g *Generator) distinct(s state) (string, state) {
	var names []string
	after := state{loose: s.loose}
	for _, c := range s.columns {
		if c.Type != schema.Dynamic && (g.r.IntN(2) == 0 || len(names) == 0) {
			names = append(names, c.Name)
			after = after.with(c.Name, c.Type)
		}
	}
	if len(names) == 0 {
		return "where true", s
	}
	return "distinct " + strings.Join(names, ", "), after
}

// aggregates by name with the types that they take; the result is the argument's type where none is given.
var aggregates = []struct {
	name   string
	of     []schema.Type
	result schema.Type
}{
	{"count", nil, schema.Long},
	{"countif", []schema.Type{schema.Bool}, schema.Long},
	{"sum", []schema.Type{schema.Long, schema.Real, schema.Timespan}, schema.Unknown},
	{"avg", []schema.Type{schema.Long, schema.Real}, schema.Real},
	{"min", []schema.Type{schema.Long, schema.Real, schema.Datetime, schema.Timespan, schema.String}, schema.Unknown},
	{"max", []schema.Type{schema.Long, schema.Real, schema.Datetime, schema.Timespan, schema.String}, schema.Unknown},
	{"count_distinct", []schema.Type{schema.Long, schema.String, schema.Datetime}, schema.Long},
	{"make_list", []schema.Type{schema.Long, schema.String, schema.Real}, schema.Dynamic},
	{"make_set", []schema.Type{schema.Long, schema.String, schema.Real}, schema.Dynamic},
}

func (g *Generator) summarize(s state) (string, state) {
	after := state{loose: map[string]bool{}}
	var keys, items []string
	for range g.r.IntN(3) {
		t, name := one(g, scalars), g.name()
		keys = append(keys, name+" = "+g.expr(s, t, 1))
		after = after.with(name, t)
	}
	for range 1 + g.r.IntN(3) {
		a, name := one(g, aggregates), g.name()
		arg, t := "", a.result
		if a.of != nil {
			of := one(g, a.of)
			arg = g.expr(s, of, 1)
			if t == schema.Unknown {
				t = of
			}
		}
		if t == schema.Dynamic {
			after.loose[name] = true
		}
		items = append(items, fmt.Sprintf("%s = %s(%s)", name, a.name, arg))
		after = after.with(name, t)
	}
	text := "summarize " + strings.Join(items, ", ")
	if len(keys) > 0 {
		text += " by " + strings.Join(keys, ", ")
	}
	return text, after
}

var joinKinds = []string{"inner", "leftouter", "rightouter", "fullouter", "leftsemi", "leftanti", "rightsemi", "rightanti", "innerunique", "lookup"}

// joinWith joins on one or two columns that both sides have.
func (g *Generator) joinWith(l state, other string, r state) (string, state, bool) {
	var on []string
	for _, c := range l.columns {
		if c.Type != schema.Dynamic && c.Type != schema.Real && slices.Contains(r.columns, c) {
			on = append(on, c.Name)
		}
	}
	if len(on) == 0 {
		return "", l, false
	}
	g.r.Shuffle(len(on), func(i, k int) { on[i], on[k] = on[k], on[i] })
	on = on[:1+g.r.IntN(min(2, len(on)))]
	kind := one(g, joinKinds)
	out := state{columns: slices.Clone(l.columns), loose: map[string]bool{}}
	switch kind {
	case "leftsemi", "leftanti":
		out.loose = l.loose
	case "rightsemi", "rightanti":
		out = r
	default:
		kept := slices.DeleteFunc(slices.Clone(r.columns), func(c schema.Column) bool { return kind == "lookup" && slices.Contains(on, c.Name) })
		for i, c := range beside(l.columns, kept) {
			out = out.with(c.Name, c.Type)
			out.loose[c.Name] = r.loose[kept[i].Name]
		}
		maps.Copy(out.loose, l.loose)
	}
	text := fmt.Sprintf("\n| join kind=%s (%s) on %s", kind, other, strings.Join(on, ", "))
	if kind == "lookup" {
		text = fmt.Sprintf("\n| lookup (%s) on %s", other, strings.Join(on, ", "))
	}
	return text, out, true
}

// union appends a table whose columns of the same name have the same types.
func (g *Generator) union(s state) (string, state) {
	other := one(g, g.names)
	after := s
	for _, c := range g.tables[other].Columns {
		at := slices.IndexFunc(s.columns, func(o schema.Column) bool { return o.Name == c.Name })
		if at >= 0 && s.columns[at].Type != c.Type {
			return "where true", s
		}
		after = after.with(c.Name, c.Type)
	}
	return "union " + other, after
}

func (g *Generator) expand(s state, name string) (string, state) {
	loose := map[string]bool{}
	maps.Copy(loose, s.loose)
	loose[name] = false
	s = state{columns: s.columns, loose: loose}
	switch g.r.IntN(3) {
	case 0:
		return "mv-expand " + name + " to typeof(long)", s.with(name, schema.Long)
	case 1:
		return "mv-expand " + name + " to typeof(string)", s.with(name, schema.String)
	}
	return "mv-expand " + name, s
}

// expr makes an expression of a type; depth bounds its nesting.
func (g *Generator) expr(s state, t schema.Type, depth int) string {
	if names := s.of(t); len(names) > 0 && (depth == 0 || g.r.IntN(3) == 0) {
		return one(g, names)
	}
	if depth > 0 {
		if text := g.compound(s, t, depth-1); text != "" {
			return text
		}
	}
	for _, p := range pool {
		if p.column.Type == t {
			return one(g, p.cells)
		}
	}
	return "true"
}

func (g *Generator) compound(s state, t schema.Type, depth int) string {
	sub := func(t schema.Type) string { return g.expr(s, t, depth) }
	switch g.r.IntN(6) {
	case 0:
		return fmt.Sprintf("iff(%s, %s, %s)", sub(schema.Bool), sub(t), sub(t))
	case 1:
		if t != schema.Bool {
			return fmt.Sprintf("coalesce(%s, %s)", sub(t), sub(t))
		}
	}
	switch t {
	case schema.Bool:
		return g.predicate(s, depth)
	case schema.Long:
		return g.long(s, depth)
	case schema.Real:
		return fmt.Sprintf("(%s %s %s)", sub(schema.Real), one(g, []string{"+", "-", "*"}), sub(one(g, []schema.Type{schema.Real, schema.Long})))
	case schema.String:
		return g.text(s, depth)
	case schema.Datetime:
		if g.r.IntN(2) == 0 {
			return fmt.Sprintf("bin(%s, %s)", sub(schema.Datetime), one(g, []string{"1h", "1d", "7d"}))
		}
		return fmt.Sprintf("(%s %s %s)", sub(schema.Datetime), one(g, []string{"+", "-"}), sub(schema.Timespan))
	case schema.Timespan:
		return fmt.Sprintf("(%s - %s)", sub(schema.Datetime), sub(schema.Datetime))
	}
	return ""
}

func (g *Generator) long(s state, depth int) string {
	sub := func(t schema.Type) string { return g.expr(s, t, depth) }
	switch g.r.IntN(6) {
	case 0:
		return fmt.Sprintf("strlen(%s)", sub(schema.String))
	case 1:
		return fmt.Sprintf("bin(%s, %d)", sub(schema.Long), 1+g.r.IntN(4))
	case 2:
		return fmt.Sprintf("tolong(%s)", sub(one(g, []schema.Type{schema.String, schema.Bool})))
	case 3:
		if d := g.dynamic(s); d != "" {
			return "tolong(" + d + ")"
		}
	case 4:
		return fmt.Sprintf("(%s %s %d)", sub(schema.Long), one(g, []string{"/", "%"}), one(g, []int{-3, 2, 5}))
	}
	return fmt.Sprintf("(%s %s %s)", sub(schema.Long), one(g, []string{"+", "-", "*"}), sub(schema.Long))
}

func (g *Generator) text(s state, depth int) string {
	sub := func(t schema.Type) string { return g.expr(s, t, depth) }
	switch g.r.IntN(5) {
	case 0:
		return fmt.Sprintf("%s(%s)", one(g, []string{"tolower", "toupper"}), sub(schema.String))
	case 1, 4:
		if d := g.dynamic(s); d != "" {
			return "tostring(" + d + ")"
		}
	case 2:
		return fmt.Sprintf("tostring(%s)", sub(one(g, []schema.Type{schema.Long, schema.Bool, schema.Datetime, schema.Timespan})))
	}
	return fmt.Sprintf("strcat(%s, %s)", sub(schema.String), sub(schema.String))
}

// dynamic reads inside of a dynamic column, "" when there is none. Arrays without an order are not read by position,
// and bags are not turned to text, whose order is open.
func (g *Generator) dynamic(s state) string {
	names := slices.DeleteFunc(s.of(schema.Dynamic), func(n string) bool { return s.loose[n] })
	if len(names) == 0 {
		return ""
	}
	return one(g, names) + one(g, []string{"[0]", "[-1]", ".q", ".q", "['p']", ".p[1]", "['p'][-1]", "[9]", ".P"})
}

var (
	textOps = []string{
		"=~", "!~", "contains", "!contains", "contains_cs", "startswith", "!startswith", "startswith_cs", "endswith", "endswith_cs", "!endswith_cs",
		"has", "!has", "has_cs", "hasprefix", "hassuffix", "hasprefix_cs", "!hassuffix_cs",
	}
	needles = []string{`"a"`, `"PYTHON"`, `"python"`, `"az"`, `"cli/2"`, `"-requests"`, `"x"`, `"É"`, `"b"`, `"7"`}
)

func (g *Generator) predicate(s state, depth int) string {
	sub := func(t schema.Type) string { return g.expr(s, t, depth) }
	switch g.r.IntN(9) {
	case 0:
		return fmt.Sprintf("(%s %s %s)", sub(schema.Bool), one(g, []string{"and", "or"}), sub(schema.Bool))
	case 1:
		return fmt.Sprintf("not(%s)", sub(schema.Bool))
	case 2:
		return fmt.Sprintf("(%s %s %s)", sub(schema.String), one(g, textOps), one(g, needles))
	case 3:
		if d := g.dynamic(s); d != "" && g.r.IntN(2) == 0 {
			return "(tobool(" + d + ") == true)"
		}
		return fmt.Sprintf("%s(%s)", one(g, []string{"isnull", "isnotnull", "isempty", "isnotempty"}), sub(one(g, scalars)))
	case 4:
		return fmt.Sprintf("(%s %s (%s))", sub(schema.String), one(g, []string{"in", "!in", "in~", "!in~"}), strings.Join(needles[:1+g.r.IntN(4)], ", "))
	case 5:
		return fmt.Sprintf("(%s %s (-1, 1, 2))", sub(schema.Long), one(g, []string{"in", "!in"}))
	case 6:
		return fmt.Sprintf("(%s %s (%s .. %s))", sub(schema.Long), one(g, []string{"between", "!between"}), one(g, []string{"-1", "0"}), one(g, []string{"1", "2"}))
	case 7:
		return fmt.Sprintf("(%s %s %s)", sub(schema.String), one(g, []string{"==", "!="}), sub(schema.String))
	}
	t := one(g, []schema.Type{schema.Long, schema.Real, schema.Datetime, schema.Timespan})
	return fmt.Sprintf("(%s %s %s)", sub(t), one(g, []string{"==", "!=", "<", "<=", ">", ">="}), sub(t))
}
