package plan

import (
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// plugins are the plugins of evaluate whose columns depend on the data; templates are the others.
var plugins map[string]func(*binder, *scope, Node, *syntax.Evaluate) Node

func init() {
	plugins = map[string]func(*binder, *scope, Node, *syntax.Evaluate) Node{
		"bag_unpack": (*binder).bagUnpack, "pivot": (*binder).pivot, "preview": (*binder).preview,
	}
}

// evaluate binds `evaluate`; n is nil where it begins a query.
func (b *binder) evaluate(sc *scope, n Node, op *syntax.Evaluate) Node {
	name := op.Call.Func
	t, isTemplate := templates[name.Name]
	bind, isPlugin := plugins[name.Name]
	why, isRefused := refusedPlugins[name.Name]
	switch {
	case isRefused:
		b.fail(diag.Unsupported, name.Span(), "", "the plugin %s is not supported: %s", name.Name, why)
	case !isTemplate && !isPlugin:
		b.fail(diag.Semantic, name.Span(), suggest(name.Name, pluginNames()), "unknown plugin %s", name.Name)
	case n == nil:
		b.fail(diag.Semantic, op.Span(), "", "%s needs a table before it", name.Name)
	case isTemplate:
		return b.invokeTemplate(sc, n, op, t)
	}
	return bind(b, sc, n, op)
}

func pluginNames() []string {
	return slices.Concat(slices.Collect(maps.Keys(templates)), slices.Collect(maps.Keys(plugins)), slices.Collect(maps.Keys(refusedPlugins)))
}

// preview returns the first of its two tables, and notes the second.
// https://learn.microsoft.com/kusto/query/preview-plugin
func (b *binder) preview(sc *scope, n Node, op *syntax.Evaluate) Node {
	b.arity(op.Call, 1, 1)
	if b.opt.Ask != nil {
		for _, row := range b.ask(op.Span(), b.count(n, &syntax.Count{})) {
			b.note("preview: the table has %v rows", row[0])
		}
	}
	return b.limit(sc, n, op.Call.Args[0])
}

// maxUnpacked is how many columns a plugin may make of data; more is a mistake, or an attack.
const maxUnpacked = 1000

// ask runs a plan while the query is being bound: what columns a plugin returns depends on the data.
func (b *binder) ask(at diag.Span, n Node) [][]schema.Value {
	if b.opt.Ask == nil {
		b.fail(diag.Unsupported, at, "", "the columns depend on the data, which is not at hand here: declare them behind the plugin, as in `: (a:string)`")
	}
	rows, err := b.opt.Ask(b.result(n))
	if err != nil {
		b.fail(diag.Runtime, at, "", "the data that decide the columns cannot be read: %s", err)
	}
	if len(rows) > maxUnpacked {
		b.fail(diag.Unsupported, at, "", "the data make %d columns, more than %d: declare those that you need behind the plugin, as in `: (a:string)`", len(rows), maxUnpacked)
	}
	return rows
}

// isEmpty asks the data whether a table has no rows.
func (b *binder) isEmpty(at diag.Span, n Node) bool {
	return len(b.ask(at, &Limit{base: base{cols: n.Columns()}, In: n, N: &Const{T: schema.Long, V: int64(1)}})) == 0
}

// pluginColumn is the column that an argument names.
func (b *binder) pluginColumn(n Node, x syntax.Expr) *Column {
	name, ok := x.(*syntax.Name)
	if !ok {
		b.fail(diag.Semantic, x.Span(), "", "the name of a column is expected here")
	}
	return b.existing(n.Columns(), name, unknownColumn)
}

// bagUnpack makes columns of the properties of a bag.
// https://learn.microsoft.com/kusto/query/bag-unpack-plugin
func (b *binder) bagUnpack(sc *scope, n Node, op *syntax.Evaluate) Node {
	b.arity(op.Call, 1, 4)
	bag := b.pluginColumn(n, op.Call.Args[0])
	if bag.Type != schema.Dynamic {
		b.fail(diag.Semantic, op.Call.Args[0].Span(), "", "bag_unpack needs a dynamic column, this is %s", bag.Type)
	}
	given := b.unpackOptions(sc, op)
	prefix := given.text("OutputColumnPrefix", "")
	if op.Schema != nil {
		return b.unpackDeclared(n, bag, prefix, op.Schema)
	}
	ignored := map[string]bool{}
	if c := given["ignoredProperties"]; c != nil {
		for _, x := range b.arrayItems(ptr(Expr(&Const{T: schema.String, V: ""})), c) {
			if k, ok := x.(*Const); ok {
				name, _ := k.V.(string)
				ignored[name] = true
			}
		}
	}
	out := &Compute{base: base{order: n.Ordering()}, In: n}
	place := 0 // of the bag, which a property of its name takes
	for _, c := range n.Columns() {
		if c != bag {
			out.cols = append(out.cols, c)
		} else {
			place = len(out.cols)
		}
	}
	keys, types := b.properties(op.Span(), n, bag)
	if len(keys) == 0 && b.isEmpty(op.Span(), n) { // of a table that was not exported, say: there is nothing to get wrong
		open := b.openColumn()
		out.cols, out.Items = append(out.cols, open), append(out.Items, Item{Col: open, X: null(schema.Unknown)})
		b.note("bag_unpack has no rows: the columns that it would make are empty")
	}
	for _, key := range keys {
		if ignored[key] {
			continue
		}
		c := b.column(prefix+key, types[key])
		x := b.convert(&Path{X: &Col{bag}, Steps: []Step{{Key: key}}}, types[key])
		old := findColumn(out.cols, c.Name)
		switch conflict := given.text("columnsConflict", "error"); {
		case old == nil && c.Name == bag.Name:
			out.cols = slices.Insert(out.cols, place, c)
		case old == nil:
			out.cols = append(out.cols, c)
		case conflict == "keep_source":
			continue
		case conflict == "replace_source":
			for i := range out.cols {
				if out.cols[i] == old {
					out.cols[i] = c
				}
			}
		default:
			b.fail(diag.Runtime, op.Span(), "columnsConflict='keep_source'", "the bag has a property %s, and a column of that name is there already", key)
		}
		out.Items = append(out.Items, Item{Col: c, X: x})
	}
	return out
}

// constants are arguments by their names.
type constants map[string]*Const

func (c constants) text(name, fallback string) string {
	if given := c[name]; given != nil {
		fallback, _ = given.V.(string)
	}
	return fallback
}

// unpackOptions are the arguments of bag_unpack behind the first, given in order or by name.
func (b *binder) unpackOptions(sc *scope, op *syntax.Evaluate) constants {
	given := constants{}
	for i, a := range op.Call.Args[1:] {
		names, x := named(a)
		name := []string{"OutputColumnPrefix", "columnsConflict", "ignoredProperties"}[i]
		if len(names) == 1 {
			name = names[0].Name
		}
		c, ok := b.scalar(&frame{scope: sc}, x).(*Const)
		if !ok {
			b.fail(diag.Semantic, a.Span(), "", "%s must be a constant", name)
		}
		given[name] = c
	}
	return given
}

func ptr[T any](x T) *T { return &x }

// unpackDeclared returns the declared columns: those of the source by their names, the others from the bag.
func (b *binder) unpackDeclared(n Node, bag *Column, prefix string, declared *syntax.TypeLit) Node {
	out := &Compute{base: base{order: n.Ordering()}, In: n}
	for _, c := range n.Columns() {
		if c != bag && declared.Star {
			out.cols = append(out.cols, c)
		}
	}
	for _, p := range declared.Columns {
		t, ok := schema.ParseType(p.Type)
		if !ok {
			b.fail(diag.Semantic, p.Span(), "", "unknown type %s", p.Type)
		}
		if findColumn(out.cols, p.Name.Name) != nil {
			continue
		}
		c := b.column(p.Name.Name, t)
		var x Expr
		if source := findColumn(n.Columns(), p.Name.Name); source != nil && source != bag {
			x = b.convert(&Col{source}, t)
		} else {
			x = b.convert(&Path{X: &Col{bag}, Steps: []Step{{Key: strings.TrimPrefix(p.Name.Name, prefix)}}}, t)
		}
		out.cols = append(out.cols, c)
		out.Items = append(out.Items, Item{Col: c, X: x})
	}
	return out
}

// properties asks the data which properties the bags have, and of what type: dynamic where the types differ.
func (b *binder) properties(at diag.Span, n Node, bag *Column) ([]string, map[string]schema.Type) {
	list := b.column("", schema.Dynamic)
	lists := &Compute{base: base{cols: append(append([]*Column(nil), n.Columns()...), list)}, In: n, Items: []Item{{Col: list, X: b.invent("bag_keys", &Col{bag})}}}
	one, index := b.column("", schema.Dynamic), b.column("", schema.Long)
	index.Hidden = true
	each := &Expand{base: base{cols: append(append([]*Column(nil), lists.cols...), one)}, In: lists, Items: []ExpandItem{{Col: one, X: &Col{list}}}, Index: index}
	key, kind := b.column("Key", schema.String), b.column("Kind", schema.String)
	name := b.convert(&Col{one}, schema.String)
	found := &Compute{base: base{cols: []*Column{key, kind}}, In: each, Items: []Item{
		{Col: key, X: name}, {Col: kind, X: b.invent("gettype", &Path{X: &Col{bag}, Steps: []Step{{Index: name}}})},
	}}
	types := map[string]schema.Type{}
	var keys []string
	for _, row := range b.ask(at, &Distinct{base: base{cols: found.cols}, In: found}) {
		name, _ := row[0].(string)
		text, _ := row[1].(string)
		if name == "" {
			continue
		}
		old, known := types[name]
		if !known {
			keys = append(keys, name)
		}
		t, plain := schema.ParseType(text)
		switch {
		case text == "null" || text == "":
			t = old
		case !plain, known && old != schema.Unknown && old != t:
			t = schema.Dynamic
		}
		types[name] = t
	}
	sort.Strings(keys)
	for _, k := range keys {
		if types[k] == schema.Unknown {
			types[k] = schema.Dynamic
		}
	}
	return keys, types
}

// pivotAggregates are the aggregates of pivot for which a cell without rows has a known value.
var pivotAggregates = map[string]bool{
	"count": true, "sum": true, "min": true, "max": true, "make_list": true, "make_set": true, "dcount": true,
	"any": true, "take_any": true,
}

// pivot makes a column of each value of one column.
// https://learn.microsoft.com/kusto/query/pivot-plugin
func (b *binder) pivot(sc *scope, n Node, op *syntax.Evaluate) Node {
	if len(op.Call.Args) == 0 {
		b.arity(op.Call, 1, 1)
	}
	over := b.pluginColumn(n, op.Call.Args[0])
	b.takes(op.Call, &Col{over}, function.Simple)
	name, inside := "count", map[*Column]bool{over: true}
	var x Expr
	rest := op.Call.Args[1:]
	if len(rest) > 0 {
		if call, ok := rest[0].(*syntax.Call); ok {
			rest = rest[1:]
			name = call.Func.Name
			if !pivotAggregates[name] || len(call.Args) > 1 || len(call.Args) == 0 && name != "count" {
				b.fail(diag.Unsupported, call.Span(), "", "pivot with this aggregate is not supported")
			}
			if len(call.Args) == 1 {
				x = b.scalar(b.row(sc, n), call.Args[0])
				Walk(x, func(e Expr) {
					if c, ok := e.(*Col); ok {
						inside[c.C] = true
					}
				})
			}
		}
	}
	agg := &Aggregate{In: n}
	for _, c := range n.Columns() {
		if len(rest) == 0 && !c.Hidden && !inside[c] {
			b.pivotKey(op, agg, c)
		}
	}
	for _, a := range rest {
		b.pivotKey(op, agg, b.pluginColumn(n, a))
	}
	text := b.convert(&Col{over}, schema.String)
	for _, value := range b.pivotValues(op, n, text, agg.cols) {
		is := b.invent("==", text, &Const{T: schema.String, V: value})
		var v Expr
		switch {
		case x == nil:
			v = b.inventAt(op.Span(), name, is)
		case name == "any" || name == "take_any":
			v = b.inventAt(op.Span(), "take_anyif", x, is)
		default:
			v = b.inventAt(op.Span(), name, b.iff(is, x, &Const{T: x.Type()}))
		}
		c := b.column(value, schema.Long)
		c.Type = v.Type()
		agg.cols = append(agg.cols, c)
		agg.Aggs = append(agg.Aggs, Item{Col: c, X: v})
	}
	if op.Schema != nil {
		return b.declared(op.Schema, agg)
	}
	return agg
}

// declared brings a plugin's result to the columns that the query declares.
func (b *binder) declared(lit *syntax.TypeLit, in Node) Node {
	out := &Compute{In: in}
	for _, p := range lit.Columns {
		t, ok := schema.ParseType(p.Type)
		if !ok {
			b.fail(diag.Semantic, p.Span(), "", "unknown type %s", p.Type)
		}
		source := findColumn(in.Columns(), p.Name.Name)
		if source == nil {
			b.fail(diag.Semantic, p.Span(), "", "the plugin makes no column %s", p.Name.Name)
		}
		if !convertible(source.Type, t) {
			b.fail(diag.Semantic, p.Span(), "", "the column %s is %s, not %s", p.Name.Name, source.Type, t)
		}
		c := b.column(p.Name.Name, t)
		out.cols = append(out.cols, c)
		out.Items = append(out.Items, Item{Col: c, X: b.convert(&Col{source}, t)})
	}
	return out
}

func (b *binder) pivotKey(op *syntax.Evaluate, agg *Aggregate, c *Column) {
	if c.Type == schema.Dynamic {
		b.fail(diag.Semantic, op.Span(), "", "pivot cannot group by %s, which is dynamic: project it away or convert it", c.Name)
	}
	key := b.copyOf(c)
	agg.Keys = append(agg.Keys, Item{Col: key, X: &Col{c}})
	agg.cols = append(agg.cols, key)
}

// pivotValues are the columns that pivot makes: those declared beside the keys, or what the data hold.
func (b *binder) pivotValues(op *syntax.Evaluate, n Node, text Expr, keys []*Column) []string {
	if op.Schema != nil {
		var names []string
		for _, p := range op.Schema.Columns {
			if findColumn(keys, p.Name.Name) == nil {
				names = append(names, p.Name.Name)
			}
		}
		return names
	}
	c := b.column("Value", schema.String)
	values := &Compute{base: base{cols: []*Column{c}}, In: n, Items: []Item{{Col: c, X: text}}}
	var out []string
	for _, row := range b.ask(op.Span(), &Distinct{base: base{cols: values.cols}, In: values}) {
		if s, _ := row[0].(string); s != "" {
			out = append(out, s)
		}
	}
	sort.Strings(out)
	return out
}
