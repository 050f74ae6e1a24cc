package casefile

import (
	"context"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// answers are questions with the answers that Kusto's documentation gives; the page stands beside each.
var answers = []answer{
	{"scalar-data-types/null-values", `datatable(v:int) [5, int(null)] | where v != 5 | count`, `[1]`},
	{"scalar-data-types/null-values", `print isnull(''), isempty(''), isnull(long(null))`, `[false,true,true]`},
	{"datatypes-string-operators", `print 'North America' has 'america', 'KustoExplorer' has 'Explorer', 'a-b-c' has 'b', 'ab' has ''`, `[true,false,true,true]`},
	{"datatypes-string-operators", `print 'aBc' == 'abc', 'aBc' =~ 'abc', 'aBc' contains 'ABC', 'aBc' contains_cs 'abc', 'abc' startswith 'AB'`, `[false,true,true,false,true]`},
	{"in-cs-operator", `print 'x' in ('X', 'y'), 'x' in~ ('X', 'y'), 2 in (dynamic([1, [2, 3]]))`, `[false,true,true]`},
	{"numerical-operators", `print 1/2, -5/2, 1.0/2, 2h/1h, -14 % 12, 14 % -12`, `[0,-2,0.5,2.0,10,2]`},
	{"bin-function", `print bin(-4, 3), bin(4.5, 1), bin(timespan(16d), 7d)`, `[-6,4.0,"14.00:00:00"]`},
	{"datetime-diff-function", `print datetime_diff('year', datetime(2017-01-01), datetime(2000-12-31)), datetime_diff('day', datetime(2020-01-02 00:00), datetime(2020-01-01 23:59))`, `[17,1]`},
	{"startofweek-function", `print startofweek(datetime(2017-01-01 10:10:17)), startofweek(datetime(2017-01-02))`, `["2017-01-01T00:00:00Z","2017-01-01T00:00:00Z"]`},
	{"day-of-week-function", `print dayofweek(datetime(2015-12-14)), dayofweek(datetime(2015-12-13))`, `["1.00:00:00","00:00:00"]`},
	{"scalar-data-types/dynamic", `print d = dynamic({"a": [1, 2, 3], "b": {"c": "x"}}) | project d.a[-1], d.b.c, d.missing.too, d["b"]["c"]`, `[3,"x",null,"x"]`},
	{"parse-json-function", `print parse_json('not json'), tostring(parse_json('{"a": 1}')), tostring(parse_json('{"a": 9007199254740993}').a)`, `["not json","{\"a\":1}","9007199254740993"]`},
	{"tostring-function", `print tostring(datetime(2020-01-01)), tostring(1d), tostring(dynamic('x')), tostring(dynamic(null)), tostring(long(null))`, `["2020-01-01T00:00:00.0000000Z","1.00:00:00","x","",""]`},
	{"join-operator", `let L = datatable(k:string, v:long, v1:long) ['a', 1, 2]; let R = datatable(k:string, v:long) ['a', 3]; L | join kind=inner R on k`, `["a",1,2,"a",3]`},
	{"join-innerunique", `let L = datatable(k:long, v:string) [1, 'x', 1, 'y']; let R = datatable(k:long, w:string) [1, 'z']; L | join R on k | count`, `[1]`},
	{"join-fullouter", `let L = datatable(k:string, v:long) ['a', 1]; let R = datatable(k:string, w:long) ['b', 2]; L | join kind=fullouter R on k | sort by w asc`, `["a",1,"",null] ["",null,"b",2]`},
	{"join-leftanti", `let L = datatable(k:long) [1, 2, 3]; let R = datatable(k:long) [2]; L | join kind=leftanti R on k | summarize make_set(k)`, `[[1,3]]`},
	{"lookup-operator", `let L = datatable(k:string, v:long) ['a', 1, 'b', 2]; let R = datatable(k:string, n:string) ['a', 'x']; L | lookup R on k | sort by k asc`, `["a",1,"x"] ["b",2,""]`},
	{"summarize-operator", `datatable(x:long) [] | summarize count(), make_set(x), max(x), sum(x)`, `[0,[],null,0]`},
	{"summarize-operator", `datatable(x:long) [] | summarize count() by x | count`, `[0]`},
	{"arg-max-aggregation-function", `datatable(k:string, t:long, v:string) ['a', 1, 'x', 'a', 2, 'y', 'b', long(null), 'z'] | summarize arg_max(t, v) by k | sort by k asc`, `["a",2,"y"] ["b",null,"z"]`},
	{"sort-operator", `datatable(x:long) [1, long(null), 3] | sort by x`, `[3] [1] [null]`},
	{"sort-operator", `datatable(x:long) [1, long(null), 3] | sort by x asc`, `[null] [1] [3]`},
	{"mv-expand-operator", `datatable(a:long, b:dynamic) [1, dynamic([10, 20]), 2, dynamic([]), 3, dynamic(null)] | mv-expand b`, `[1,10] [1,20] [3,null]`},
	{"mv-expand-operator", `print b = dynamic({"x": 1, "y": 2}) | mv-expand with_itemindex=i b`, `[{"x":1},0] [{"y":2},1]`},
	{"union-operator", `let A = datatable(k:string, v:long) ['a', 1]; let B = datatable(k:long, w:long) [2, 3]; union A, B | sort by v desc`, `["a",null,1,null] ["",2,null,3]`},
	{"let-statement", `let f = (x:long, y:long = 10) { x + y }; print f(1), f(1, 2)`, `[11,3]`},
	{"toscalar-function", `let t = datatable(x:long) [5, 7]; print toscalar(t | summarize max(x)), toscalar(t | where x > 100 | project x)`, `[7,null]`},
	{"prev-function", `datatable(x:long) [1, 4, 9] | sort by x asc | extend d = x - prev(x)`, `[1,null] [4,3] [9,5]`},
	{"coalesce-function", `print coalesce('', 'b'), coalesce(long(null), 3), iff(1 > 2, 'a', 'b'), case(false, 1, true, 2, 3)`, `["b",3,"b",2]`},
	{"extract-function", `print extract('x=([0-9.]+)', 1, 'hello x=45.6|wo'), replace_regex('a1b22', '[0-9]+', '<\\0>'), 'abc' matches regex 'B', 'abc' matches regex '(?i)B'`, `["45.6","a<1>b<22>",false,true]`},
	{"ipv4-is-in-range-function", `print ipv4_is_in_range('192.168.1.6', '192.168.1.1/24'), ipv4_is_in_range('nonsense', '10.0.0.0/8'), format_ipv4_mask('192.168.1.6', 24)`, `[true,null,"192.168.1.0/24"]`},
	{"scalar-data-types/datetime", `print datetime(9999-12-31 23:59:59.9999999), datetime(0001-01-01), datetime(2020-01-01) - datetime(2019-12-31 23:59:59.9999999)`, `["9999-12-31T23:59:59.9999999Z","0001-01-01T00:00:00Z","00:00:00.0000001"]`},
	{"mv-apply-operator", `datatable(a:long, xs:dynamic) [1, dynamic([5, 1, 3]), 2, dynamic([9, 8])] | mv-apply xs to typeof(long) on (top 2 by xs)`, `[1,5] [1,3] [2,9] [2,8]`},
	{"mv-apply-operator", `datatable(a:long, xs:dynamic) [1, dynamic([5, 1]), 2, dynamic([9, 8])] | mv-apply x = xs to typeof(long) on (where x > 5 | summarize n = count(), l = make_list(x)) | sort by a asc`, `[1,[5,1],0,[]] [2,[9,8],2,[9,8]]`},
	{"mv-apply-operator", `datatable(a:long, xs:dynamic) [1, dynamic([[5, 1], [3]]), 2, dynamic([[9, 8]])] | mv-apply x = xs on (mv-apply y = x to typeof(long) on (summarize s = sum(y)) | summarize t = make_list(s)) | project a, t | sort by a asc`, `[1,[6,3]] [2,[17]]`},
	{"partition-operator", `datatable(a:long, s:string) [1, 'x', 2, 'x', 3, 'y'] | partition by s (top 1 by a) | sort by a asc`, `[2,"x"] [3,"y"]`},
	{"mv-expand-operator", `datatable(a:long, b:dynamic) [1, dynamic([10, 20, 30])] | mv-expand b limit 2`, `[1,10] [1,20]`},
	{"parse-operator", `print s = 'id=7, name=x y, rest' | parse s with 'id=' id:long ', name=' name ',' * 'st' | project id, name`, `[7,"x y"]`},
	{"parse-operator", `datatable(s:string) ['a=1;b=x', 'a=no;b=y'] | parse s with 'a=' a:long ';b=' b | project a, b | sort by b asc`, `[null,""] [1,"x"]`},
	{"parse-operator", `datatable(s:string) ['a=no;b=y'] | parse kind=relaxed s with 'a=' a:long ';b=' b | project a, b`, `[null,"y"]`},
	{"parse-where-operator", `datatable(s:string) ['a=1;b=x', 'a=no;b=y'] | parse-where s with 'a=' a:long ';b=' b | project a, b`, `[1,"x"]`},
	{"parse-kv-operator", `print s = 'src=10.1.1.1 msg="the \\"host\\" is" t=5 t=6' | parse-kv s as (t:long, msg:string, none:long) with (pair_delimiter=' ', kv_delimiter='=', quote='"', escape='\\') | project-away s`, `[5,"the \"host\" is",null]`},
	{"make-series-operator", `datatable(t:datetime, k:string, v:long) [datetime(2017-01-01), 'a', 1, datetime(2017-01-01 13:00), 'a', 2, datetime(2017-01-03), 'a', 5, datetime(2017-01-02), 'b', 7, datetime(2017-01-04), 'b', 9] | make-series s = sum(v), n = count() default = -1 on t from datetime(2017-01-01) to datetime(2017-01-04) step 1d by k | project k, s, n | sort by k asc`, `["a",[3,0,5],[2,-1,1]] ["b",[0,7,0],[-1,1,-1]]`},
	{"make-series-operator", `datatable(x:long) [4, 6, 11] | make-series count() on x step 2`, `[[1,1,0,1],[4,6,8,10]]`},
	{"indexof-function", `print indexof("abcdefg", "cde"), indexof("abcdefg", "cde", 1, 2), indexof("abcdefgabcdefg", "cde", 1, 10, 2), indexof("abcdefgabcdefg", "cde", 1, -1, 3), indexof(1234567, 5, 1, 4)`, `[2,-1,9,-1,4]`},
	{"hash-function", `print hash("World"), hash_xxhash64("World", 100), hash(datetime(2015-01-01))`, `[1846988464401551951,51,1380966698541616202]`},
	{"make-bag-aggregation-function", `datatable(k:string, v:long) ['a', 1, 'b', 2] | sort by k asc | summarize make_bag(bag_pack(k, v))`, `[{"a":1,"b":2}]`},
	{"parse-url-function", `print u = parse_url('scheme://username:password@host:1234/this/is/a/path?k1=v1&k2=v2#fragment') | project u.Host, u.Port, u["Query Parameters"].k2, u.Fragment`, `["host","1234","v2","fragment"]`},
	{"array-sort-asc-function", `print array_sort_asc(dynamic([1, 3, 2]), dynamic(["a", "b", "c"]))`, `[[1,2,3],["a","c","b"]]`},
	{"array-sort-asc-function", `print array_sort_asc(dynamic([1, 3, 2]), dynamic(["a", "b", "c"]))[1], array_sort_asc(dynamic([null, 2, 1]), false)`, `[["a","c","b"],[null,1,2]]`},
	{"series-stats-function", `print x = dynamic([2, 4, 6]) | project series_stats(x)`, `[2.0,0,6.0,2,4.0,2.0,4.0]`},
	{"range-function", `print range(1h, 3h), range(0.5, 2.0, 0.5), range(datetime(2020-01-01), datetime(2020-01-03), 1d)`, `[["01:00:00","02:00:00","03:00:00"],[0.5,1.0,1.5,2.0],["2020-01-01T00:00:00.0000000Z","2020-01-02T00:00:00.0000000Z","2020-01-03T00:00:00.0000000Z"]]`},
	{"extract-function", `print extract("x=([0-9]+)", 1, "x=45", typeof(long)) + 1`, `[46]`},
	{"convert-temperature-function", `print convert_temperature(0.0, 'DegreeCelsius', 'Kelvin'), convert_length(1.0, 'Kilometer', 'Meter')`, `[273.15,1000.0]`},
	{"geo-h3cell-rings-function", `datatable(a:dynamic) [dynamic([1, [2]]), dynamic([3]), dynamic({"k": 1, "l": 2})] | summarize make_list(a), make_set(a)`, `[[1,[2],3,{"k":1,"l":2}],[1,[2],3,{"k":1,"l":2}]]`},
	{"geo-point-in-circle-function", `print geo_point_in_circle(-122.143564, 47.535677, -122.100896, 47.527351, 3500), geo_point_in_circle(1, 1, 1, 1, -1), round(geo_distance_2points(-122.407628, 47.578557, -118.275287, 34.019056), 5)`, `[true,null,1546754.35197]`},
	{"geo-point-to-geohash-function", `print geo_point_to_geohash(-80.195829, 25.802215, 8), geo_point_to_geohash(200, 1, 8), geo_geohash_to_central_point("sunny").coordinates[0]`, `["dhwfz15h","",42.47314453125]`},
	{"bag-unpack-plugin", `datatable(Name:string, d:dynamic) ['James', dynamic({"Name": "John", "Age": 20}), 'David', dynamic({"Age": 40})] | evaluate bag_unpack(d, columnsConflict = 'replace_source') | sort by Age asc`, `["John",20] ["",40]`},
	{"bag-unpack-plugin", `datatable(d:dynamic) [dynamic({"Name": "John", "Age": 20}), dynamic({"Name": 3})] | evaluate bag_unpack(d, 'P_') | sort by P_Age asc`, `[null,3] [20,"John"]`},
	{"bag-unpack-plugin", `datatable(a:long, d:dynamic) [1, dynamic({"Name": "John", "Age": 20})] | evaluate bag_unpack(d) : (*, Name:string)`, `[1,"John"]`},
	{"pivot-plugin", `datatable(E:string, S:string, n:long) ['a', 'x', 1, 'a', 'y', 2, 'b', 'x', 3] | evaluate pivot(S, sum(n)) | sort by E asc`, `["a",1,2] ["b",3,0]`},
	{"extract-all-function", `print extract_all(@"(\w)(\w+)(\w)", dynamic([1, 3]), "82b8be2d"), extract_all(@"(?P<first>\d)(\d)", dynamic(["first", 2]), "8247")`, `[[["8","d"]],[["8","2"],["4","7"]]]`},
	{"make-list-aggregation-function", `_GetWatchlist('none') | summarize make_list(Any)`, `[[]]`},
	{"range-operator", `range x from 3 to 1 step -1`, `[3] [2] [1]`},
	{"union-operator", `let V = view () { print x = 1 }; union isfuzzy=true (V | where x > 0), (Nowhere | where x > 0) | count`, `[1]`},
	{"bag-unpack-plugin", `datatable(Name:string, d:dynamic) ['James', dynamic({"Name": "John", "Age": 20}), 'Emily', dynamic({"Name": "Jasmine", "Age": 30})] | evaluate bag_unpack(d, columnsConflict = 'keep_source') | sort by Age asc`, `["James",20] ["Emily",30]`},
	{"bag-unpack-plugin", `datatable(d:dynamic) [dynamic({"Name": "John", "Age": 20, "Address": "x"})] | evaluate bag_unpack(d, ignoredProperties = dynamic(['Address', 'Age']))`, `["John"]`},
}

func TestAnswers(t *testing.T) { checkAnswers(t, answers) }

// answer is a question with the answer that the page of the documentation gives.
type answer struct{ page, query, want string }

// answerTables are all of them.
var answerTables = [][]answer{answers, functionAnswers, operatorAnswers}

func checkAnswers(t *testing.T, answers []answer) {
	t.Helper()
	ctx := context.Background()
	c, err := Open(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for _, a := range answers {
		rows, err := c.Query(ctx, kql.Request{Source: &diag.Source{Name: a.page, Text: a.query}})
		if err != nil {
			t.Errorf("%s: %s: %v", a.page, a.query, err)
			continue
		}
		var parts []string
		for _, row := range rows.Rows {
			parts = append(parts, jsonRow(rows.Columns, row))
		}
		if got := strings.Join(parts, " "); got != a.want {
			t.Errorf("%s: %s\n got %s\nwant %s", a.page, a.query, got, a.want)
		}
	}
}

// TestBeyondRange computes what no type of Kusto can hold, and of which it is not known what Kusto makes of it: an error.
// https://learn.microsoft.com/kusto/query/scalar-data-types/datetime
func TestBeyondRange(t *testing.T) {
	c, err := Open(context.Background(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for query, says := range map[string]string{
		"print x = startofday(datetime(9999-12-31), 1)":   "column x: the datetime that was computed lies outside",
		"print x = startofmonth(datetime(9999-12-31), 1)": "outside of the years 1 to 9999",
		"print x = time(9223372036854775807tick) + 1tick": "Overflow",
		"print a = -9223372036854775808 | project abs(a)": "Overflow",
	} {
		_, err := c.Query(context.Background(), kql.Request{Source: &diag.Source{Name: "q", Text: query}})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error that says %q", query, err, says)
		}
	}
}

// jsonRow is a row as the query contract prints it.
func jsonRow(columns []schema.Column, row []schema.Value) string {
	b := []byte{'['}
	for i, v := range row {
		if i > 0 {
			b = append(b, ',')
		}
		b = schema.AppendJSON(b, columns[i].Type, v)
	}
	return string(append(b, ']'))
}

// FuzzQuery compiles any text; what compiles, DuckDB must be able to prepare.
func FuzzQuery(f *testing.F) { //fuzz:slow each input is a query that DuckDB runs
	for _, table := range answerTables {
		for _, a := range table {
			f.Add(a.query)
		}
	}
	for _, script := range conformanceScripts(f) {
		for _, c := range script.Cases {
			f.Add(c.Query)
		}
	}
	f.Add("let T = SigninLogs | extend d = DeviceDetail; T | join (T | project Id, d) on Id | where toint(Status.errorCode) == 0 | project tostring(d1.browser)")
	f.Add("union (AADNonInteractiveUserSignInLogs | extend d = parse_json(LocationDetails)), (SigninLogs | project d = LocationDetails) | mv-expand n = d | where tobool(d.city)")
	ctx := context.Background()
	c := openTest(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return
		}
		compiled, err := kql.Compile(kql.Request{Source: &diag.Source{Name: "q", Text: text}}, c, schema.UnixEpoch)
		if err != nil {
			if _, ok := diag.AsList(err); !ok {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if strings.Contains(text, "range") || strings.Contains(text, "rep") {
			return // a constant list of any length would be made while preparing
		}
		// LIMIT 0 binds every name and type without running the query over rows.
		if _, err := c.Select(ctx, "SELECT * FROM ("+compiled.SQL()+") LIMIT 0", compiled.Columns); err != nil && strings.Contains(err.Error(), "Binder Error: Referenced column") {
			t.Fatalf("%q: %v\n%s", text, err, compiled.SQL())
		}
	})
}
