package casefile

import (
	"context"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
)

// functionAnswers are the documented examples of functions, in pieces.
var functionAnswers = []answer{
	{"row-rank-dense-function", `datatable(a:string, d:long) ['S', 3, 'S', 100, 'S', 3, 'S', 2, 'A', 1, 'A', 1] | sort by a desc, d asc | extend r = row_rank_dense(d, prev(a) != a) | project r`, `[1] [2] [2] [3] [1] [1]`},
	{"row-rank-min-function", `datatable(d:long) [3, 100, 3, 2, 3] | sort by d asc | extend r = row_rank_min(d) | project r`, `[1] [2] [2] [2] [5]`},
	{"row-number-function", `datatable(a:string, d:long) ['T', 1, 'T', 100, 'S', 1, 'S', 2, 'S', 0] | sort by a asc, d desc | extend r = row_number(1, prev(a) != a) | project r`, `[1] [2] [3] [1] [2]`},
	{"row-cumsum-function", `datatable(n:string, m:int, s:long) ['Alice', 1, 1000, 'Bob', 1, 1000, 'Alice', 2, 2000, 'Bob', 2, 1950] | order by n asc, m asc | extend total = row_cumsum(s, n != prev(n)) | project total`, `[1000] [3000] [1000] [2950]`},
	{"percentilesw-aggregation-function", `datatable(n:long, b:long) [8, 10, 6, 20, 3, 30, 1, 40] | summarize percentilesw(b, n, 50, 75, 99.9)`, `[20,20,40]`},
	{"percentilesw-aggregation-function", `datatable(n:long, b:long) [8, 10, 6, 20, 3, 30, 1, 40] | summarize percentilesw_array(b, n, dynamic([50, 75, 99.9]))`, `[[20,20,40]]`},
	{"percentiles-aggregation-function", `range x from 1 to 100 step 1 | summarize percentiles_array(x, 5, 50), 1 + percentile(x, 95)`, `[[5,50],96]`},
	{"hll-merge-function", `range x from 1 to 10 step 1 | extend y = x + 10 | summarize hll_x = hll(x), hll_y = hll(y) | project dcount_hll(hll_merge(hll_x, hll_y))`, `[20]`},
	{"hll-merge-aggregation-function", `range x from 1 to 10 step 1 | summarize h = hll(x % 4) by x % 2 | summarize dcount_hll(hll_merge(h))`, `[4]`},
	{"merge-tdigest-function", `range x from 1 to 10 step 1 | extend y = x + 10 | summarize tx = tdigest(x), ty = tdigest(y) | project percentile_tdigest(merge_tdigest(tx, ty), 100, typeof(long))`, `[20]`},
	{"rank-tdigest-function", `range x from 1 to 1000 step 1 | summarize t = tdigest(x) | project rank_tdigest(t, 685), percentrank_tdigest(t, 100)`, `[685.0,10.0]`},
	{"tdigest-merge-aggregation-function", `range x from 1 to 10 step 1 | summarize t = tdigest(1h * x) by x % 3 | summarize percentile_tdigest(tdigest_merge(t), 50)`, `["05:00:00"]`},
	{"take-any-aggregation-function", `datatable(s:string) ['x'] | summarize strcat(take_any(s), '!')`, `["x!"]`},
	{"bag-set-key-function", `print bag_set_key(dynamic({"a": 1}), 'k', 'x'), bag_set_key(dynamic({"a": 1}), '$.k.p', 2), bag_set_key(dynamic([1]), 'k', 1)`, `[{"a":1,"k":"x"},{"a":1,"k":{"p":2}},null]`},
	{"bag-remove-keys-function", `print bag_remove_keys(dynamic({"a": {"b": 1, "c": 2}}), dynamic(["$['a'].b"]))`, `[{"a":{"c":2}}]`},
	{"datetime-local-to-utc-function", `print datetime_local_to_utc(datetime(2020-02-02 20:02:20), 'US/Pacific'), datetime_local_to_utc(datetime(2022-03-27 02:00), 'Europe/Brussels'), datetime_local_to_utc(datetime(2022-03-27 03:00), 'Europe/Brussels'), datetime_local_to_utc(datetime(2020-02-02), 'Nowhere')`, `["2020-02-03T04:02:20Z","2022-03-27T00:00:00Z","2022-03-27T01:00:00Z",null]`},
	{"datetime-utc-to-local-function", `print datetime_utc_to_local(datetime(2022-07-11 22:18:48.467862), 'Australia/Canberra')`, `["2022-07-12T08:18:48.467862Z"]`},
	{"punycode-from-string-function", `print punycode_from_string('académie-française'), punycode_to_string('acadmie-franaise-npb1a'), punycode_from_string('艺术'), punycode_to_string('ü')`, `["acadmie-franaise-npb1a","académie-française","cqv902d",""]`},
	{"punycode-domain-to-string-function", `print punycode_domain_to_string("Kaledvoulc'h.Artorījos.edu"), punycode_domain_to_string('Riðill｡Skáldskaparmál｡org'), punycode_domain_from_string('xn--Ge-mia.Bulg.edu')`, `["Kaledvoulc'h.xn--Artorjos-ejb.edu","xn--Riill-jta.xn--Skldskaparml-dbbj.org","Gáe.Bulg.edu"]`},
	{"zlib-base64-compress-function", `print zlib_compress_to_base64_string("1234567890qwertyuiop"), zlib_decompress_from_base64_string(zlib_compress_to_base64_string(strrep('abc', 1000))) == strrep('abc', 1000)`, `["eAEBFADr/zEyMzQ1Njc4OTBxd2VydHl1aW9wOAkGdw==",true]`},
	{"gzip-base64-compress", `print gzip_compress_to_base64_string("1234567890qwertyuiop"), gzip_decompress_from_base64_string(gzip_compress_to_base64_string(strrep('abc', 1000))) == strrep('abc', 1000)`, `["H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==",true]`},
	{"url-encode-function", `print url_encode('https://www.bing.com/hello world')`, `["https%3a%2f%2fwww.bing.com%2fhello+world"]`},
	{"bitset-count-ones-function", `print bitset_count_ones(42), binary_shift_left(1, 2), binary_shift_left(1, 65), binary_shift_right(8, 2), binary_shift_left(1, -1)`, `[3,4,2,2,null]`},
	{"treepath-function", `print treepath(dynamic({"a": "b", "c": 123})), treepath(dynamic({"listProperty": [100, 200, 300, "abcde", {"x": "y"}]}))`, `[["['a']","['c']"],["['listProperty']","['listProperty'][0]","['listProperty'][0]['x']"]]`},
	{"zip-function", `print zip(dynamic([1, 3, 5]), dynamic([2, 4, 6])), zip(dynamic(["A", 1, 1.5]), dynamic([{}, "B"]))`, `[[[1,2],[3,4],[5,6]],[["A",{}],[1,"B"],[1.5,null]]]`},
	{"parse-command-line-function", `print parse_command_line("echo \"hello world!\"", "windows"), parse_command_line(@'p.exe a\\b "c\\" d\"e "f g"', "windows")`, `[["echo","hello world!"],["p.exe","a\\\\b","c\\","d\"e","f g"]]`},
	{"parse-xml-function", `print parse_xml('<e/>'), parse_xml('<e name="value">text</e>'), parse_xml('<e> <a>text</a> <a>text</a> </e>'), parse_xml('<e> text <a>text</a> </e>'), parse_xml('<e>'), parse_xml('no xml')`, `[{"e":null},{"e":{"@name":"value","#text":"text"}},{"e":{"a":["text","text"]}},{"e":{"#text":"text","a":"text"}},null,null]`},
	{"welch-test-function", `print round(welch_test(20.82, 7.91, 15, 22.99, 3.81, 15), 3)`, `[0.021]`},
	{"isascii", `print isascii('some string'), isascii('ü'), isutf8('some string')`, `[true,false,true]`},
	{"week-of-year-function", `print week_of_year(datetime(2020-12-31)), week_of_year(datetime(2020-06-15)), week_of_year(datetime(1970-01-01)), week_of_year(datetime(2000-01-01))`, `[53,25,1,52]`},
	{"format-bytes-function", `print format_bytes(564), format_bytes(10332, 1), format_bytes(20010332), format_bytes(20010332, 2), format_bytes(20010332, 0, "KB")`, `["564 Bytes","10.1 KB","19 MB","19.08 MB","19541 KB"]`},
	{"convert-energy-function", `print round(convert_energy(1.2, 'Joule', 'BritishThermalUnit'), 15), convert_speed(1.2, 'MeterPerSecond', 'CentimeterPerHour')`, `[0.001137380544376,432000.0]`},
	{"ipv4-range-to-cidr-list-function", `print ipv4_range_to_cidr_list("1.1.128.0", "1.1.140.255"), ipv4_range_to_cidr_list("0.0.0.0", "255.255.255.255")`, `[["1.1.128.0/21","1.1.136.0/22","1.1.140.0/24"],["0.0.0.0/0"]]`},
	{"extract-json-function", `print extract_json("$.name", '{"name": "John", "age": 30}', typeof(string)), extract_json("$['a'][1]", '{"a": [1, 2]}', typeof(long)), extract_json("$.a", 'no json')`, `["John",2,""]`},
	{"column-names-of-function", `let T = datatable(A:string, B:int) []; print column_names_of(T)`, `[["A","B"]]`},
	{"pack-all-function", `datatable(a:string, b:long, c:string) ['', 1, 'x'] | project pack_all(true)`, `[{"b":1,"c":"x"}]`},
	{"scalar-functions", `print set_equals(dynamic([1, 2, 2]), dynamic([2, 1])), set_equals(dynamic([1]), dynamic([1, 2]))`, `[true,false]`},
	{"series-fit-line-function", `print y = dynamic([2, 5, 6, 8, 11, 15, 17, 18, 25, 26, 30, 30]) | extend (r, s, v, rv, i, f) = series_fit_line(y) | project round(r, 4), round(s, 4), round(v, 4), round(rv, 4), round(i, 4), round(toreal(f[1]), 4)`, `[0.9829,2.7308,98.6288,1.6865,-1.6667,3.7949]`},
	{"series-fit-line-dynamic-function", `print round(toreal(series_fit_line_dynamic(dynamic([2, 5, 6, 8, 11, 15, 17, 18, 25, 26, 30, 30])).slope), 4)`, `[2.7308]`},
	{"series-fit-poly-function", `print y = dynamic([2, 5, 6, 8, 11, 15, 17, 18, 25, 26, 30, 30]) | extend (r, c) = series_fit_poly(y) | project round(r, 4), round(toreal(c[0]), 4), round(toreal(c[1]), 4)`, `[0.9829,2.7308,-1.6667]`},
	{"series-stats-dynamic-function", `print series_stats_dynamic(dynamic([23, 46, 23, 87, 4, 8, 3, 75, 2, 56, 13, 75, 32, 16, 29]))`, `[{"min":2.0,"min_idx":8,"max":87.0,"max_idx":3,"avg":32.8,"stdev":28.50363385354827,"variance":812.4571428571429,"sum":492.0,"len":15}]`},
	{"series-cosine-similarity-function", `print round(series_cosine_similarity(dynamic([0.1, 0.2, 0.1, 0.2]), dynamic([0.11, 0.2, 0.11, 0.21])), 12), round(series_cosine_similarity(dynamic([0.1, 0.2, 0.1, 0.2]), dynamic([1, 2, 3, 4, 9])), 12)`, `[0.999353438255,0.923760430703]`},
	{"series-magnitude-function", `print round(series_magnitude(dynamic([1, 2, 3, 4])), 12), series_product(dynamic([1, 2, 3, 4])), series_sign(dynamic([-6, 0, 8])), series_acos(dynamic([1]))`, `[5.477225575052,24.0,[-1.0,0.0,1.0],[0.0]]`},
	{"series-fill-linear-function", `print series_fill_linear(dynamic([null, 111, null, 36, null])), series_fill_linear(dynamic([null, 111.0, null, 36.0, null]), real(null), false), series_fill_linear(dynamic([null, null]), real(null), true, 3.5), series_fill_linear(dynamic([null]))`, `[[111,111,73,36,36],[null,111.0,73.5,36.0,null],[3.5,3.5],[0.0]]`},
	{"series-iir-function", `print series_iir(dynamic([0, 1, 2, 3, 4]), dynamic([1]), dynamic([1, -1])), series_iir(dynamic([1]), dynamic([1]), dynamic([0]))`, `[[0.0,1.0,3.0,6.0,10.0],null]`},
	{"series-fir-function", `print series_fir(dynamic([0, 0, 2, 2, 3, 3]), dynamic([1, -1]), false, false), series_fir(dynamic([0, 10, 20, 0]), dynamic([1, 1]))[2], series_fir(dynamic([0, 0, 30, 0, 0]), dynamic([1, 1, 1]), true, true), series_fir(dynamic([1]), dynamic([1, -1]), true)`, `[[0.0,0.0,2.0,0.0,1.0,0.0],15.0,[0.0,10.0,10.0,10.0,0.0],null]`},
	{"series-fft-function", `print x = dynamic([1, 0, -1, 0]) | extend (r, i) = series_fft(x) | extend (a, b) = series_ifft(r, i) | project r, a`, `[[0.0,2.0,0.0,2.0],[1.0,0.0,-1.0,0.0]]`},
	{"series-seasonal-function", `print series_seasonal(dynamic([1, 3, 5, 1, 3, 5, 2, 4, 6]), 3), series_seasonal(dynamic([1, 3, 5, 2, 4, 6, 1, 3, 5, 2, 4, 6]), 3)[1]`, `[[1.0,3.0,5.0,1.0,3.0,5.0,1.0,3.0,5.0],3.5]`},
	{"series-decompose-function", `print x = dynamic([1, 3, 5, 1, 3, 5, 4, 6, 8]) | extend (b, s, t, r) = series_decompose(x, 3) | project b, s, t, r`, `[[2.0,4.0,6.0,2.0,4.0,6.0,2.0,4.0,6.0],[1.0,3.0,5.0,1.0,3.0,5.0,1.0,3.0,5.0],[1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0],[-1.0,-1.0,-1.0,-1.0,-1.0,-1.0,2.0,2.0,2.0]]`},
	{"series-decompose-forecast-function", `print x = dynamic([1, 2, 3, 4, 0, 0]) | project f = series_decompose_forecast(x, 2, 0, 'linefit') | project f`, `[[1.0,2.0,3.0,4.0,5.0,6.0]]`},
	{"series-outliers-function", `print x = series_outliers(dynamic([-3, 2.4, 15, 3.9, 5, 6, 4.5, 5.2, 3, 4, 5, 16, 7, 5, 5, 4, null])) | project round(toreal(x[0]), 13), round(toreal(x[1]), 13), round(toreal(x[2]), 13), x[3], round(toreal(x[11]), 13), x[16]`, `[-1.9040785483609,-0.10021466044,1.3361954725339,0.0,1.6702443406674,0.0]`},
	{"series-outliers-function", `print series_outliers(dynamic([0, 1, 2, 3, 4, 8]), 'tukey')`, `[[-0.5,-0.1,0.0,0.0,0.1,1.7]]`},
	{"series-decompose-anomalies-function", `print x = dynamic([0, 1, 2, 3, 4, 5, 6, 30, 8]) | extend (f, s) = series_decompose_anomalies(x, 1.5, 0, 'none', 0, 'tukey') | project f, s`, `[[0,0,0,0,0,0,0,1,0],[-0.5,-0.25,0.0,0.0,0.0,0.0,0.0,6.0,0.5]]`},
	{"startofweek-function", `print datetime(2025, 6, 14)`, `["2025-06-14T00:00:00Z"]`},
	{"rows-near-plugin", `datatable(v:long, s:string) [1, 'S', 2, 'S', 3, 'S', 4, 'E', 5, 'S', 6, 'S', 7, 'S', 8, 'E'] | sort by v asc | evaluate rows_near(s == "E", 1) | project v`, `[3] [4] [5] [7] [8]`},
	{"rows-near-plugin", `datatable(v:long, s:string) [1, 'S', 2, 'S', 3, 'S', 4, 'E', 5, 'S', 6, 'S', 7, 'S'] | sort by v asc | evaluate rows_near(s == "E", 2, 0) | project v`, `[2] [3] [4]`},
	{"sliding-window-counts-plugin", `datatable(u:string, t:datetime) ['B', datetime(2017-08-01), 'D', datetime(2017-08-01), 'D', datetime(2017-08-01), 'A', datetime(2017-08-02), 'J', datetime(2017-08-04)] | evaluate sliding_window_counts(u, t, datetime(2017-08-01), datetime(2017-08-05), 3d, 1d) | sort by t asc`, `["2017-08-01T00:00:00Z",3,2] ["2017-08-02T00:00:00Z",4,3] ["2017-08-03T00:00:00Z",4,3] ["2017-08-04T00:00:00Z",2,2] ["2017-08-05T00:00:00Z",1,1]`},
	{"activity-counts-metrics-plugin", `datatable(u:string, t:datetime) ['A', datetime(2017-08-01), 'D', datetime(2017-08-01), 'C', datetime(2017-08-02), 'D', datetime(2017-08-02), 'D', datetime(2017-08-02), 'D', datetime(2017-08-03)] | evaluate activity_counts_metrics(u, t, datetime(2017-08-01), datetime(2017-08-04), 1d) | sort by t asc`, `["2017-08-01T00:00:00Z",2,2,2,2] ["2017-08-02T00:00:00Z",3,2,1,3] ["2017-08-03T00:00:00Z",1,1,0,3]`},
	{"activity-counts-metrics-plugin", `datatable(u:string, t:datetime, k:string) ['A', datetime(2017-08-01), 'x', 'A', datetime(2017-08-02), 'y', 'A', datetime(2017-08-02), 'x'] | evaluate activity_counts_metrics(u, t, datetime(2017-08-01), datetime(2017-08-04), 1d, k) | sort by k asc, t asc | project k, new_dcount, aggregated_dcount`, `["x",1,1] ["x",0,1] ["y",1,1]`},
	{"dcount-intersect-plugin", `range x from 1 to 100 step 1 | summarize a = hll(iff(x % 2 == 0, x, 0)), b = hll(iff(x % 3 == 0, x, 0)), c = hll(iff(x % 5 == 0, x, 0)) | evaluate dcount_intersect(a, b, c) | project s0 - 1, s1 - 1, s2 - 1`, `[50,16,3]`},
	{"ipv4-lookup-plugin", `let L = datatable(network:string, name:string, k:string) ['5.8.0.0/19', 'Russia', 'a', '5.8.1.0/24', 'inner', 'b', '2.20.183.0/24', 'UK', 'a', 'nonsense', 'x', 'a']; datatable(ip:string, k:string) ['2.20.183.12', 'a', '5.8.1.2', 'a', '5.8.1.2', 'b', '192.165.12.17', 'a', '', 'a'] | evaluate ipv4_lookup(L, ip, network, k, return_unmatched = true) | sort by ip asc, k asc`, `["","a","",""] ["192.165.12.17","a","",""] ["2.20.183.12","a","2.20.183.0/24","UK"] ["5.8.1.2","a","5.8.0.0/19","Russia"] ["5.8.1.2","b","5.8.1.0/24","inner"]`},
	{"ipv6-lookup-plugin", `let L = datatable(network:string, name:string) ['2001:0db8:85a3::/48', 'US', '10.0.0.0/8', 'ten']; datatable(ip:string) ['2001:db8:85a3::7334', '10.1.1.1', 'a5e::1'] | evaluate ipv6_lookup(L, ip, network) | sort by name asc`, `["2001:db8:85a3::7334","2001:0db8:85a3::/48","US"] ["10.1.1.1","10.0.0.0/8","ten"]`},
	{"rolling-percentile-plugin", `range i from 0 to 5 step 1 | project t = datetime(2018-01-01) + 12h * i, val = i + 1 | evaluate rolling_percentile(val, 50, t, 1d, 2) | sort by t asc`, `["2018-01-01T00:00:00Z",1] ["2018-01-02T00:00:00Z",2] ["2018-01-03T00:00:00Z",4]`},
	{"active-users-count-plugin", `datatable(u:string, t:datetime) ['B', datetime(2018-06-29), 'B', datetime(2018-06-30), 'A', datetime(2018-07-02), 'B', datetime(2018-07-04), 'B', datetime(2018-07-08), 'A', datetime(2018-07-10), 'A', datetime(2018-07-14), 'A', datetime(2018-07-17), 'A', datetime(2018-07-20), 'B', datetime(2018-07-24)] | evaluate active_users_count(u, t, datetime(2018-07-01), datetime(2018-07-31), 8d, 1d, 3, 7d) | sort by t asc`, `["2018-07-01T00:00:00Z",1] ["2018-07-15T00:00:00Z",1]`},
	{"geo-from-wkt-function", `print geo_from_wkt("POINT (1 2)"), geo_from_wkt("MULTIPOINT ((1 1), (2 2))"), geo_from_wkt("multilinestring ((1 1, 2 2), (4 4, 5 5))"), geo_from_wkt("GEOMETRYCOLLECTION (POINT (1 1),LINESTRING (2 2, 3 3))"), geo_from_wkt("LINESTRING"), geo_from_wkt("POINT (1)"), geo_from_wkt("POINT (1 2) x")`, `[{"type":"Point","coordinates":[1.0,2.0]},{"type":"MultiPoint","coordinates":[[1.0,1.0],[2.0,2.0]]},{"type":"MultiLineString","coordinates":[[[1.0,1.0],[2.0,2.0]],[[4.0,4.0],[5.0,5.0]]]},{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1.0,1.0]},{"type":"LineString","coordinates":[[2.0,2.0],[3.0,3.0]]}]},null,null,null]`},
	{"geo-polygon-area-function", `let p = dynamic({"type":"Polygon","coordinates":[[[-73.9495,40.7969],[-73.95807266235352,40.80068603561921],[-73.98201942443848,40.76825672305777],[-73.97317886352539,40.76455136505513],[-73.9495,40.7969]]]}); print round(geo_polygon_area(p), 3), round(toreal(geo_polygon_centroid(p).coordinates[0]), 9), geo_polygon_area(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,10],[10,10],[0,0]]]}))`, `[3475207.283,-73.96573569,null]`},
	{"geo-polygon-area-function", `print round(geo_polygon_area(dynamic({"type":"MultiPolygon","coordinates":[[[[-73.9495,40.7969],[-73.95807266235352,40.80068603561921],[-73.98201942443848,40.76825672305777],[-73.97317886352539,40.76455136505513],[-73.9495,40.7969]]],[[[-73.94262313842773,40.775991804565585],[-73.98107528686523,40.791849155467695],[-73.99600982666016,40.77092185281977],[-73.96150588989258,40.75609977566361],[-73.94262313842773,40.775991804565585]]]]})), 1)`, `[10889971.5]`},
	{"geo-line-centroid-function", `print c = geo_line_centroid(dynamic({"type":"LineString","coordinates":[[-73.95796, 40.80042], [-73.97317, 40.764486]]})).coordinates | project round(toreal(c[0]), 9), round(toreal(c[1]), 9)`, `[-73.965567057,40.78245325]`},
	{"geo-line-interpolate-point-function", `let l = dynamic({"type":"LineString","coordinates":[[-73.95796, 40.80042], [-73.97317, 40.764486]]}); print round(toreal(geo_line_interpolate_point(l, 0.25).coordinates[1]), 9), round(geo_line_locate_point(l, -73.965, 40.792), 9), geo_line_interpolate_point(l, 2.0)`, `[40.791436687,0.255601351,null]`},
	{"geo-closest-point-on-line-function", `print c = geo_closest_point_on_line(-115.199625, 36.210419, dynamic({"type":"LineString","coordinates":[[-115.115385,36.229195],[-115.183289,36.175007],[-115.192612,36.176736],[-115.202485,36.173439]]})).coordinates | project round(toreal(c[0]), 6), round(toreal(c[1]), 6)`, `[-115.192612,36.176736]`},
	{"geo-line-densify-function", `print c = geo_line_densify(dynamic({"type":"LineString","coordinates":[[50, 50], [51, 51]]})).coordinates | project array_length(c), round(toreal(c[1][0]), 9), round(toreal(c[1][1]), 9)`, `[9,50.125,50.125]`},
	{"geo-line-densify-function", `print geo_line_densify(dynamic({"type":"LineString","coordinates":[[1,1],[2,2]]}), 0), geo_polygon_densify(dynamic({"type":"Polygon","coordinates":[[[10,900],[11,10],[11,11],[10,11],[10,10]]]}))`, `[null,null]`},
	{"geo-intersects-2polygons-function", `let a = dynamic({"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,4],[0,0]]]}); let b = dynamic({"type":"Polygon","coordinates":[[[1,1],[2,1],[2,2],[1,1]]]}); let far = dynamic({"type":"Polygon","coordinates":[[[8,8],[9,8],[9,9],[8,8]]]}); let l = dynamic({"type":"LineString","coordinates":[[-1,2],[1,2]]}); print geo_intersects_2polygons(a, b), geo_intersects_2polygons(b, a), geo_intersects_2polygons(a, far), geo_intersects_line_with_polygon(l, a), geo_intersects_line_with_polygon(l, far), geo_intersects_2lines(l, l)`, `[true,true,false,true,false,true]`},
	{"geo-intersection-2lines-function", `let a = dynamic({"type":"LineString","coordinates":[[-73.978929,40.785155],[-73.980903,40.782621]]}); let b = dynamic({"type":"LineString","coordinates":[[-73.985195,40.788275],[-73.974552,40.779761]]}); print c = geo_intersection_2lines(a, b).coordinates, geo_intersection_2lines(a, dynamic({"type":"LineString","coordinates":[[3, 3],[4, 4]]})), same = geo_intersection_2lines(a, a).type | project round(toreal(c[0]), 9), round(toreal(c[1]), 9), print_1, same`, `[-73.979837117,40.78398929,{"type":"GeometryCollection","geometries":[]},"LineString"]`},
	{"geo-intersection-line-with-polygon-function", `print r = geo_intersection_line_with_polygon(dynamic({"type":"LineString","coordinates":[[-110.522, 39.198],[-91.428, 40.880]]}), dynamic({"type":"Polygon","coordinates":[[[-90.263,36.738],[-102.041,45.274],[-109.335,36.527],[-90.263,36.738]],[[-100.393,41.705],[-103.139,38.925],[-97.558,39.113],[-100.393,41.705]]]})) | project r.type, array_length(r.coordinates), round(toreal(r.coordinates[0][0][0]), 6), round(toreal(r.coordinates[1][1][1]), 6)`, `["MultiLineString",2,-106.893537,40.79906]`},
	{"geo-intersection-2polygons-function", `print r = geo_intersection_2polygons(dynamic({"type":"Polygon","coordinates":[[[2,45],[0,45],[1,44],[2,45]]]}), dynamic({"type":"Polygon","coordinates":[[[3,44],[2,45],[2,43],[3,44]]]})) | project r.type, round(toreal(r.coordinates[0]), 9), round(toreal(r.coordinates[1]), 9)`, `["Point",2.0,45.0]`},
	{"geo-union-lines-array-function", `print r = geo_union_lines_array(dynamic([{"type":"LineString","coordinates":[[1,1],[2,2],[3,1]]},{"type":"LineString","coordinates":[[2,2],[3,1],[4,4]]},{"type":"LineString","coordinates":[[2,2],[3,1]]}])) | project r.type, array_length(r.coordinates), round(toreal(r.coordinates[3][0]), 9)`, `["LineString",4,4.0]`},
	{"geo-union-polygons-array-function", `print geo_union_polygons_array(dynamic([{"type":"Polygon","coordinates":[[[-73.94622,40.79249]]]}]))`, `[null]`},
	{"geo-polygon-lookup-plugin", `let P = datatable(id:string, poly:dynamic) ['in', dynamic({"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,4],[0,0]]]})]; datatable(id:string, lon:real, lat:real) ['a', 1, 1, 'b', 8, 8] | evaluate geo_polygon_lookup(P, poly, lon, lat, return_unmatched = true) | sort by id asc`, `["a",1.0,1.0,"in"] ["b",8.0,8.0,""]`},
	{"geo-line-lookup-plugin", `let L = datatable(name:string, line:dynamic) ['eq', dynamic({"type":"LineString","coordinates":[[0,0],[4,0]]})]; datatable(lon:real, lat:real) [1, 0.0001, 1, 1] | evaluate geo_line_lookup(L, line, lon, lat, 100, return_lookup_key = true) | project lat, name, line.type`, `[0.0001,"eq","LineString"]`},
	{"geo-s2cell-to-polygon-function", `print r = geo_s2cell_to_polygon("89c259").coordinates[0], geo_s2cell_to_polygon("a") | project array_length(r), round(toreal(r[0][0]), 9), round(toreal(r[0][1]), 9), round(toreal(r[1][1]), 9), round(toreal(r[2][0]), 9), print_1`, `[5,-74.03001225,40.801268434,40.722226292,-73.935982114,null]`},
	{"arg-max-aggregation-function", `datatable(t:long, v:string) [1, 'x', 2, 'y'] | summarize arg_max(newest = t, text = v)`, `[2,"y"]`},
	{"ingestion-time-function", `datatable(t:long) [] | where ingestion_time() > ago(1h) | extend g = geo_info_from_ip_address('8.8.8.8'), u = parse_user_agent('x', 'os') | count`, `[0]`},
	{"row-window-session-function", `datatable(ID:string, T:datetime) ["1", datetime(2024-04-11 10:00), "2", datetime(2024-04-11 10:18), "1", datetime(2024-04-11 11:00), "3", datetime(2024-04-11 11:30), "2", datetime(2024-04-11 13:30), "2", datetime(2024-04-11 10:16)] | sort by ID asc, T asc | extend S = row_window_session(T, 1h, 5m, ID != prev(ID)), n = row_number() | project ID, S, n`, `["1","2024-04-11T10:00:00Z",1] ["1","2024-04-11T11:00:00Z",2] ["2","2024-04-11T10:16:00Z",3] ["2","2024-04-11T10:16:00Z",4] ["2","2024-04-11T13:30:00Z",5] ["3","2024-04-11T11:30:00Z",6]`},
	{"row-window-session-function", `datatable(v:long) [1, 3, 5, 8, 9, 20] | sort by v asc | extend s = row_window_session(v, 7, 3) | where s > 0 | project s`, `[1] [1] [1] [8] [8] [20]`},
	{"array-index-of-function", `let a = dynamic(["this", "is", "an", "example", "an", "example"]); print array_index_of(a, "an"), array_index_of(a, "example", 1, 3), array_index_of(a, "example", 1, 2), array_index_of(a, "is", 2, 4), array_index_of(a, "example", 2, -1), array_index_of(a, "an", 1, -1, 2), array_index_of(a, "an", 1, -1, 3), array_index_of(a, "an", -3), array_index_of(a, "is", -4)`, `[2,3,-1,-1,3,4,-1,4,-1]`},
	{"base64-encode-fromguid-function", `print base64_encode_fromguid(toguid("ae3133f2-6e22-49ae-b06a-16e6a9b212eb"))`, `["8jMxriJurkmwahbmqbIS6w=="]`},
	{"bin-auto-function", `set query_bin_auto_size=1h; set query_bin_auto_at=datetime(2017-01-01 00:05); range Timestamp from datetime(2017-01-01 00:05) to datetime(2017-01-01 02:00) step 1m | summarize count() by bin_auto(Timestamp) | sort by Timestamp asc`, `["2017-01-01T00:05:00Z",60] ["2017-01-01T01:05:00Z",56]`},
	{"buildschema-aggregation-function", `datatable(value: dynamic) [dynamic({"x":1, "y":3.5}), dynamic({"x":"somevalue", "z":[1, 2, 3]}), dynamic({"y":{"w":"zzz"}, "t":["aa", "bb"], "z":["foo"]})] | summarize buildschema(value)`, "[{\"x\":[\"long\",\"string\"],\"y\":[\"double\",{\"w\":\"string\"}],\"z\":{\"`indexer`\":[\"long\",\"string\"]},\"t\":{\"`indexer`\":\"string\"}}]"},
	{"tohex-function", `print tohex(256), tohex(-256), tohex(toint(-256), 8), tohex(256, 8), tohex(256, 2)`, `["100","ffffffffffffff00","ffffff00","00000100","100"]`},
	{"bag-has-key-function", `print bag_has_key(dynamic({"k": {"p": 1}}), '$.k.p'), bag_has_key(dynamic({"k": {"p": 1}}), '$.k.q'), bag_has_key(dynamic({"k": 1}), 'k'), bag_has_key(dynamic([1]), 'k')`, `[true,false,true,false]`},
	{"dynamic-to-json-function", `print dynamic_to_json(dynamic({"Y10": {}, "X8": {"c3": 1, "d8": 5, "a4": 6}, "D1": 114, "A14": [15, 13]}))`, `["{\"A14\":[15,13],\"D1\":114,\"X8\":{\"a4\":6,\"c3\":1,\"d8\":5},\"Y10\":{}}"]`},
	{"make-datetime-function", `print make_datetime(2017, 10, 01, 12, 11, 0.1234567), make_datetime(2017, 13, 1), make_datetime(2017, 1, 1, 1, 1, 60.0)`, `["2017-10-01T12:11:00.1234567Z",null,null]`},
	{"parse-ipv6-mask-function", `print parse_ipv6_mask('192.168.255.255/24', 124), parse_ipv6_mask('::192.168.255.255', 128), parse_ipv6_mask('::192.168.255.255/24', 128), parse_ipv6_mask('::1', 128)`, `["0000:0000:0000:0000:0000:ffff:c0a8:ff00","0000:0000:0000:0000:0000:ffff:c0a8:ffff","0000:0000:0000:0000:0000:ffff:c0a8:ff00","0000:0000:0000:0000:0000:0000:0000:0001"]`},
	{"variancepif-aggregation-function", `range x from 1 to 100 step 1 | summarize variancepif(x, x % 2 == 0), varianceif(x, x % 2 == 0)`, `[850.0,850.0]`},
	{"geo-polygon-densify-function", `print geo_polygon_densify(dynamic({"type":"Polygon","coordinates":[[[10,10],[11,10],[11,11],[10,11],[10,10]]]})).coordinates`, `[[[[10,10],[10.25,10],[10.5,10],[10.75,10],[11,10],[11,11],[10.75,11],[10.5,11],[10.25,11],[10,11],[10,10]]]]`},
	{"geo-line-simplify-function", `print geo_line_simplify(dynamic({"type":"LineString","coordinates":[[1, 1]]})), geo_line_simplify(dynamic({"type":"LineString","coordinates":[[1, 1],[2,2]]}), -1), geo_polygon_buffer(dynamic({"type":"Polygon","coordinates":[[[10,10],[0,10],[0,0],[10,10]]]}), 0), geo_point_buffer(200, 1, 0.1)`, `[null,null,null,null]`},
	{"geo-polygon-to-s2cells-function", `let p = dynamic({"type":"Polygon","coordinates":[[[-73.99,40.73],[-73.98,40.73],[-73.98,40.74],[-73.99,40.74],[-73.99,40.73]]]}); print set_has_element(geo_polygon_to_s2cells(p, 16), geo_point_to_s2cell(-73.985, 40.735, 16)), set_has_element(geo_polygon_to_s2cells(p, 16), geo_point_to_s2cell(-73.97, 40.735, 16)), array_length(geo_line_to_s2cells(dynamic({"type":"LineString","coordinates":[[1, 1],[2,2]]}), 3)), geo_polygon_to_s2cells(p, 31)`, `[true,false,1,null]`},
	{"array-shift-left-function", `print array_shift_left(dynamic([1, 2, 3]), 1, '[x')`, `[[2,3,"[x"]]`},
}

// TestRefusals asks for what is not documented: the answer is an error that says so, never a guess.
func TestRefusals(t *testing.T) {
	ctx := context.Background()
	c, err := Open(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for _, text := range []string{
		`print series_decompose_anomalies(range(1, 20, 1))`,
		`print series_outliers(dynamic([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]))`,
		`print series_outliers(range(1, 20, 1), 'ctukey', 0, 5, 95)`,
		`print series_periods_detect(range(1, 20, 1), 0.0, 50.0, 2)`,
		`datatable(t:long) [1] | where ingestion_time() > ago(1h)`,
		`datatable(ip:string) ['8.8.8.8'] | extend c = geo_info_from_ip_address(ip).country`,
		`print parse_user_agent('Mozilla', 'browser')`,
		`let a = dynamic({"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,4],[0,0]]]}); print geo_union_polygons_array(pack_array(a, a))`,
	} {
		_, err := c.Query(ctx, kql.Request{Source: &diag.Source{Name: "q", Text: text}})
		list, ok := diag.AsList(err)
		if !ok || list.Items[0].Kind != diag.Unsupported {
			t.Errorf("%s: got %v, want an unsupported error", text, err)
		}
	}
}

func TestFunctionAnswers(t *testing.T) { checkAnswers(t, functionAnswers) }
