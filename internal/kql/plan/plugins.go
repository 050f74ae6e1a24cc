package plan

import (
	"maps"
	"slices"
)

// templates are the plugins that can be said in KQL. The result's columns are those of the official analyser.
var templates = map[string]template{
	// https://learn.microsoft.com/kusto/query/activity-counts-metrics-plugin
	"activity_counts_metrics": {params: "id:column timeline:column __start:scalar __end:scalar __step:scalar dims", query: `
__source
| where {timeline} between (__start .. __end)
| extend __window = bin_at({timeline}, __step, __start)
| sort by {id}{dims}, __window asc
| extend __new = row_number(1, {id} != prev({id}){changed}) == 1
| summarize ['count'] = count(), ['dcount'] = dcount({id}), new_dcount = countif(__new) by {timeline} = __window{dims}
| sort by true{dims}, {timeline} asc
| extend aggregated_dcount = row_cumsum(new_dcount, false{changed})`},
	// https://learn.microsoft.com/kusto/query/activity-metrics-plugin
	"activity_metrics": {params: "id:column timeline:column __start:scalar __end:scalar __step:scalar dims", query: `
__source
| where {timeline} between (__start .. __end)
| summarize by {id}{dims}, __window = bin_at({timeline}, __step, __start)
| sort by {id} asc{dims}, __window asc
| extend __same = {id} == prev({id}){same}
| extend __back = __same and prev(__window) == __window - __step
| summarize dcount_values = count(), dcount_newvalues = countif(not(__back)), __back = countif(__back) by {timeline} = __window{dims}
| sort by true{dims}, {timeline} asc
| extend __first = row_number() == 1{changed}
| extend __before = iff(__first, long(0), prev(dcount_values)), __next = prev({timeline}) == {timeline} - __step
| where __first or __next or $refuse('activity_metrics of the period after one without events')
| project {timeline}{dims}, dcount_values, dcount_newvalues, retention_rate = toreal(__back) / __before, churn_rate = toreal(__before - __back) / __before`},
	// The users of a cohort were first seen in its period.
	// https://learn.microsoft.com/kusto/query/new-activity-metrics-plugin
	"new_activity_metrics": {params: "id:column timeline:column __start:scalar __end:scalar __step:scalar __cohort:scalar? dims", query: `
let __seen = __source
| where {timeline} between (__start .. __end)
| summarize by __id = {id}, __to = bin_at({timeline}, __step, __start){dims};
let __kept = __seen
| join kind=inner (__seen | summarize __first = min(__to) by __id{dims}) on __id{dims}
| summarize __kept = count() by __first, __to{dims};
range __from from __start to __end step __step
| extend __one = 1
| join kind=inner (range __to from __start to __end step __step | extend __one = 1) on __one
| join kind=inner (__seen | summarize by __one = 1{dims}) on __one
| where __from <= __to and {__cohort.is}
| join kind=leftouter __kept on __to{dims}
| summarize __later = sumif(__kept, __first > __from), dcount_retained_values = sumif(__kept, __first == __from) by __from, __to{dims}
| join kind=leftouter (__kept | where __first == __to | project __from = __first, __size = __kept{dims}) on __from{dims}
| extend __size = coalesce(__size, 0)
| where __size > 0 or $refuse('new_activity_metrics of a period without new values')
| project ['from_{timeline.text}'] = __from, ['to_{timeline.text}'] = __to{dims}, dcount_new_values = iff(__from == __to, dcount_retained_values, __later), dcount_retained_values, dcount_churn_values = __size - dcount_retained_values, retention_rate = toreal(dcount_retained_values) / __size, churn_rate = toreal(__size - dcount_retained_values) / __size`},
	// https://learn.microsoft.com/kusto/query/schema-merge-plugin
	"schema_merge": {params: "PreserveOrder:yes", query: `
__source
| summarize __least = min(ColumnOrdinal), ColumnOrdinal = max(ColumnOrdinal), __types = dcount(ColumnType), DataType = take_any(DataType), ColumnType = take_any(ColumnType) by ColumnName
| where __types == 1 or $refuse('schema_merge of a column of several types')
| sort by ColumnOrdinal asc
| extend __free = prev(ColumnOrdinal, 1, long(-1)) != ColumnOrdinal
| where __free or $refuse('schema_merge of columns that want one place')
| extend __moved = {PreserveOrder} and __least != ColumnOrdinal, __error = 'ERROR(columns are out of order)'
| project ColumnName, ColumnOrdinal = iff(__moved, long(-1), ColumnOrdinal), DataType = iff(__moved, strcat('ERROR(unknown CSL type:', __error, ')'), DataType), ColumnType = iff(__moved, __error, ColumnType)`},
	// https://learn.microsoft.com/kusto/query/narrow-plugin
	"narrow": {params: "", query: `
__source
| serialize Row = row_number(0){columns.refused}
| mv-expand Column = pack_array({columns.names}) to typeof(string), Value = pack_array({columns.texts}) to typeof(string)
| project Row, Column, Value`},
	// https://learn.microsoft.com/kusto/query/sliding-window-counts-plugin
	"sliding_window_counts": {params: "id:column timeline:column __start:scalar __end:scalar __lookback:scalar __step:scalar dims", query: `
__source
| where {timeline} > __start - __lookback and {timeline} <= __end
| extend __bin = bin_at({timeline}, __step, __start)
| extend __window = range(__bin, __bin + __lookback - __step, __step)
| mv-expand __window to typeof({timeline.type})
| where __window between (__start .. __end)
| summarize Count = count(), Dcount = dcount({id}) by {timeline} = __window{dims}`},
	// An appearance counts where the days before it, the lookback without its first instant, hold enough periods.
	// https://learn.microsoft.com/kusto/query/active-users-count-plugin
	"active_users_count": {params: "id:column timeline:column __start:scalar __end:scalar __lookback:scalar __period:scalar __active:scalar __step:scalar dims", query: `
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
	"rolling_percentile": {params: "value:column __percent:scalar index:column __size:scalar __bins:scalar dims", query: `
let __binned = __source | extend __bin = bin({index}, __size);
let __last = toscalar(__binned | summarize max(__bin));
__binned
| extend __window = range(__bin, __bin + (__bins - 1) * __size, __size)
| mv-expand __window to typeof({index.type})
| where __window <= __last
| summarize ['rolling_{__bins.value}_percentile_{value.text}_{__percent.value}'] = percentile({value}, __percent) by {index} = __window{dims}`},
	// https://learn.microsoft.com/kusto/query/dcount-intersect-plugin
	"dcount_intersect": {params: "first:column dims", query: `__source | extend s0 = dcount_hll({first}){intersections}`},
	// https://learn.microsoft.com/kusto/query/ipv4-lookup-plugin
	"ipv4_lookup": {params: "table:table ip:column network:key dims return_unmatched:flag", query: `
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
	// Unlike ipv4_lookup it has the columns of the table first, as its page shows.
	// https://learn.microsoft.com/kusto/query/ipv6-lookup-plugin
	"ipv6_lookup": {params: "table:table ip:column network:key return_unmatched:flag", query: `
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
__matches | join kind={return_unmatched.right} (__source | extend __left = {ip}) on $left.__ip == $right.__left | project-away __ip, __left`},
	// https://learn.microsoft.com/kusto/query/geo-polygon-lookup-plugin
	"geo_polygon_lookup": {params: "table:table shape:key longitude:column latitude:column radius:number? return_unmatched:flag lookup_area_radius:number? return_lookup_key:switch", query: geoLookup("iff(isnull({radius}), geo_point_in_polygon(__longitude, __latitude, __shape), geo_distance_point_to_polygon(__longitude, __latitude, __shape) <= {radius})")},
	// https://learn.microsoft.com/kusto/query/geo-line-lookup-plugin
	"geo_line_lookup": {params: "table:table shape:key longitude:column latitude:column radius:number return_unmatched:flag lookup_area_radius:number? return_lookup_key:switch", query: geoLookup("geo_distance_point_to_line(__longitude, __latitude, __shape) <= {radius}")},
	// https://learn.microsoft.com/kusto/query/rows-near-plugin
	"rows_near": {params: "condition:condition __before:scalar __after:scalar?", query: `
__source
| extend __hit = {condition}
| extend __hits = row_cumsum(iff(__hit, 1, 0))
| extend __near = {near}
| where __near
| project-away __hit, __hits, __near`},
	// How these fill their columns is not documented.
	"activity_engagement":        undocumented("id:column timeline:column rest", "{timeline}, dcount_activities_inner = 0, dcount_activities_outer = 0, activity_ratio = 0.0"),
	"autocluster":                undocumented("rest", "SegmentId = 0, Count = 0, Percent = 0.0{columns}"),
	"basket":                     undocumented("rest", "SegmentId = 0, Count = 0, Percent = 0.0{columns}"),
	"diffpatterns":               undocumented("split:column rest", "SegmentId = 0, CountA = 0, CountB = 0, PercentA = 0.0, PercentB = 0.0, PercentDiffAB = 0.0{columns}"),
	"funnel_sequence":            undocumented("id:column timeline:column __start:scalar __end:scalar __max:scalar __step:scalar state:column rest", "{timeline}, prev = '', next = '', ['dcount'] = 0, samples = dynamic(null)"),
	"funnel_sequence_completion": undocumented("id:column timeline:column __start:scalar __end:scalar __bin:scalar state:column rest", "{timeline}, {state}, Period = 0s, ['dcount'] = 0"),
	"sequence_detect":            undocumented("timeline:column __wait:scalar __span:scalar steps dims", "{dims.first}{steps}, Duration = 0s"),
	"session_count":              undocumented("id:column timeline:column __start:scalar __end:scalar __bin:scalar __lookback:scalar dims", "{timeline}{dims}, count_sessions = 0"),
}

// undocumented is a plugin whose columns are known, but not what it puts there: it refuses rows. Without any, as over a
// table that was not exported, the answer is a table without rows.
func undocumented(params, columns string) template {
	return template{params: params, refusesRows: true, query: "__source | where $refuse('this plugin: how Kusto fills its columns is not documented') | project " + columns}
}

// plugins without a table to read, or with one to send elsewhere.
const (
	noService = "a query reads the case only"
	noProgram = "a query runs no programs"
)

// refusedPlugins are the plugins that are no business of a case, with the reason.
var refusedPlugins = map[string]string{
	"ai_chat_completion": noService, "ai_chat_completion_prompt": noService, "ai_embeddings": noService, "ai_embed_text": noService,
	"azure_digital_twins_query_request": noService, "cosmosdb_sql_request": noService, "http_request": noService,
	"http_request_post": noService, "mysql_request": noService, "postgresql_request": noService, "sql_request": noService,
	"infer_storage_schema": noService, "infer_storage_schema_with_suggestions": noService,
	"python": noProgram, "r": noProgram,
	"diffpatterns_text": "how Kusto finds patterns is not documented",
}

// Plugins lists the plugins of evaluate that answer, those that have columns but refuse rows, and those that are refused,
// with the reason.
func Plugins() (answering, refusing []string, refused map[string]string) {
	answering = slices.Collect(maps.Keys(plugins))
	for name, t := range templates {
		if t.refusesRows {
			refusing = append(refusing, name)
		} else {
			answering = append(answering, name)
		}
	}
	slices.Sort(answering)
	slices.Sort(refusing)
	return answering, refusing, maps.Clone(refusedPlugins)
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
