package function

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// aggregateFuncs are the aggregates. arg_max, arg_min, take_any and percentiles return several columns and are bound
// apart; they stand here for their names only. Without a value an aggregate gives its default:
// https://learn.microsoft.com/kusto/query/summarize-operator#default-values-of-aggregations
// https://learn.microsoft.com/kusto/query/aggregation-functions
var aggregateFuncs = []Func{
	{Name: "count cnt", Signatures: []string{"-> long", "bool -> long", "any -> long"}, Build: buildCount, Aggregate: true, Naming: NamePrefix, Doc: "count-aggregation-function"},
	{Name: "countif", Signatures: []string{"bool -> long"}, SQL: "count(*) FILTER (WHERE $1)", Aggregate: true, Naming: NamePrefix, Doc: "countif-aggregation-function"},
	{Name: "dcount", Signatures: []string{"any, long? -> long"}, Undocumented: []string{"any, any"}, SQL: "count(DISTINCT $1)", Aggregate: true, Naming: NamePrefix, Doc: "dcount-aggregation-function"},
	{Name: "count_distinct", Signatures: []string{"simple -> long"}, SQL: "count(DISTINCT $1)", Aggregate: true, Naming: NamePrefix, Doc: "count-distinct-aggregation-function"},
	{Name: "dcountif", Signatures: []string{"any, bool, long? -> long"}, Undocumented: []string{"any, bool, any"}, SQL: "count(DISTINCT $1) FILTER (WHERE $2)", Aggregate: true, Naming: NamePrefix, Doc: "dcountif-aggregation-function"},
	{Name: "count_distinctif", Signatures: []string{"simple, bool -> long"}, SQL: "count(DISTINCT $1) FILTER (WHERE $2)", Aggregate: true, Naming: NamePrefix, Doc: "count-distinctif-aggregation-function"},
	{Name: "sum", Signatures: []string{"summable -> promoted"}, Undocumented: []string{"datetime"}, Build: buildSum(""), Aggregate: true, Naming: NamePrefix, Doc: "sum-aggregation-function"},
	{Name: "sumif", Signatures: []string{"summable, bool -> promoted"}, Undocumented: []string{"datetime, bool"}, Build: buildSum(" FILTER (WHERE $2)"), Aggregate: true, Naming: NamePrefix, Doc: "sumif-aggregation-function"},
	{Name: "avg", Signatures: []string{"timespan -> timespan", "datetime -> datetime", "decimal -> decimal", "number -> real"}, Build: buildAvg(""), Aggregate: true, Naming: NamePrefix, Doc: "avg-aggregation-function"},
	{Name: "avgif", Signatures: []string{"timespan, bool -> timespan", "datetime, bool -> datetime", "decimal, bool -> decimal", "number, bool -> real"}, Build: buildAvg(" FILTER (WHERE $2)"), Aggregate: true, Naming: NamePrefix, Doc: "avgif-aggregation-function"},
	{Name: "min", Signatures: []string{"orderable -> first"}, Build: buildExtreme("min", ""), Aggregate: true, Naming: NamePrefix, Doc: "min-aggregation-function"},
	{Name: "max", Signatures: []string{"orderable -> first"}, Build: buildExtreme("max", ""), Aggregate: true, Naming: NamePrefix, Doc: "max-aggregation-function"},
	{Name: "minif", Signatures: []string{"orderable, bool -> first"}, Build: buildExtreme("min", " FILTER (WHERE $2)"), Aggregate: true, Naming: NamePrefix, Doc: "minif-aggregation-function"},
	{Name: "maxif", Signatures: []string{"orderable, bool -> first"}, Build: buildExtreme("max", " FILTER (WHERE $2)"), Aggregate: true, Naming: NamePrefix, Doc: "maxif-aggregation-function"},
	{Name: "take_anyif", Signatures: []string{"any, bool -> first"}, Build: buildAnyIf, Aggregate: true, Naming: NameFirst, Doc: "take-anyif-aggregation-function"},
	{Name: "anyif", Signatures: []string{"any, bool -> first"}, Build: buildAnyIf, Aggregate: true, Naming: NamePrefix, Doc: "take-anyif-aggregation-function"},
	{Name: "stdev", Signatures: []string{"number -> real"}, Undocumented: []string{"scale"}, SQL: "coalesce(" + spread("stddev_samp", "") + ", 0)", Aggregate: true, Naming: NamePrefix, Doc: "stdev-aggregation-function"},
	{Name: "stdevif", Signatures: []string{"number, bool -> real"}, Undocumented: []string{"scale, bool"}, SQL: "coalesce(" + spread("stddev_samp", " FILTER (WHERE $2)") + ", 0)", Aggregate: true, Naming: NamePrefix, Doc: "stdevif-aggregation-function"},
	{Name: "stdevp", Signatures: []string{"number -> real"}, Undocumented: []string{"scale"}, SQL: spread("stddev_pop", ""), Aggregate: true, Naming: NamePrefix, Doc: "stdevp-aggregation-function"},
	{Name: "variance", Signatures: []string{"number -> real"}, Undocumented: []string{"scale"}, SQL: "coalesce(" + spread("var_samp", "") + ", 0)", Aggregate: true, Naming: NamePrefix, Doc: "variance-aggregation-function"},
	{Name: "varianceif", Signatures: []string{"number, bool -> real"}, Undocumented: []string{"scale, bool"}, SQL: "coalesce(" + spread("var_samp", " FILTER (WHERE $2)") + ", 0)", Aggregate: true, Naming: NamePrefix, Doc: "varianceif-aggregation-function"},
	{Name: "variancep", Signatures: []string{"number -> real"}, Undocumented: []string{"scale"}, SQL: spread("var_pop", ""), Aggregate: true, Naming: NamePrefix, Doc: "variancep-aggregation-function"},
	{Name: "make_list", Signatures: []string{"any, long!? -> dynamic"}, Build: buildList(listOf{}), Aggregate: true, Naming: NamePrefix, Prefix: "list", Doc: "make-list-aggregation-function"},
	{Name: "makelist", Signatures: []string{"any, long!? -> dynamic"}, Build: buildList(listOf{most: deprecatedSize}), Aggregate: true, Naming: NamePrefix, Prefix: "list", Doc: "make-list-aggregation-function"},
	{Name: "make_list_if", Signatures: []string{"any, bool, long!? -> dynamic"}, Build: buildList(listOf{filtered: true}), Aggregate: true, Naming: NamePrefix, Prefix: "list", Doc: "make-list-if-aggregation-function"},
	{Name: "make_list_with_nulls", Signatures: []string{"any -> dynamic"}, Build: buildList(listOf{nulls: true}), Aggregate: true, Naming: NamePrefix, Prefix: "list", Doc: "make-list-with-nulls-aggregation-function"},
	{Name: "make_set", Signatures: []string{"any, long!? -> dynamic"}, Build: buildList(listOf{set: true}), Aggregate: true, Naming: NamePrefix, Prefix: "set", Doc: "make-set-aggregation-function"},
	{Name: "makeset", Signatures: []string{"any, long!? -> dynamic"}, Build: buildList(listOf{set: true, most: deprecatedSize}), Aggregate: true, Naming: NamePrefix, Prefix: "set", Doc: "make-set-aggregation-function"},
	{Name: "make_set_if", Signatures: []string{"any, bool, long!? -> dynamic"}, Build: buildList(listOf{set: true, filtered: true}), Aggregate: true, Naming: NamePrefix, Prefix: "set", Doc: "make-set-if-aggregation-function"},
	{Name: "covariance", Signatures: []string{"number, number -> real"}, Undocumented: []string{"scale, scale"}, SQL: "covar_samp($2, $1)", Aggregate: true, Naming: NamePair, Doc: "covariance-aggregation-function"},
	{Name: "covarianceif", Signatures: []string{"number, number, bool -> real"}, Undocumented: []string{"scale, scale, bool"}, SQL: "covar_samp($2, $1) FILTER (WHERE $3)", Aggregate: true, Naming: NamePair, Doc: "covarianceif-aggregation-function"},
	{Name: "covariancep", Signatures: []string{"number, number -> real"}, Undocumented: []string{"scale, scale"}, SQL: "covar_pop($2, $1)", Aggregate: true, Naming: NamePair, Doc: "covariancep-aggregation-function"},
	{Name: "covariancepif", Signatures: []string{"number, number, bool -> real"}, Undocumented: []string{"scale, scale, bool"}, SQL: "covar_pop($2, $1) FILTER (WHERE $3)", Aggregate: true, Naming: NamePair, Doc: "covariancepif-aggregation-function"},
	// The page calls it the variance of a population, its example shows that of a sample: the example decides.
	{Name: "variancepif", Signatures: []string{"number, bool -> real"}, Undocumented: []string{"scale, bool"}, SQL: spread("var_samp", " FILTER (WHERE $2)"), Aggregate: true, Naming: NamePrefix, Doc: "variancepif-aggregation-function"},
	{Name: "make_bag", Signatures: []string{"array, long!? -> dynamic"}, Build: buildBag(false, 0), Aggregate: true, Naming: NamePrefix, Prefix: "bag", Doc: "make-bag-aggregation-function"},
	{Name: "make_dictionary", Signatures: []string{"array, long!? -> dynamic"}, Build: buildBag(false, deprecatedSize), Aggregate: true, Naming: NamePrefix, Prefix: "dictionary", Doc: "make-bag-aggregation-function"},
	{Name: "make_bag_if", Signatures: []string{"array, bool, long!? -> dynamic"}, Build: buildBag(true, 0), Aggregate: true, Naming: NamePrefix, Prefix: "bag", Doc: "make-bag-if-aggregation-function"},
	{Name: "buildschema", Signatures: []string{"array -> dynamic"}, Build: buildSchemaOf, Aggregate: true, Naming: NamePrefix, Prefix: "schema", Doc: "buildschema-aggregation-function"},
	{Name: "binary_all_or", Signatures: []string{"int -> int", "long -> long"}, Undocumented: []string{"scale"}, SQL: "bit_or($1)", Aggregate: true, Naming: NameFirst, Doc: "binary-all-or-aggregation-function"},
	{Name: "binary_all_and", Signatures: []string{"int -> int", "long -> long"}, Undocumented: []string{"scale"}, SQL: "bit_and($1)", Aggregate: true, Naming: NameFirst, Doc: "binary-all-and-aggregation-function"},
	{Name: "binary_all_xor", Signatures: []string{"int -> int", "long -> long"}, Undocumented: []string{"scale"}, SQL: "bit_xor($1)", Aggregate: true, Naming: NameFirst, Doc: "binary-all-xor-aggregation-function"},
}

// spread is a variance or its root of what is finite, which is all that DuckDB computes it of; it is NaN as soon as one
// value is infinite or NaN: such a value has no distance from its mean.
func spread(aggregate, filter string) string {
	return "CASE WHEN bool_or(NOT isfinite(CAST($1 AS DOUBLE)))" + filter + " THEN CAST('nan' AS DOUBLE) ELSE " +
		aggregate + "(CASE WHEN isfinite(CAST($1 AS DOUBLE)) THEN $1 END)" + filter + " END"
}

// buildCount counts rows. The analyser knows a condition as the argument; any other value is not looked at.
func buildCount(c Call) (string, error) {
	if len(c.Args) == 1 && c.Args[0].Type == schema.Bool {
		return "count(*) FILTER (WHERE " + c.Args[0].SQL + ")", nil
	}
	return "count(*)", nil
}

func buildSum(filter string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		sql := "sum(" + c.Args[0].SQL + ")" + expand(filter, c.Args)
		if c.Result == schema.Real || c.Result == schema.Decimal {
			return "coalesce(" + sql + ", 0)", nil
		}
		if c.Careful && c.Result == schema.Long {
			return anew("coalesce(" + sql + ", 0)"), nil
		}
		return "CAST(coalesce(" + sql + ", 0) AS BIGINT)", nil
	}
}

func buildAvg(filter string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		over := func(fn string) string { return fn + "(" + c.Args[0].SQL + ")" + expand(filter, c.Args) }
		switch c.Result {
		case schema.Timespan, schema.Datetime: // in whole ticks, of which a sum has more than a real can count
			return "CAST(kql_divide_long(" + over("sum") + ", " + over("count") + ") AS BIGINT)", nil
		case schema.Decimal:
			return divideDecimals(over("sum"), over("count")), nil
		default: // without a value it divides by 0, as the page of summarize says
			return "coalesce(" + over("avg") + ", CAST('nan' AS DOUBLE))", nil
		}
	}
}

func buildExtreme(fn, filter string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		sql := fn + "(" + c.Args[0].SQL + ")" + expand(filter, c.Args)
		if fn == "min" {
			sql = Least(c.Args[0].SQL, c.Result, expand(filter, c.Args))
		}
		if c.Result == schema.String {
			return "coalesce(" + sql + ", '')", nil
		}
		return sql, nil
	}
}

// buildAnyIf takes the least value, and "attempts to return a non-null/non-empty value": text that is not empty, where there is some.
func buildAnyIf(c Call) (string, error) {
	x := c.Args[0].SQL
	if c.Result == schema.String {
		x = "nullif(" + x + ", '')"
	}
	sql := "min(" + x + ")" + expand(" FILTER (WHERE $2)", c.Args)
	if c.Result == schema.String {
		return "coalesce(" + sql + ", '')", nil
	}
	return sql, nil
}

// Least renders the least of the values of all rows that the filter lets pass. One NaN makes it NaN, as it makes the
// greatest.
func Least(sql string, t schema.Type, filter string) string {
	least := "min(" + sql + ")" + filter
	if t == schema.Real {
		return "CASE WHEN bool_or(isnan(" + sql + "))" + filter + " THEN CAST('nan' AS DOUBLE) ELSE " + least + " END"
	}
	return least
}

type listOf struct {
	set, filtered, nulls bool
	most                 int64 // how many values stay where the call does not say; 0 for all
}

// deprecatedSize is how many values the older names makelist, makeset and make_dictionary keep by default.
const deprecatedSize = 128

// buildList renders make_list and make_set. Lists keep the input's order where it has one; a set has that in which its
// values stand in the query, else it is sorted, so that the same evidence gives the same text. An array among the values is flattened by one level: the documented examples
// of geo_h3cell_rings and geo_point_in_polygon show it of make_list, its own page of make_set.
func buildList(kind listOf) func(Call) (string, error) {
	return func(c Call) (string, error) {
		a := c.Args[0]
		rest := c.Args[1:]
		filter := ""
		// A text is never null; of dynamic values a list keeps null, as the emulator shows, though its page says otherwise.
		if keeps := kind.nulls || a.Type == schema.String || a.Type == schema.Dynamic && !kind.set; !keeps {
			filter = a.SQL + " IS NOT NULL"
		}
		if kind.filtered {
			filter = strings.TrimPrefix(filter+" AND "+rest[0].SQL, " AND ")
			rest = rest[1:]
		}
		if filter != "" {
			filter = " FILTER (WHERE " + filter + ")"
		}
		element := elementOf(a.SQL, a.Type)
		var list string
		switch {
		case kind.set && c.Written && a.Type == schema.Dynamic:
			list = firstOnes("flatten(list(kql_flat(" + a.SQL + ") ORDER BY " + c.Order + ")" + filter + ")")
		case kind.set && c.Written:
			list = firstOnes("list(" + element + " ORDER BY " + c.Order + ")" + filter)
		case kind.set && a.Type == schema.Dynamic:
			list = "list_sort(list_distinct(flatten(list(kql_flat(" + a.SQL + "))" + filter + ")))"
		case kind.set && a.Type == schema.String:
			list = "list_sort(list(DISTINCT " + a.SQL + ")" + filter + ")"
		case kind.set:
			list = "list_transform(list_sort(list(DISTINCT " + a.SQL + ")" + filter + "), e -> " + elementOf("e", a.Type) + ")"
		case a.Type == schema.Dynamic:
			order := ""
			if c.Order != "" {
				order = " ORDER BY " + c.Order
			}
			list = "flatten(list(kql_flat(" + a.SQL + ")" + order + ")" + filter + ")"
		case c.Order != "":
			list = "list(" + element + " ORDER BY " + c.Order + ")" + filter
		default:
			list = "list(" + element + ")" + filter
		}
		most := kind.most
		if len(rest) > 0 {
			n, ok := rest[0].Const.(int64)
			if !ok {
				return "", fmt.Errorf("the size must be a constant")
			}
			most = n
		}
		if most > 0 || len(rest) > 0 {
			list = fmt.Sprintf("list_slice(%s, 1, %d)", list, most)
		}
		return "coalesce(CAST(to_json(" + list + ") AS VARCHAR), '[]')", nil
	}
}

// elementOf renders an element of a list or set. JSON has no decimals: they become texts, as the emulator shows.
func elementOf(sql string, t schema.Type) string {
	if t == schema.Decimal {
		return "to_json(nullif(kql_decimal_text(" + sql + "), ''))"
	}
	return jsonOf(sql, t)
}

// firstOnes keeps of equal elements of a list the first one.
func firstOnes(list string) string {
	return "CAST(json_extract(kql_go_set_union_0(CAST(to_json(" + list + ") AS VARCHAR)), '$[*]') AS JSON[])"
}

// buildBag merges bags. Of a key that comes twice an arbitrary value stays; here it is the first of the input's order,
// else of the bags' text, so that the same evidence gives the same bag.
func buildBag(filtered bool, size int64) func(Call) (string, error) {
	return func(c Call) (string, error) {
		bag, rest := c.Args[0].SQL, c.Args[1:]
		filter := bag + " IS NOT NULL"
		if filtered {
			filter += " AND " + rest[0].SQL
			rest = rest[1:]
		}
		most := "NULL"
		switch {
		case len(rest) > 0:
			most = rest[0].SQL
		case size > 0:
			most = strconv.FormatInt(size, 10)
		}
		order := bag
		if c.Order != "" {
			order = c.Order
		}
		list := fmt.Sprintf("list(CAST(%s AS JSON) ORDER BY %s) FILTER (WHERE %s)", bag, order, filter)
		return fmt.Sprintf("kql_go_merge_bags_0(CAST(to_json(%s) AS VARCHAR), CAST(%s AS BIGINT))", list, most), nil
	}
}

// bagFuncs are the parts of make_bag and buildschema that SQL cannot do.
var bagFuncs = []Func{
	{Name: "merge_bags", Signatures: []string{"dynamic, long -> dynamic"}, Go: goMergeBags, NullIn: true, Doc: "make-bag-aggregation-function"},
	{Name: "schema_of", Signatures: []string{"dynamic -> dynamic"}, Go: goSchemaOf, Doc: "buildschema-aggregation-function"},
}

func goMergeBags(args []schema.Value) (schema.Value, error) {
	list, _ := elements(args[0])
	out := texts()
	for _, e := range list {
		b, ok := readBag(e)
		if !ok {
			continue
		}
		for _, k := range b.keys {
			if most, ok := args[1].(int64); ok && int64(len(out.keys)) >= most {
				break
			}
			out.set(k, b.values[k], false)
		}
	}
	return out.json(), nil
}

// windowFuncs need serialized rows.
// https://learn.microsoft.com/kusto/query/window-functions
var windowFuncs = []Func{
	{Name: "row_number", Signatures: []string{"long!? -> long", "long!, bool -> long"}, Build: buildRowNumber, Window: true, Restart: 2, Doc: "row-number-function"},
	{Name: "rand", Signatures: []string{"long -> real", "long, long -> real"}, Build: buildRand, Window: true, Drawn: true, Doc: "rand-function"},
	{Name: "new_guid", Signatures: []string{"long -> guid"}, Build: buildNewGUID, Window: true, Drawn: true, Doc: "new-guid-function"},
	{Name: "prev", Signatures: []string{"any, long!? -> first", "any, long!, any! -> first"}, Build: buildNeighbour("lag"), Window: true, Doc: "prev-function"},
	{Name: "next", Signatures: []string{"any, long!? -> first", "any, long!, any! -> first"}, Build: buildNeighbour("lead"), Window: true, Doc: "next-function"},
	{Name: "row_cumsum", Signatures: []string{"number -> first", "number, bool -> first"}, Build: buildCumSum, Window: true, Restart: 2, Doc: "row-cumsum-function"},
	{Name: "row_rank_dense", Signatures: []string{"simple -> long", "simple, bool -> long"}, Build: buildRank("count"), Window: true, Restart: 2, Before: "rank_start", Doc: "row-rank-dense-function"},
	{Name: "row_rank_min", Signatures: []string{"simple -> long", "simple, bool -> long"}, Build: buildRank("max"), Window: true, Restart: 2, Before: "rank_start", Doc: "row-rank-min-function"},
	{Name: "row_window_session", Signatures: []string{"datetime, timespan, timespan, bool? -> datetime"}, Window: true, Sequence: "session_starts", Doc: "row-window-session-function"},
}

// windowSteps are the functions that window functions go through. rank_start is the number of a row whose value is not
// that of the row before, null for any other row.
var windowSteps = []Func{
	{Name: "rank_start", Signatures: []string{"any -> long"}, Build: buildRankStart, Window: true, Doc: "row-rank-min-function"},
	{Name: "session_starts", Signatures: []string{"dynamic -> dynamic"}, Go: goSessionStarts, Doc: "row-window-session-function"},
}

func buildRankStart(c Call) (string, error) {
	number, x := "row_number() OVER ("+c.Over+")", c.Args[0].SQL
	return "CASE WHEN " + number + " = 1 OR " + x + " IS DISTINCT FROM lag(" + x + ") OVER (" + c.Over + ") THEN " + number + " END", nil
}

func buildRank(fn string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		return fn + "(" + c.Args[0].SQL + ") OVER (" + c.Over + " ROWS UNBOUNDED PRECEDING)", nil
	}
}

func buildRowNumber(c Call) (string, error) {
	start := "1"
	if len(c.Args) > 0 {
		start = c.Args[0].SQL
	}
	return "(row_number() OVER (" + c.Over + ") + " + start + " - 1)", nil
}

// lot is a number of 64 bits by the row's place, the same in every run: evidence that is asked twice answers alike.
func lot(c Call, salt int) string {
	return fmt.Sprintf("hash(row_number() OVER (%s), %s, %d)", c.Over, c.Args[len(c.Args)-1].SQL, salt)
}

// buildRand draws from [0, 1), or a whole number below the one given.
func buildRand(c Call) (string, error) {
	drawn := "(CAST(" + lot(c, 0) + " >> 11 AS DOUBLE) / 9007199254740992)" // the 53 bits of a real
	if len(c.Args) == 2 {
		return "floor(" + drawn + " * " + c.Args[0].SQL + ")", nil
	}
	return drawn, nil
}

// buildNewGUID draws a guid of version 4. https://www.rfc-editor.org/rfc/rfc9562#section-5.4
func buildNewGUID(c Call) (string, error) {
	digits := fmt.Sprintf("lower(lpad(to_hex(%s), 16, '0') || lpad(to_hex(%s), 16, '0'))", lot(c, 0), lot(c, 1))
	return fmt.Sprintf("CAST(substring(%[1]s, 1, 12) || '4' || substring(%[1]s, 14, 3) || 'a' || substring(%[1]s, 18) AS UUID)", digits), nil
}

func buildNeighbour(fn string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		args := c.Args[0].SQL
		for _, a := range c.Args[1:] {
			args += ", " + a.SQL
		}
		if len(c.Args) > 1 {
			if by, _ := c.Args[1].Const.(int64); by < 1 {
				return "", &Invalid{errors.New("the offset must be a positive number")}
			}
		}
		sql := fn + "(" + args + ") OVER (" + c.Over + ")"
		if c.Result == schema.String {
			return "coalesce(" + sql + ", '')", nil
		}
		return sql, nil
	}
}

func buildCumSum(c Call) (string, error) {
	sql := "sum(" + c.Args[0].SQL + ") OVER (" + c.Over + " ROWS UNBOUNDED PRECEDING)"
	if c.Result == schema.Real || c.Result == schema.Decimal {
		return sql, nil
	}
	if c.Careful && c.Result == schema.Long {
		return anew(sql), nil
	}
	return "CAST(" + sql + " AS " + SQLType(c.Result) + ")", nil
}

// goSessionStarts gives each row the value at which its session began. A row has a value, how far it may be from the
// first one and from the one before, and perhaps a condition that begins a session.
func goSessionStarts(args []schema.Value) (schema.Value, error) {
	rows, _ := elements(args[0])
	out := make([]json.RawMessage, len(rows))
	start, last := json.RawMessage("null"), json.RawMessage("null")
	for i, row := range rows {
		cells, ok := elements(row)
		if !ok || len(cells) < 3 {
			return nil, nil
		}
		x, known := position(cells[0])
		first, begun := position(start)
		previous, _ := position(last)
		fromFirst, _ := position(cells[1])
		fromLast, _ := position(cells[2])
		restart := len(cells) > 3 && string(cells[3]) == "true"
		if !begun || restart || known && (x >= first+fromFirst || x >= previous+fromLast) {
			start = cells[0]
		}
		out[i], last = start, cells[0]
	}
	return array(out), nil
}

// position is a number, datetime or timespan as a number; ok is false for null.
func position(e json.RawMessage) (schema.Ticks, bool) {
	if n, err := strconv.ParseInt(string(e), 10, 64); err == nil {
		return schema.Ticks(n), true
	}
	if t, ok := schema.ParseDatetime(text(e)); ok {
		return t, true
	}
	return schema.ParseTimespan(text(e))
}
