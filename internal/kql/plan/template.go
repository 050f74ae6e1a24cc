package plan

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// template is a plugin that is itself a query. Its parameters are written `name:kind`: a column of the source, a column
// of __table (key), a table, a condition or number as text, a scalar, a flag that asks for unmatched rows, a switch that
// keeps the key, or a truth that holds unless it is denied (yes); `?` makes one optional. Beside them stand `steps`, the
// conditions that follow, `dims`, the columns that are left, and `rest`, whatever is left. The query sees the source as
// __source, a table as __table and a scalar under its name. {name} stands for a column or condition, {name.type} for a
// column's type, {name.text} for an argument as it was written, {name} of a flag for the kind of a lookup and {name.right}
// for that of a join the other way round, {dims} for the columns that are left, each with a comma
// before it, {same} for `and` that each is that of the row before and {changed} for `or` that one is not, {columns} for
// the columns of the source. $refuse('what: why') stands where Kusto's answer is not known.
type template struct {
	params, query string
	refusesRows   bool // what it puts into its columns is not known
}

// invocation is one use of a template: what its placeholders and names stand for.
type invocation struct {
	call   *syntax.Call
	text   map[string]string
	dims   []string
	values map[string]*Const
	// columns are those of the source.
	columns []*Column
}

// invokeTemplate binds a plugin that is a query.
func (b *binder) invokeTemplate(sc *scope, n Node, op *syntax.Evaluate, t template) Node {
	if op.Schema != nil {
		b.fail(diag.Unsupported, op.Schema.Span(), "", "%s with a declared schema is not supported", op.Call.Func.Name)
	}
	in := invocation{call: op.Call, text: map[string]string{}, values: map[string]*Const{}, columns: visibleColumns(n)}
	sc = sc.with("__source", b.share("source", n))
	sc = b.templateArguments(sc, n, &in, t)
	src := &diag.Source{Name: op.Call.Func.Name, Text: in.expand(t.query)}
	script, list := syntax.Parse(src)
	if err := list.Err(); err != nil {
		b.fail(diag.Unsupported, op.Span(), "", "%s with these arguments is not supported", op.Call.Func.Name)
	}
	outer, reported := b.src, len(b.list.Items)
	var out Node
	b.src, b.inTemplate = src, true
	ok := b.attempt(func() {
		for _, st := range script.Statements {
			switch st := st.(type) {
			case *syntax.Let:
				sc = b.let(sc, st)
			case *syntax.ExprStatement:
				out = b.tabular(sc, st.X)
			}
		}
	})
	b.src, b.inTemplate = outer, false
	if !ok {
		message := "they do not fit"
		if len(b.list.Items) > reported {
			message = b.list.Items[reported].Message
		}
		b.list.Items = b.list.Items[:reported]
		b.fail(diag.Semantic, op.Span(), "", "%s cannot be applied to these arguments: %s", op.Call.Func.Name, message)
	}
	return out
}

// templateArguments binds the arguments of a plugin to its parameters, in order or by name.
func (b *binder) templateArguments(sc *scope, n Node, in *invocation, t template) *scope {
	given := map[string]syntax.Expr{}
	var rest []syntax.Expr
	for _, a := range in.call.Args {
		if names, x := named(a); len(names) == 1 {
			given[names[0].Name] = x
		} else {
			rest = append(rest, a)
		}
	}
	table := n
	params := strings.Fields(t.params)
	for i, p := range params {
		name, kind, _ := strings.Cut(p, ":")
		kind, optional := strings.CutSuffix(kind, "?")
		switch name {
		case "dims":
			b.dimensions(sc, n, in, &rest, i+1 < len(params))
			continue
		case "steps":
			b.steps(in)
			continue
		case "rest":
			return sc
		}
		x := given[strings.TrimPrefix(name, "__")]
		if x == nil && len(rest) > 0 && !(optional && namesColumn(n, rest[0])) {
			x, rest = rest[0], rest[1:]
		}
		switch {
		case kind == "flag":
			unmatched := b.flag(sc, in, name, x)
			in.text[name] = map[bool]string{false: "inner", true: "leftouter"}[unmatched]
			in.text[name+".right"] = map[bool]string{false: "inner", true: "rightouter"}[unmatched]
			continue
		case kind == "switch":
			in.text[name] = ""
			if !b.flag(sc, in, name, x) {
				in.text[name] = ", " + in.text["shape"]
			}
			continue
		case kind == "number" && x == nil && optional:
			in.text[name] = "real(null)"
			continue
		case kind == "yes":
			in.text[name] = fmt.Sprint(x == nil || b.flag(sc, in, name, x))
			continue
		case x == nil && optional:
			continue
		case x == nil:
			b.fail(diag.Semantic, in.call.Span(), "", "%s needs the argument %s", in.call.Func.Name, strings.TrimPrefix(name, "__"))
		}
		if kind == "table" {
			table = b.tabular(sc, x)
			sc = sc.with("__table", b.share("table", table))
			continue
		}
		from := n
		if kind == "key" {
			from = table
		}
		sc = b.templateArgument(sc, from, in, name, kind, x)
	}
	if len(rest) > 0 {
		b.fail(diag.Semantic, rest[0].Span(), "", "%s takes no such argument", in.call.Func.Name)
	}
	b.nearRows(in)
	in.text["__cohort.is"] = map[bool]string{true: "__from == __cohort", false: "true"}[in.values["__cohort"] != nil]
	return sc
}

// namesColumn reports whether an argument is the name of a column.
func namesColumn(n Node, x syntax.Expr) bool {
	name, ok := x.(*syntax.Name)
	return ok && findColumn(n.Columns(), name.Name) != nil
}

// steps takes the conditions among the arguments, by their names: each makes a column of its time.
func (b *binder) steps(in *invocation) {
	for _, a := range in.call.Args {
		if names, _ := named(a); len(names) == 1 {
			in.text["steps"] += ", " + quoteName(names[0].Name+"_"+in.text["timeline.text"]) + " = " + in.text["timeline"]
		}
	}
}

// templateArgument binds one argument: a column of a table, text, or a scalar.
func (b *binder) templateArgument(sc *scope, from Node, in *invocation, name, kind string, x syntax.Expr) *scope {
	switch kind {
	case "column", "key":
		c := b.pluginColumn(from, x)
		in.text[name], in.text[name+".type"], in.text[name+".text"] = quoteName(c.Name), c.Type.String(), c.Name
		return sc
	case "condition", "number":
		in.text[name] = "(" + b.src.Text[x.Span().Start:x.Span().End] + ")"
		return sc
	}
	v := b.scalar(&frame{scope: sc}, x)
	if v.Type() == schema.String || v.Type() == schema.Dynamic {
		b.fail(diag.Unsupported, x.Span(), "", "%s with a text as %s is not supported", in.call.Func.Name, strings.TrimPrefix(name, "__"))
	}
	if c, ok := v.(*Const); ok {
		in.values[name] = c
		in.text[name+".value"] = strings.ReplaceAll(fmt.Sprint(c.V), ".", "_")
	}
	return sc.with(name, v)
}

// dimensions takes the columns that are left as the plugin's dimensions; where a flag may follow, up to the first
// argument that is no name.
func (b *binder) dimensions(sc *scope, n Node, in *invocation, rest *[]syntax.Expr, flagFollows bool) {
	for len(*rest) > 0 {
		if _, ok := (*rest)[0].(*syntax.Name); !ok && flagFollows {
			return
		}
		if b.isTabular(sc, (*rest)[0]) && !namesColumn(n, (*rest)[0]) {
			b.fail(diag.Unsupported, (*rest)[0].Span(), "", "a table as an argument of %s is not supported", in.call.Func.Name)
		}
		in.dims = append(in.dims, quoteName(b.pluginColumn(n, (*rest)[0]).Name))
		*rest = (*rest)[1:]
	}
}

// flag reads an argument that is true or false, and false when it is not given.
func (b *binder) flag(sc *scope, in *invocation, name string, x syntax.Expr) bool {
	if x == nil {
		return false
	}
	c, ok := b.scalar(&frame{scope: sc}, x).(*Const)
	if !ok || c.T != schema.Bool {
		b.fail(diag.Semantic, x.Span(), "", "%s of %s must be true or false", name, in.call.Func.Name)
	}
	return c.V == true
}

// maxNear bounds how far rows_near looks.
const maxNear = 1000

// nearRows says for rows_near which rows are near: one of the rows before or behind is a hit.
func (b *binder) nearRows(in *invocation) {
	before := in.values["__before"]
	if before == nil {
		return
	}
	after := in.values["__after"]
	if after == nil {
		after = before
	}
	x, okX := before.V.(int64)
	y, okY := after.V.(int64)
	if !okX || !okY || x < 0 || y < 0 || x > maxNear || y > maxNear {
		b.fail(diag.Unsupported, in.call.Span(), "", "rows_near takes constant numbers of rows up to %d", maxNear)
	}
	// A row is before a hit when the count of hits rises within x rows, behind one when it rose within y rows.
	in.text["near"] = fmt.Sprintf("coalesce(next(__hits, %d), toscalar(__source | where %s | count)) > __hits or __hits > prev(__hits, %d, 0) or __hit", x, in.text["condition"], y+1)
}

func quoteName(name string) string {
	return "['" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(name) + "']"
}

// expand writes the query with what its placeholders stand for.
func (in *invocation) expand(query string) string {
	var dims, same, changed, intersections strings.Builder
	for i, d := range in.dims {
		dims.WriteString(", " + d)
		fmt.Fprintf(&same, " and %s == prev(%s)", d, d)
		fmt.Fprintf(&changed, " or %s != prev(%s)", d, d)
		fmt.Fprintf(&intersections, ", s%d = array_length(set_intersect(%s, %s))", i+1, in.text["first"], strings.Join(in.dims[:i+1], ", "))
	}
	pairs := []string{
		"{dims}", dims.String(), "{dims.first}", strings.TrimPrefix(dims.String(), ", "), "{same}", same.String(),
		"{changed}", changed.String(), "{intersections}", intersections.String(),
	}
	for name, text := range in.text {
		pairs = append(pairs, "{"+name+"}", text)
	}
	return strings.NewReplacer(append(pairs, in.narrow()...)...).Replace(query)
}

// narrowTexts is how narrow writes values of a type. What it makes of other types, and of null, is not documented.
// https://learn.microsoft.com/kusto/query/narrow-plugin
var narrowTexts = map[schema.Type]string{
	schema.String: "%s", schema.Bool: "iff(%s, 'True', 'False')", schema.Int: "tostring(%s)", schema.Long: "tostring(%s)",
	schema.Guid: "tostring(%s)", schema.Datetime: "format_datetime(%s, 'yyyy-MM-dd HH:mm:ss.fffffff')",
}

// narrow is what {columns} stands for, and what it does with a name behind it.
func (in *invocation) narrow() []string {
	var columns, refused strings.Builder
	var names, texts []string
	for _, c := range in.columns {
		name := quoteName(c.Name)
		columns.WriteString(", " + name)
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
		text, ok := narrowTexts[c.Type]
		switch {
		case !ok:
			text = "tostring(%s)"
			fmt.Fprintf(&refused, " | where $refuse('narrow of a value of type %s')", c.Type)
		case c.Type != schema.String:
			fmt.Fprintf(&refused, " | where isnotnull(%s) or $refuse('narrow of null')", name)
		}
		texts = append(texts, fmt.Sprintf(text, name))
	}
	return []string{
		"{columns}", columns.String(), "{columns.names}", strings.Join(names, ", "), "{columns.texts}", strings.Join(texts, ", "),
		"{columns.refused}", refused.String(),
	}
}
