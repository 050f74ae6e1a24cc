package casefile

import "testing"

// operatorAnswers are questions about tabular operators and statements, as answers are.
var operatorAnswers = []answer{
	{"take-any-aggregation-function", `datatable(k:long, a:string, b:long) [1, '', 5, 1, 'x', 5, 2, 'y', long(null)] | summarize take_any(a) by k | sort by k asc`, `[1,"x"] [2,"y"]`},
	{"take-any-aggregation-function", `datatable(a:string, b:long) ['x', 1, 'y', 2] | summarize take_any(*) | where (a == 'x') == (b == 1) | count`, `[1]`},
	{"arg-min-aggregation-function", `datatable(k:long, t:long, v:string, w:real) [1, 3, 'a', 1.5, 1, 2, 'b', 2.5, 1, long(null), 'c', 0.5] | summarize arg_min(t, v, w), arg_max(t, w) by k`, `[1,2,"b",2.5,3,1.5]`},
	{"arg-max-aggregation-function", `datatable(t:long, v:string) [long(null), 'a'] | summarize arg_max(t, v)`, `[null,"a"]`},
	{"arg-max-aggregation-function", `datatable(t:long, v:string) [] | summarize arg_max(t, v)`, `[null,""]`},
	{"toscalar-function", `let words = toscalar(datatable(w:string) ['beta', 'gamma'] | summarize make_list(w)); datatable(s:string) ['alpha beta', 'delta'] | where s has_any (words) | extend n = array_length(words)`, `["alpha beta",2]`},
	{"toscalar-function", `let words = toscalar(datatable(w:string) ['b'] | summarize make_list(w)); datatable(d:dynamic) [dynamic(['a'])] | mv-expand x = array_concat(d, words) to typeof(string) | summarize make_list(strcat(x, tostring(words[0])))`, `[["ab","bb"]]`},
	{"has-all-operator", `print dynamic([0, 50199, 7]) has_all (0, 50199), dynamic([50199]) has_all (0, 50199)`, `[true,false]`},
	{"make-series-operator", `datatable(x:long) [1, 3, 3] | make-series n = count() on x in range(1, 3, 1)`, `[[1,0,2],[1,2,3]]`},
	{"parse-operator", `print s = 'id=7', id = 'old' | parse s with 'id=' id:long`, `["id=7","old",7]`},
	{"join-operator", `let W = _GetWatchlist('none'); datatable(k:long) [1] | join kind=leftanti W on $left.k == $right.Anything | join kind=leftouter (W | project k = Any, Note) on k | where isempty(Note) | project k`, `[1]`},
	{"union-operator", `union (_GetWatchlist('none')), (datatable(a:long) [1]) | where a == 1 and isnull(Anything) | project a`, `[1]`},
	{"in-cs-operator", `datatable(a:long) [1] | where a !in ((_GetWatchlist('none') | project Any))`, `[1]`},
}

func TestOperators(t *testing.T) { checkAnswers(t, operatorAnswers) }
