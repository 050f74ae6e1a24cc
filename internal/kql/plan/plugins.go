package plan

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// template is a plugin that is itself a query. Its parameters are written `name:kind`: a column of the source, a column
// of __table (key), a table, a condition or number as text, a scalar, a flag that asks for unmatched rows, or a switch
// that keeps the key; `?` makes one optional. The query sees the source as __source, a table as __table and a scalar
// under its name. {name} stands for a column or condition, {name.type} for a column's type, {name.text} for an argument
// as it was written, {dims} for the columns that are left, each with a comma before it, and {changed} for `or` that one
// of them is not that of the row before.
type template struct {
	params, query string
}

// templates are the plugins that can be said in KQL. The result's columns are those of the official analyser.
var templates = map[string]template{
	// https://learn.microsoft.com/kusto/query/activity-counts-metrics-plugin
	"activity_counts_metrics": {"id:column timeline:column __start:scalar __end:scalar __step:scalar dims", `
__source
| where {timeline} between (__start .. __end)
| extend __window = bin_at({timeline}, __step, __start)
| sort by {id}{dims}, __window asc
| extend __new = row_number(1, {id} != prev({id}){changed}) == 1
| summarize ['count'] = count(), ['dcount'] = dcount({id}), new_dcount = countif(__new) by {timeline} = __window{dims}
| sort by true{dims}, {timeline} asc
| extend aggregated_dcount = row_cumsum(new_dcount, false{changed})`},
	// https://learn.microsoft.com/kusto/query/sliding-window-counts-plugin
	"sliding_window_counts": {"id:column timeline:column __start:scalar __end:scalar __lookback:scalar __step:scalar dims", `
__source
| where {timeline} > __start - __lookback and {timeline} <= __end
| extend __bin = bin_at({timeline}, __step, __start)
| extend __window = range(__bin, __bin + __lookback - __step, __step)
| mv-expand __window to typeof({timeline.type})
| where __window between (__start .. __end)
| summarize Count = count(), Dcount = dcount({id}) by {timeline} = __window{dims}`},
	// An appearance counts where the days before it, the lookback without its first instant, hold enough periods.
	// https://learn.microsoft.com/kusto/query/active-users-count-plugin
	"active_users_count": {"id:column timeline:column __start:scalar __end:scalar __lookback:scalar __period:scalar __active:scalar __step:scalar dims", `
let __events = __source
| where {timeline} > __start - __lookback and {timeline} <= __end
| distinct {timeline}, {id}{dims}
| extend __group = tostring(pack_array({id}{dims}));
__events
| where {timeline} >= __start
| join kind=inner (__events | project __group, __other = {timeline}) on __group
| where __other > {timeline} - __lookback and __other <= {timeline}
| summarize __periods = dcount(bin_at(__other, __period, __start)) by {timeline}, {id}{dims}
| where __periods >= __active
| summarize ['dcount'] = dcount({id}) by {timeline} = bin_at({timeline}, __step, __start){dims}`},
	// https://learn.microsoft.com/kusto/query/rolling-percentile-plugin
	"rolling_percentile": {"value:column __percent:scalar index:column __size:scalar __bins:scalar dims", `
let __binned = __source | extend __bin = bin({index}, __size);
let __last = toscalar(__binned | summarize max(__bin));
__binned
| extend __window = range(__bin, __bin + (__bins - 1) * __size, __size)
| mv-expand __window to typeof({index.type})
| where __window <= __last
| summarize ['rolling_{__bins.value}_percentile_{value.text}_{__percent.value}'] = percentile({value}, __percent) by {index} = __window{dims}`},
	// https://learn.microsoft.com/kusto/query/dcount-intersect-plugin
	"dcount_intersect": {"first:column dims", `__source | extend s0 = dcount_hll({first}){intersections}`},
	// https://learn.microsoft.com/kusto/query/ipv4-lookup-plugin
	"ipv4_lookup": {"table:table ip:column network:key dims return_unmatched:flag", `
let __pairs = __source
| summarize by __ip = {ip}
| mv-expand __n = range(0, ipv4_netmask_suffix(__ip)) to typeof(long)
| extend __network = format_ipv4_mask(__ip, __n)
| join kind=inner (__table | summarize by __key = {network} | extend __network = format_ipv4_mask(__key, ipv4_netmask_suffix(__key)) | where __network != '') on __network
| project __ip, __key;
let __matches = __pairs
| lookup kind=inner (__table | extend __found = {network}) on $left.__key == $right.__found
| project-away __key;
__source | extend __left = {ip} | lookup kind={return_unmatched} __matches on $left.__left == $right.__ip{dims} | project-away __left`},
	// https://learn.microsoft.com/kusto/query/ipv6-lookup-plugin
	"ipv6_lookup": {"table:table ip:column network:key return_unmatched:flag", `
let __suffix = (text:string) { coalesce(tolong(split(text, '/')[1]) + iff(text has ':', 0, 96), 128) };
let __pairs = __source
| summarize by __ip = {ip}
| mv-expand __n = range(0, __suffix(__ip)) to typeof(long)
| extend __network = strcat(parse_ipv6_mask(__ip, __n), '/', __n)
| join kind=inner (__table | summarize by __key = {network} | where parse_ipv6(__key) != '' | extend __network = strcat(parse_ipv6_mask(__key, __suffix(__key)), '/', __suffix(__key))) on __network
| project __ip, __key;
let __matches = __pairs
| lookup kind=inner (__table | extend __found = {network}) on $left.__key == $right.__found
| project-away __key;
__source | extend __left = {ip} | lookup kind={return_unmatched} __matches on $left.__left == $right.__ip | project-away __left`},
	// https://learn.microsoft.com/kusto/query/geo-polygon-lookup-plugin
	"geo_polygon_lookup": {"table:table shape:key longitude:column latitude:column radius:number? return_unmatched:flag lookup_area_radius:number? return_lookup_key:switch", geoLookup("iff(isnull({radius}), geo_point_in_polygon(__longitude, __latitude, __shape), geo_distance_point_to_polygon(__longitude, __latitude, __shape) <= {radius})")},
	// https://learn.microsoft.com/kusto/query/geo-line-lookup-plugin
	"geo_line_lookup": {"table:table shape:key longitude:column latitude:column radius:number return_unmatched:flag lookup_area_radius:number? return_lookup_key:switch", geoLookup("geo_distance_point_to_line(__longitude, __latitude, __shape) <= {radius}")},
	// https://learn.microsoft.com/kusto/query/rows-near-plugin
	"rows_near": {"condition:condition __before:scalar __after:scalar?", `
__source
| extend __hit = {condition}
| extend __hits = row_cumsum(iff(__hit, 1, 0))
| extend __near = {near}
| where __near
| project-away __hit, __hits, __near`},
}

// geoLookup joins the source's points with the shapes of a table for which the test holds.
func geoLookup(test string) string {
	return `
let __points = __source | summarize by __longitude = {longitude}, __latitude = {latitude};
let __matches = __points
| extend __one = 1
| join kind=inner (__table | extend __one = 1, __shape = {shape}) on __one
| where ` + test + `
| project-away __one, __one1, __shape{return_lookup_key};
__source
| extend __x = {longitude}, __y = {latitude}
| lookup kind={return_unmatched} __matches on $left.__x == $right.__longitude, $left.__y == $right.__latitude
| project-away __x, __y`
}

// invocation is one use of a template: what its placeholders and names stand for.
type invocation struct {
	call   *syntax.Call
	text   map[string]string
	dims   []string
	values map[string]*Const
}

// invokeTemplate binds a plugin that is a query.
func (b *binder) invokeTemplate(sc *scope, n Node, op *syntax.Evaluate, t template) Node {
	if op.Schema != nil {
		b.fail(diag.Unsupported, op.Schema.Span(), "", "%s with a declared schema is not supported", op.Call.Func.Name)
	}
	in := invocation{call: op.Call, text: map[string]string{}, values: map[string]*Const{}}
	sc = sc.with("__source", b.share("source", n))
	sc = b.templateArguments(sc, n, &in, t)
	src := &diag.Source{Name: op.Call.Func.Name, Text: in.expand(t.query)}
	script, list := syntax.Parse(src)
	if err := list.Err(); err != nil {
		b.fail(diag.Unsupported, op.Span(), "", "%s with these arguments is not supported", op.Call.Func.Name)
	}
	outer, reported := b.src, len(b.list.Items)
	var out Node
	b.src = src
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
	b.src = outer
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
		if name == "dims" {
			b.dimensions(n, in, &rest, i+1 < len(params))
			continue
		}
		x := given[strings.TrimPrefix(name, "__")]
		if x == nil && len(rest) > 0 {
			x, rest = rest[0], rest[1:]
		}
		switch {
		case kind == "flag":
			in.text[name] = map[bool]string{false: "inner", true: "leftouter"}[b.flag(sc, in, name, x)]
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
	return sc
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
func (b *binder) dimensions(n Node, in *invocation, rest *[]syntax.Expr, flagFollows bool) {
	for len(*rest) > 0 {
		if _, ok := (*rest)[0].(*syntax.Name); !ok && flagFollows {
			return
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
	in.text["near"] = fmt.Sprintf("next(__hits, %d, toscalar(__source | where %s | count)) > __hits or __hits > prev(__hits, %d, 0) or __hit", x, in.text["condition"], y+1)
}

func quoteName(name string) string {
	return "['" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(name) + "']"
}

// expand writes the query with what its placeholders stand for.
func (in *invocation) expand(query string) string {
	var dims, changed, intersections strings.Builder
	for i, d := range in.dims {
		dims.WriteString(", " + d)
		fmt.Fprintf(&changed, " or %s != prev(%s)", d, d)
		fmt.Fprintf(&intersections, ", s%d = array_length(set_intersect(%s, %s))", i+1, in.text["first"], strings.Join(in.dims[:i+1], ", "))
	}
	pairs := []string{"{dims}", dims.String(), "{changed}", changed.String(), "{intersections}", intersections.String()}
	for name, text := range in.text {
		pairs = append(pairs, "{"+name+"}", text)
	}
	return strings.NewReplacer(pairs...).Replace(query)
}
