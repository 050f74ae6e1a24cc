package function

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// https://learn.microsoft.com/kusto/query/scalar-functions#mathematical-functions
var mathFuncs = []Func{
	{Name: "abs", Signatures: []string{"integer -> long", "number -> first", "timespan -> timespan"}, SQL: "abs($1)", Naming: NameFirst, Doc: "abs-function"},
	{Name: "round", Signatures: []string{"real, long!? -> real", "number, long!? -> first"}, Build: buildRound, Naming: NameFirst, Doc: "round-function"},
	{Name: "floor bin", Signatures: []string{
		"integer, integer -> long", "number, number -> widest", "timespan, timespan -> timespan",
		"datetime, timespan -> datetime",
	}, Undocumented: []string{"datetime, datetime"}, Build: buildBin, Naming: NameFirst, Doc: "bin-function"},
	{Name: "bin_at", Signatures: []string{
		"integer, integer, integer -> widest", "number, number, number -> widest",
		"timespan, timespan, timespan -> timespan", "datetime, timespan, datetime -> datetime",
	}, Undocumented: []string{"datetime, scale, datetime", "timespan, number, timespan"}, Build: buildBinAt, Naming: NameFirst, Doc: "bin-at-function"},
	{Name: "ceiling", Signatures: []string{"integer -> first", "number -> first"}, SQL: "ceil($1)", Naming: NameFirst, Doc: "ceiling-function"},
	{Name: "pow", Signatures: []string{"real, real -> real"}, SQL: "pow($1, $2)", Naming: NameFirst, Doc: "pow-function"},
	{Name: "sqrt", Signatures: []string{"real -> real"}, SQL: "CASE WHEN $1 < 0 THEN CAST('nan' AS DOUBLE) ELSE sqrt($1) END", Naming: NameFirst, Doc: "sqrt-function"},
	{Name: "exp", Signatures: []string{"real -> real"}, SQL: "exp($1)", Naming: NameFirst, Doc: "exp-function"},
	{Name: "exp2", Signatures: []string{"real -> real"}, SQL: "pow(2.0, $1)", Naming: NameFirst, Doc: "exp2-function"},
	{Name: "exp10", Signatures: []string{"real -> real"}, SQL: "pow(10.0, $1)", Naming: NameFirst, Doc: "exp10-function"},
	{Name: "log", Signatures: []string{"real -> real"}, SQL: logSQL("ln"), Naming: NameFirst, Doc: "log-function"},
	{Name: "log2", Signatures: []string{"real -> real"}, SQL: logSQL("log2"), Naming: NameFirst, Doc: "log2-function"},
	{Name: "log10", Signatures: []string{"real -> real"}, SQL: logSQL("log10"), Naming: NameFirst, Doc: "log10-function"},
	{Name: "sin", Signatures: []string{"real -> real"}, SQL: finite("sin($1)"), Naming: NameFirst, Doc: "sin-function"},
	{Name: "cos", Signatures: []string{"real -> real"}, SQL: finite("cos($1)"), Naming: NameFirst, Doc: "cos-function"},
	{Name: "tan", Signatures: []string{"real -> real"}, SQL: finite("tan($1)"), Naming: NameFirst, Doc: "tan-function"},
	{Name: "cot", Signatures: []string{"real -> real"}, SQL: finite("1 / tan($1)"), Doc: "cot-function"},
	{Name: "asin", Signatures: []string{"real -> real"}, SQL: "CASE WHEN abs($1) <= 1 THEN asin($1) END", Naming: NameFirst, Doc: "asin-function"},
	{Name: "acos", Signatures: []string{"real -> real"}, SQL: "CASE WHEN abs($1) <= 1 THEN acos($1) END", Naming: NameFirst, Doc: "acos-function"},
	{Name: "atan", Signatures: []string{"real -> real"}, SQL: "atan($1)", Naming: NameFirst, Doc: "atan-function"},
	{Name: "atan2", Signatures: []string{"real, real -> real"}, SQL: "atan2($1, $2)", Naming: NameFirst, Doc: "atan2-function"},
	{Name: "radians", Signatures: []string{"real -> real"}, SQL: "radians($1)", Doc: "radians-function"},
	{Name: "degrees", Signatures: []string{"real -> real"}, SQL: "degrees($1)", Doc: "degrees-function"},
	{Name: "pi", Signatures: []string{"-> real"}, SQL: "pi()", Doc: "pi-function"},
	{Name: "gamma", Signatures: []string{"real -> real"}, SQL: "CASE WHEN $1 > 0 THEN gamma($1) END", Naming: NameFirst, Doc: "gamma-function"},
	{Name: "loggamma", Signatures: []string{"real -> real"}, SQL: "CASE WHEN $1 > 0 THEN lgamma($1) END", Naming: NameFirst, Doc: "loggamma-function"},
	{Name: "isnan", Signatures: []string{"float -> bool"}, SQL: "isnan($1)", Doc: "isnan-function"},
	{Name: "isinf", Signatures: []string{"float -> bool"}, SQL: "isinf($1)", Doc: "isinf-function"},
	{Name: "isfinite", Signatures: []string{"float -> bool"}, SQL: "isfinite($1)", Doc: "isfinite-function"},
	{Name: "sign", Signatures: []string{"real -> real"}, SQL: "CAST(sign($1) AS DOUBLE)", Doc: "sign-function"},
	{Name: "binary_and", Signatures: []string{"long, long -> long"}, SQL: "($1 & $2)", Naming: NameFirst, Doc: "binary-and-function"},
	{Name: "binary_or", Signatures: []string{"long, long -> long"}, SQL: "($1 | $2)", Naming: NameFirst, Doc: "binary-or-function"},
	{Name: "binary_xor", Signatures: []string{"long, long -> long"}, SQL: "xor($1, $2)", Naming: NameFirst, Doc: "binary-xor-function"},
	{Name: "binary_not", Signatures: []string{"long -> long"}, SQL: "(~$1)", Naming: NameFirst, Doc: "binary-not-function"},
	{Name: "binary_shift_left", Signatures: []string{"long, long -> long"}, Go: goShiftBits(func(x int64, by uint) int64 { return x << by }), Naming: NameFirst, Doc: "binary-shift-left-function"},
	{Name: "binary_shift_right", Signatures: []string{"long, long -> long"}, Go: goShiftBits(func(x int64, by uint) int64 { return x >> by }), Naming: NameFirst, Doc: "binary-shift-right-function"},
	{Name: "bitset_count_ones", Signatures: []string{"long -> long"}, SQL: "CAST(bit_count($1) AS BIGINT)", Naming: NameFirst, Doc: "bitset-count-ones-function"},
	{Name: "max_of", Signatures: []string{"ranked, ranked+ -> common"}, SQL: "greatest($*)", Doc: "max-of-function"},
	{Name: "min_of", Signatures: []string{"ranked, ranked+ -> common"}, Build: buildMinOf, Doc: "min-of-function"},
}

// buildMinOf is NaN as soon as one argument is, as max_of is; DuckDB takes NaN for the greatest number.
func buildMinOf(c Call) (string, error) {
	least := expand("least($*)", c.Args)
	if c.Result != schema.Real {
		return least, nil
	}
	tests := make([]string, len(c.Args))
	for i, a := range c.Args {
		tests[i] = "isnan(" + a.SQL + ")"
	}
	return "CASE WHEN " + strings.Join(tests, " OR ") + " THEN CAST('nan' AS DOUBLE) ELSE " + least + " END", nil
}

// goShiftBits shifts by a number modulo 64; a negative one makes null.
func goShiftBits(f func(x int64, by uint) int64) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		by, _ := args[1].(int64)
		if by < 0 {
			return nil, nil
		}
		return f(args[0].(int64), uint(by%64)), nil
	}
}

// finite is NaN for what is not finite, where DuckDB would fail.
func finite(sql string) string {
	return "CASE WHEN isfinite($1) THEN " + sql + " WHEN $1 IS NOT NULL THEN CAST('nan' AS DOUBLE) END"
}

// logSQL is a logarithm: minus infinity at zero, null below.
func logSQL(fn string) string {
	return "CASE WHEN $1 > 0 THEN " + fn + "($1) WHEN $1 = 0 THEN CAST('-inf' AS DOUBLE) END"
}

func buildRound(c Call) (string, error) {
	digits := "0"
	if len(c.Args) == 2 {
		digits = "CAST(" + c.Args[1].SQL + " AS INTEGER)"
	}
	if c.Args[0].Type == schema.Real {
		return "round(" + c.Args[0].SQL + ", " + digits + ")", nil
	}
	return "CAST(round(" + c.Args[0].SQL + ", " + digits + ") AS " + SQLType(c.Result) + ")", nil
}

func buildBin(c Call) (string, error) {
	if c.Result == schema.Real || c.Result == schema.Decimal {
		return "kql_bin_real(" + c.Args[0].SQL + ", " + c.Args[1].SQL + ")", nil
	}
	size, isSpan := c.Args[1].Const.(schema.Ticks)
	if c.Result == schema.Datetime && isSpan && size > 0 { // no datetime is negative, which would round up
		return "(" + c.Args[0].SQL + " - " + c.Args[0].SQL + " % " + c.Args[1].SQL + ")", nil
	}
	return "kql_bin(" + c.Args[0].SQL + ", " + c.Args[1].SQL + ")", nil
}

func buildBinAt(c Call) (string, error) {
	fn := "kql_bin"
	if c.Result == schema.Real {
		fn = "kql_bin_real"
	}
	return fmt.Sprintf("(%s(%s - %s, %s) + %s)", fn, c.Args[0].SQL, c.Args[2].SQL, c.Args[1].SQL, c.Args[2].SQL), nil
}

// https://learn.microsoft.com/kusto/query/scalar-functions#conditional-functions
var conditionalFuncs = []Func{
	{Name: "iff iif", Signatures: []string{"bool, common, common -> common"}, SQL: "CASE WHEN $1 THEN $2 ELSE $3 END", Doc: "iff-function"},
	{Name: "case", Signatures: []string{"(bool, common)+, common -> common"}, Build: buildCase, Doc: "case-function"},
	{Name: "around", Signatures: []string{"datetime, datetime, timespan -> bool", "timespan, timespan, timespan -> bool", "number, number, number -> bool"}, Undocumented: []string{"any, any, any"}, SQL: "CASE WHEN $1 IS NOT NULL AND $2 IS NOT NULL AND $3 IS NOT NULL THEN $1 >= $2 - $3 AND $1 <= $2 + $3 END", Doc: "around-function"},
	{Name: "assert", Signatures: []string{"bool, string! -> bool"}, SQL: "CASE WHEN $1 THEN true ELSE CAST(error($2) AS BOOLEAN) END", Doc: "assert-function"},
	{Name: "coalesce", Signatures: []string{"alike, alike+ -> common"}, Build: buildCoalesce, Doc: "coalesce-function"},
	{Name: "not", Signatures: []string{"bool -> bool"}, SQL: "(NOT $1)", Doc: "not-function"},
	{Name: "isnull", Signatures: []string{"any -> bool"}, Build: buildIsNull("IS NULL", "false"), Doc: "isnull-function"},
	{Name: "isnotnull notnull", Signatures: []string{"any -> bool"}, Build: buildIsNull("IS NOT NULL", "true"), Doc: "isnotnull-function"},
}

func buildCase(c Call) (string, error) {
	parts := []string{"CASE"}
	for i := 0; i+1 < len(c.Args); i += 2 {
		parts = append(parts, " WHEN ", c.Args[i].SQL, " THEN ", c.Args[i+1].SQL)
	}
	parts = append(parts, " ELSE ", c.Args[len(c.Args)-1].SQL, " END")
	return strings.Join(parts, ""), nil
}

// buildCoalesce skips nulls, and for strings the empty ones, which stand for them.
func buildCoalesce(c Call) (string, error) {
	parts := make([]string, len(c.Args))
	for i, a := range c.Args {
		parts[i] = a.SQL
		if a.Type == schema.String {
			parts[i] = "nullif(" + a.SQL + ", '')"
		}
	}
	if c.Result == schema.String {
		parts = append(parts, "''")
	}
	return "coalesce(" + strings.Join(parts, ", ") + ")", nil
}

func buildIsNull(test, text string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		if c.Args[0].Type == schema.String {
			return text, nil
		}
		return "(" + c.Args[0].SQL + " " + test + ")", nil
	}
}
