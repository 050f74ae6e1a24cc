package function

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// operatorTable holds the scalar operators, and the few functions that the binder calls under a name of its own.
// https://learn.microsoft.com/kusto/query/scalar-operators
var operatorTable = []Func{
	{Name: "and", Signatures: []string{"truth, truth -> bool"}, SQL: "($1 AND $2)", Doc: "logical-operators"},
	{Name: "or", Signatures: []string{"truth, truth -> bool"}, SQL: "($1 OR $2)", Doc: "logical-operators"},
	{Name: "==", Signatures: []string{"any, any -> bool"}, Build: buildEqual, Doc: "scalar-data-types/null-values"},
	{Name: "!=", Signatures: []string{"any, any -> bool"}, Build: buildNotEqual, Doc: "scalar-data-types/null-values"},
	{Name: "<", Signatures: []string{"any, any -> bool"}, Build: buildOrder("<"), Doc: "numerical-operators"},
	{Name: "<=", Signatures: []string{"any, any -> bool"}, Build: buildOrder("<="), Doc: "numerical-operators"},
	{Name: ">", Signatures: []string{"any, any -> bool"}, Build: buildOrder(">"), Doc: "numerical-operators"},
	{Name: ">=", Signatures: []string{"any, any -> bool"}, Build: buildOrder(">="), Doc: "numerical-operators"},
	{Name: "+", Signatures: []string{
		"integer, integer -> long", "number, number -> widest", "timespan, timespan -> timespan",
		"datetime, timespan -> datetime", "timespan, datetime -> datetime", "datetime, datetime -> datetime",
	}, Build: buildArithmetic("+"), Doc: "numerical-operators"},
	{Name: "-", Signatures: []string{
		"integer, integer -> long", "number, number -> widest", "timespan, timespan -> timespan",
		"datetime, timespan -> datetime", "datetime, datetime -> timespan",
	}, Undocumented: []string{"timespan, datetime"}, Build: buildArithmetic("-"), Doc: "numerical-operators"},
	{Name: "*", Signatures: []string{
		"integer, integer -> long", "number, number -> widest", "timespan, number -> timespan", "number, timespan -> timespan",
	}, Undocumented: []string{"datetime, number", "number, datetime", "timespan, timespan"}, Build: buildMultiply, Doc: "numerical-operators"},
	{Name: "/", Signatures: []string{
		"integer, integer -> long", "number, number -> widest", "timespan, timespan -> real", "timespan, number -> timespan", "datetime, number -> datetime",
	}, Undocumented: []string{"datetime, scale"}, Build: buildDivide, Doc: "numerical-operators"},
	{Name: "%", Signatures: []string{
		"integer, integer -> long", "number, number -> widest", "timespan, timespan -> timespan",
	}, Undocumented: []string{"datetime, scale", "timespan, number"}, SQL: "kql_modulo($1, $2)", Doc: "numerical-operators"},
	{Name: "unary+", Signatures: []string{"summable -> promoted", "datetime -> datetime", "dynamic -> dynamic"}, SQL: "$1", Doc: "numerical-operators"},
	{Name: "unary-", Signatures: []string{"summable -> promoted"}, Undocumented: []string{"datetime", "dynamic"}, Build: buildNegation, Doc: "numerical-operators"},
	{Name: "between", Signatures: []string{
		"number, number, number -> bool", "number, dynamic=, dynamic= -> bool", "dynamic=, number, number -> bool",
		"datetime, datetime, datetime -> bool", "datetime, datetime, timespan -> bool", "timespan, timespan, timespan -> bool",
	}, SQL: "($1 >= $2 AND $1 <= $3)", Doc: "between-operator"},
	{Name: "=~", Signatures: []string{"text, text -> bool"}, Build: buildFoldEqual("="), Doc: "datatypes-string-operators"},
	{Name: "!~", Signatures: []string{"text, text -> bool"}, Build: buildFoldEqual("<>"), Doc: "datatypes-string-operators"},
	{Name: "contains", Signatures: []string{"text, text -> bool"}, Build: search("contains", true, false), Doc: "contains-operator"},
	{Name: "!contains", Signatures: []string{"text, text -> bool"}, Build: search("contains", true, true), Doc: "not-contains-operator"},
	{Name: "contains_cs", Signatures: []string{"text, text -> bool"}, Build: search("contains", false, false), Doc: "contains-cs-operator"},
	{Name: "!contains_cs", Signatures: []string{"text, text -> bool"}, Build: search("contains", false, true), Doc: "not-contains-cs-operator"},
	{Name: "startswith", Signatures: []string{"text, text -> bool"}, Build: search("starts_with", true, false), Doc: "startswith-operator"},
	{Name: "!startswith", Signatures: []string{"text, text -> bool"}, Build: search("starts_with", true, true), Doc: "not-startswith-operator"},
	{Name: "startswith_cs", Signatures: []string{"text, text -> bool"}, Build: search("starts_with", false, false), Doc: "startswith-cs-operator"},
	{Name: "!startswith_cs", Signatures: []string{"text, text -> bool"}, Build: search("starts_with", false, true), Doc: "not-startswith-cs-operator"},
	{Name: "endswith", Signatures: []string{"text, text -> bool"}, Build: search("ends_with", true, false), Doc: "endswith-operator"},
	{Name: "!endswith", Signatures: []string{"text, text -> bool"}, Build: search("ends_with", true, true), Doc: "not-endswith-operator"},
	{Name: "endswith_cs", Signatures: []string{"text, text -> bool"}, Build: search("ends_with", false, false), Doc: "endswith-cs-operator"},
	{Name: "!endswith_cs", Signatures: []string{"text, text -> bool"}, Build: search("ends_with", false, true), Doc: "not-endswith-cs-operator"},
	{Name: "has", Signatures: []string{"text, text -> bool"}, Build: hasWord(true, false, edges), Doc: "has-operator"},
	{Name: "!has", Signatures: []string{"text, text -> bool"}, Build: hasWord(true, true, edges), Doc: "not-has-operator"},
	{Name: "has_cs", Signatures: []string{"text, text -> bool"}, Build: hasWord(false, false, edges), Doc: "has-cs-operator"},
	{Name: "!has_cs", Signatures: []string{"text, text -> bool"}, Build: hasWord(false, true, edges), Doc: "not-has-cs-operator"},
	{Name: "hasprefix", Signatures: []string{"text, text -> bool"}, Build: hasWord(true, false, leftEdge), Doc: "hasprefix-operator"},
	{Name: "!hasprefix", Signatures: []string{"text, text -> bool"}, Build: hasWord(true, true, leftEdge), Doc: "not-hasprefix-operator"},
	{Name: "hasprefix_cs", Signatures: []string{"text, text -> bool"}, Build: hasWord(false, false, leftEdge), Doc: "hasprefix-cs-operator"},
	{Name: "!hasprefix_cs", Signatures: []string{"text, text -> bool"}, Build: hasWord(false, true, leftEdge), Doc: "not-hasprefix-cs-operator"},
	{Name: "hassuffix", Signatures: []string{"text, text -> bool"}, Build: hasWord(true, false, rightEdge), Doc: "hassuffix-operator"},
	{Name: "!hassuffix", Signatures: []string{"text, text -> bool"}, Build: hasWord(true, true, rightEdge), Doc: "not-hassuffix-operator"},
	{Name: "hassuffix_cs", Signatures: []string{"text, text -> bool"}, Build: hasWord(false, false, rightEdge), Doc: "hassuffix-cs-operator"},
	{Name: "!hassuffix_cs", Signatures: []string{"text, text -> bool"}, Build: hasWord(false, true, rightEdge), Doc: "not-hassuffix-cs-operator"},
	{Name: "has_any", Signatures: []string{"text, any* -> bool"}, Build: hasList(" OR "), Doc: "has-any-operator"},
	{Name: "has_all", Signatures: []string{"text, any* -> bool"}, Build: hasList(" AND "), Doc: "has-all-operator"},
	{Name: "matches regex", Signatures: []string{"text, text -> bool"}, Build: buildMatches, Doc: "matches-regex-operator"},
	{Name: "parse_json", Signatures: []string{"string -> dynamic"}, SQL: "kql_parse_json($1)", Doc: "parse-json-function"},
	{Name: "is_json", Signatures: []string{"string -> bool"}, Go: goIsJSON, Doc: "parse-json-function"},
	{Name: "gettype", Signatures: []string{"dynamic -> string"}, SQL: "CASE coalesce(json_type($1), 'NULL') WHEN 'ARRAY' THEN 'array' WHEN 'OBJECT' THEN 'dictionary' WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'bool' WHEN 'DOUBLE' THEN 'double' WHEN 'NULL' THEN 'null' ELSE 'long' END", Doc: "gettype-function"},
	{Name: "refuse", Signatures: []string{"string, any -> bool"}, SQL: "CAST(error($1 || left(coalesce(CAST($2 AS VARCHAR), ''), 0)) AS BOOLEAN)", Doc: "scalar-functions"},
	{Name: "percentile", Signatures: []string{"integer, real -> long", "real, real -> real", "timespan, real -> timespan", "datetime, real -> datetime"}, Undocumented: []string{"any, real"}, SQL: "quantile_disc($1, $2 / 100)", Aggregate: true, Doc: "percentiles-aggregation-function"},
}

func goIsJSON(args []schema.Value) (schema.Value, error) {
	return json.Valid([]byte(args[0].(string))), nil
}

func neverNull(a Arg) bool { return a.Type == schema.String || a.Fixed && a.Const != nil }

// maybeNaN names the arguments that may be no number: DuckDB takes NaN for equal to itself and for the greatest of all,
// IEEE 754, which Kusto's real follows, compares it with nothing. https://learn.microsoft.com/kusto/query/scalar-data-types/real
func maybeNaN(args []Arg) (sql []string) {
	for _, a := range args {
		if x, fixed := a.Const.(float64); a.Type == schema.Real && (!fixed || math.IsNaN(x)) {
			sql = append(sql, a.SQL)
		}
	}
	return sql
}

func buildOrder(op string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		sql := "(" + c.Args[0].SQL + " " + op + " " + c.Args[1].SQL
		for _, x := range maybeNaN(c.Args) {
			sql += " AND NOT isnan(" + x + ")"
		}
		return sql + ")", nil
	}
}

// buildEqual and buildNotEqual need only one side to be a number where both may be none.
func buildEqual(c Call) (string, error) {
	l, r := c.Args[0], c.Args[1]
	equal := l.SQL + " = " + r.SQL
	if may := maybeNaN(c.Args); len(may) == 2 {
		equal = "(" + equal + " AND NOT isnan(" + may[0] + "))"
	}
	return completed(l, r, equal, "false"), nil
}

func buildNotEqual(c Call) (string, error) {
	l, r := c.Args[0], c.Args[1]
	differ := l.SQL + " <> " + r.SQL
	if may := maybeNaN(c.Args); len(may) == 2 {
		differ = "(" + differ + " OR isnan(" + may[0] + "))"
	}
	return completed(l, r, differ, "true"), nil
}

// completed fills a comparison by what it is of a null and a value; of two nulls it is null.
func completed(l, r Arg, sql, ofOneNull string) string {
	switch {
	case neverNull(l) && neverNull(r):
		return "(" + sql + ")"
	case neverNull(l) || neverNull(r):
		return "coalesce(" + sql + ", " + ofOneNull + ")"
	}
	return "coalesce(" + sql + ", CASE WHEN " + l.SQL + " IS NULL AND " + r.SQL + " IS NULL THEN NULL ELSE " + ofOneNull + " END)"
}

// buildArithmetic is a sum or a difference.
func buildArithmetic(op string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		l, r := c.Args[0].SQL, c.Args[1].SQL
		switch {
		case c.Careful && c.Result == schema.Long:
			return anew("CAST(" + l + " AS HUGEINT) " + op + " " + r), nil
		case c.Careful && c.Result == schema.Datetime:
			return inYears("CAST(" + l + " AS HUGEINT) " + op + " " + r), nil
		}
		return "(" + l + " " + op + " " + r + ")", nil
	}
}

func buildNegation(c Call) (string, error) {
	if c.Careful && c.Result == schema.Long {
		return anew("-CAST(" + c.Args[0].SQL + " AS HUGEINT)"), nil
	}
	return "(-" + c.Args[0].SQL + ")", nil
}

// anew makes a long of a whole number that may be too great for one: it begins anew at the other end.
func anew(sql string) string {
	return "CAST(((" + sql + " + 9223372036854775808) & 18446744073709551615) - 9223372036854775808 AS BIGINT)"
}

// inYears makes a datetime of ticks, null of those outside of the years 1 to 9999.
func inYears(sql string) string {
	return fmt.Sprintf("CAST(list_filter([%s], tick -> tick BETWEEN 0 AND %d)[1] AS BIGINT)", sql, schema.MaxDatetime)
}

func buildMultiply(c Call) (string, error) {
	l, r := c.Args[0], c.Args[1]
	if c.Result == schema.Timespan {
		return "CAST(trunc(" + l.SQL + " * " + r.SQL + ") AS BIGINT)", nil
	}
	if c.Careful && c.Result == schema.Long {
		return anew("CAST(" + l.SQL + " AS HUGEINT) * " + r.SQL), nil
	}
	return "(" + l.SQL + " * " + r.SQL + ")", nil
}

func buildDivide(c Call) (string, error) {
	l, r := c.Args[0], c.Args[1]
	switch {
	case c.Result == schema.Long || c.Result == schema.Int:
		return "kql_divide_long(" + l.SQL + ", " + r.SQL + ")", nil
	case l.Type == schema.Timespan && r.Type == schema.Timespan:
		return "(CAST(" + l.SQL + " AS DOUBLE) / CAST(" + r.SQL + " AS DOUBLE))", nil
	case c.Result == schema.Timespan || c.Result == schema.Datetime:
		return "kql_divide(" + l.SQL + ", " + r.SQL + ")", nil
	case c.Result == schema.Decimal:
		return divideDecimals(l.SQL, r.SQL), nil
	}
	return "(" + l.SQL + " / " + r.SQL + ")", nil
}

func buildFoldEqual(op string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		text, other := folded(c.Args[0], c.Args[1])
		return "(" + text + " " + op + " " + other + ")", nil
	}
}

func buildMatches(c Call) (string, error) {
	return matching(c.Args[0].SQL, c.Args[1], func(pattern string) string {
		return "regexp_matches(" + c.Args[0].SQL + ", " + pattern + ")"
	})
}
