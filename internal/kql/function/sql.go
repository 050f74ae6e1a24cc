package function

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Quote renders a SQL string literal. A NUL cannot stand in SQL text and is put together at run time.
func Quote(s string) string {
	if !strings.Contains(s, "\x00") {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	parts := strings.Split(s, "\x00")
	for i, p := range parts {
		parts[i] = Quote(p)
	}
	return "(" + strings.Join(parts, " || chr(0) || ") + ")"
}

// refuseWhere renders an expression that is refused, while the query runs, where the condition holds.
func refuseWhere(condition, what, sql string) string {
	return "CASE WHEN " + condition + " THEN error(" + Quote(Refused(what).Error()) + ") ELSE " + sql + " END"
}

// Identifier renders a quoted SQL identifier.
func Identifier(s string) string {
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// Literal renders a constant of a KQL type in its stored representation.
func Literal(t schema.Type, v schema.Value) string {
	switch v := v.(type) {
	case nil:
		if t == schema.String {
			return "''"
		}
		return "CAST(NULL AS " + SQLType(t) + ")"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		if t == schema.Int {
			return "CAST(" + strconv.FormatInt(v, 10) + " AS INTEGER)"
		}
		return "CAST(" + strconv.FormatInt(v, 10) + " AS BIGINT)"
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "CAST('" + strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+")) + "' AS DOUBLE)"
		}
		return "CAST(" + strconv.FormatFloat(v, 'e', -1, 64) + " AS DOUBLE)"
	case schema.DecimalText:
		return "CAST('" + string(v) + "' AS DECIMAL(38,12))"
	case schema.Ticks:
		return "CAST(" + strconv.FormatInt(int64(v), 10) + " AS BIGINT)"
	case json.RawMessage:
		return Quote(string(v))
	case string:
		if t == schema.Guid {
			return "CAST(" + Quote(v) + " AS UUID)"
		}
		return Quote(v)
	}
	return Quote(fmt.Sprint(v))
}

// sqlTypes say how a value of a KQL type is stored and computed, as docs/decisions/0001-types-in-duckdb.md has it.
var sqlTypes = [...]string{
	schema.Unknown: "VARCHAR", schema.Bool: "BOOLEAN", schema.Int: "INTEGER", schema.Long: "BIGINT", schema.Real: "DOUBLE",
	schema.Decimal: "DECIMAL(38,12)", schema.String: "VARCHAR", schema.Datetime: "BIGINT", schema.Timespan: "BIGINT",
	schema.Guid: "UUID", schema.Dynamic: "VARCHAR",
}

// SQLType is the type in SQL of a KQL type.
func SQLType(t schema.Type) string { return sqlTypes[t] }

// jsonOf renders a value of any type as an expression of SQL type JSON, for building bags and arrays.
func jsonOf(sql string, t schema.Type) string {
	switch t {
	case schema.Dynamic:
		return "CAST(" + sql + " AS JSON)"
	case schema.Real:
		return "kql_real_json(" + sql + ")"
	case schema.Datetime:
		return "to_json(nullif(kql_datetime_text(" + sql + "), ''))"
	case schema.Timespan:
		return "to_json(nullif(kql_timespan_text(" + sql + "), ''))"
	case schema.Guid:
		return "to_json(CAST(" + sql + " AS VARCHAR))"
	}
	return "to_json(" + sql + ")"
}

// Conversion renders what the to*() functions do: null or "" where the value cannot be read.
// https://learn.microsoft.com/kusto/query/scalar-functions#conversion-functions
func Conversion(sql string, from, to schema.Type) string {
	if from == to {
		return sql
	}
	if from == schema.Unknown {
		from = schema.Dynamic
	}
	if from == schema.Dynamic && to != schema.String {
		return fromDynamic(sql, to)
	}
	if from == schema.String {
		return fromText(sql, to)
	}
	switch to {
	case schema.String:
		return toText(sql, from)
	case schema.Dynamic:
		return "CAST(" + jsonOf(sql, from) + " AS VARCHAR)"
	case schema.Bool:
		return "(" + sql + " <> 0)"
	case schema.Int, schema.Long, schema.Datetime:
		if from == schema.Real || from == schema.Decimal {
			return "TRY_CAST(trunc(" + sql + ") AS " + SQLType(to) + ")"
		}
	}
	return "TRY_CAST(" + sql + " AS " + SQLType(to) + ")"
}

func toText(sql string, from schema.Type) string {
	switch from {
	case schema.Dynamic:
		return "coalesce(json_extract_string(" + sql + ", '$'), '')"
	case schema.Datetime:
		return "kql_datetime_text(" + sql + ")"
	case schema.Timespan:
		return "kql_timespan_text(" + sql + ")"
	case schema.Real:
		return "kql_real_text(" + sql + ")"
	case schema.Decimal:
		return "kql_decimal_text(" + sql + ")"
	case schema.Bool: // as the page of narrow shows it; that of a dynamic is written as JSON writes it
		return "(CASE WHEN " + sql + " THEN 'True' WHEN NOT " + sql + " THEN 'False' ELSE '' END)"
	}
	return "coalesce(CAST(" + sql + " AS VARCHAR), '')"
}

func fromText(sql string, to schema.Type) string {
	switch to {
	case schema.Long:
		return "kql_text_long(" + sql + ")"
	case schema.Int:
		return "TRY_CAST(kql_text_long(" + sql + ") AS INTEGER)"
	case schema.Real:
		return "kql_text_real(" + sql + ")"
	case schema.Bool:
		return "kql_text_bool(" + sql + ")"
	case schema.Datetime:
		return "kql_text_datetime(" + sql + ")"
	case schema.Timespan:
		return "kql_text_timespan(" + sql + ")"
	case schema.Dynamic:
		return "CAST(to_json(" + sql + ") AS VARCHAR)"
	}
	return "TRY_CAST(" + sql + " AS " + SQLType(to) + ")"
}

func fromDynamic(sql string, to schema.Type) string {
	text := "json_extract_string(" + sql + ", '$')"
	switch to {
	case schema.Long:
		return "kql_dynamic_long(" + sql + ")"
	case schema.Int:
		return "TRY_CAST(kql_dynamic_long(" + sql + ") AS INTEGER)"
	case schema.Real:
		return "kql_dynamic_real(" + sql + ")"
	case schema.Bool:
		return "kql_dynamic_bool(" + sql + ")"
	}
	return fromText(text, to)
}

// WithoutFraction renders the whole number that a dynamic value is read as, refusing one with a fraction; where it is
// compared with an integer, beside, only one whose whole part is that integer.
func WithoutFraction(dynamic, whole, beside string) string {
	condition := "json_type(" + dynamic + ") = 'DOUBLE' AND "
	if beside != "" {
		condition += whole + " = " + beside + " AND "
	}
	return refuseWhere(condition+whole+" <> kql_dynamic_real("+dynamic+")",
		"a dynamic number with a fraction beside an integer: it needs a cast, toreal() or tolong()", whole)
}

// ArrayHas renders the test whether a dynamic array has a value of type t; fold is true where the value is text in lower case.
// An element counts as what it is read as, as in a list of constants, and the number 1.0 as 1. Each expression of a list may be a scalar, says the
// page of in: a dynamic value that is no array is one. https://learn.microsoft.com/kusto/query/in-cs-operator
func ArrayHas(array, value string, t schema.Type, fold bool) string {
	array = oneList(array)
	elements := fmt.Sprintf("CASE WHEN json_type(%[1]s) = 'ARRAY' THEN json_extract_string(%[1]s, '$[*]') ELSE [json_extract_string(%[1]s, '$')] END", array)
	each := ""
	switch t {
	case schema.String:
		if fold {
			each = "lower(e)"
		}
	case schema.Bool:
		value = "CAST(" + value + " AS VARCHAR)"
	case schema.Int, schema.Long:
		elements, each, value = "kql_flat("+array+")", "kql_dynamic_whole(e)", "CAST("+value+" AS BIGINT)"
	case schema.Dynamic, schema.Unknown:
		value = Conversion(value, t, schema.String)
	default:
		each = fromText("e", t)
	}
	if each != "" {
		elements = "list_transform(" + elements + ", e -> " + each + ")"
	}
	return "list_contains(" + elements + ", " + value + ")"
}

// oneList renders an array without arrays in it: "nested arrays are flattened into a single list of values", says the page of
// in. Few arrays hold another bracket than their own.
func oneList(array string) string {
	return "CASE WHEN contains(substr(" + array + ", 2), '[') THEN " + oneListFunc.GoName(0) + "(" + array + ") ELSE " + array + " END"
}

// IsJSON renders the test whether text is JSON as RFC 8259 has it.
func IsJSON(text string) string { return "kql_is_json(" + text + ")" }

// Members renders the texts of members of a JSON column as a list: of each what tostring() makes of it, NULL where that
// is empty because there is none. A dynamic column is JSON; text is parsed, and may be none.
func Members(column string, t schema.Type, keys []string) string {
	paths := make([]string, len(keys))
	for i, key := range keys {
		paths[i] = Quote(`$."` + key + `"`)
	}
	list := "json_extract_string(" + column + ", [" + strings.Join(paths, ", ") + "])"
	if t == schema.String {
		return "CASE WHEN " + IsJSON(column) + " THEN " + list + " END"
	}
	return list
}

// Macros are the SQL functions that generated statements call. They are created once per database.
func Macros() []string { return macros }

var macros = []string{
	`kql_time(t) AS make_timestamp((t // 10) - 62135596800000000)`,
	`kql_ticks(ts) AS (epoch_us(ts) + 62135596800000000) * 10`,
	`kql_datetime_text(t) AS CASE WHEN t IS NULL THEN '' ELSE lpad(CAST(year(kql_time(t)) AS VARCHAR), 4, '0') || strftime(kql_time(t), '-%m-%dT%H:%M:%S.') || lpad(CAST(t % 10000000 AS VARCHAR), 7, '0') || 'Z' END`,
	`kql_two(n) AS lpad(CAST(n AS VARCHAR), 2, '0')`,
	`kql_clock(a) AS CASE WHEN a >= 864000000000 THEN CAST(a // 864000000000 AS VARCHAR) || '.' ELSE '' END || kql_two(a % 864000000000 // 36000000000) || ':' || kql_two(a % 36000000000 // 600000000) || ':' || kql_two(a % 600000000 // 10000000) || CASE WHEN a % 10000000 > 0 THEN '.' || lpad(CAST(a % 10000000 AS VARCHAR), 7, '0') ELSE '' END`,
	`kql_timespan_text(t) AS CASE WHEN t IS NULL THEN '' WHEN t < 0 THEN '-' || kql_clock(-t) ELSE kql_clock(t) END`,
	`kql_real_text(x) AS CASE WHEN x IS NULL THEN '' WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'inf' ELSE '-inf' END ELSE kql_go_real_text_0(x) END`,
	`kql_real_json(x) AS CASE WHEN isfinite(x) THEN to_json(x) WHEN x > 0 AND isinf(x) THEN to_json('Infinity') WHEN isinf(x) THEN to_json('-Infinity') WHEN isnan(x) THEN to_json('NaN') END`,
	`kql_decimal_text(x) AS coalesce(CASE WHEN contains(CAST(x AS VARCHAR), '.') THEN regexp_replace(CAST(x AS VARCHAR), '\.?0+$', '') ELSE CAST(x AS VARCHAR) END, '')`,
	`kql_text_long(s) AS CASE WHEN regexp_full_match(s, '\s*[+-]?[0-9]+\s*') THEN TRY_CAST(s AS BIGINT) WHEN regexp_full_match(s, '0[xX][0-9a-fA-F]{1,16}') THEN CAST(CAST(TRY_CAST(s AS UBIGINT) AS BIT) AS BIGINT) END`,
	`kql_text_real(s) AS CASE WHEN regexp_full_match(s, '\s*([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[nN]a[nN]|[+-]?[iI]nf(inity)?)\s*') THEN TRY_CAST(s AS DOUBLE) END`,
	`kql_text_bool(s) AS CASE WHEN lower(s) IN ('true', '1') THEN true WHEN lower(s) IN ('false', '0') THEN false ELSE kql_text_long(s) <> 0 END`,
	`kql_dynamic_long(d) AS CASE json_type(d) WHEN 'DOUBLE' THEN TRY_CAST(trunc(CAST(json_extract_string(d, '$') AS DOUBLE)) AS BIGINT) WHEN 'BOOLEAN' THEN CAST(json_extract_string(d, '$') = 'true' AS BIGINT) ELSE kql_text_long(json_extract_string(d, '$')) END`,
	`kql_dynamic_whole(d) AS CASE json_type(d) WHEN 'DOUBLE' THEN CASE WHEN CAST(json_extract_string(d, '$') AS DOUBLE) = trunc(CAST(json_extract_string(d, '$') AS DOUBLE)) THEN TRY_CAST(CAST(json_extract_string(d, '$') AS DOUBLE) AS BIGINT) END WHEN 'BOOLEAN' THEN NULL ELSE kql_text_long(json_extract_string(d, '$')) END`,
	`kql_dynamic_real(d) AS CASE json_type(d) WHEN 'BOOLEAN' THEN CAST(json_extract_string(d, '$') = 'true' AS DOUBLE) ELSE kql_text_real(json_extract_string(d, '$')) END`,
	`kql_dynamic_bool(d) AS CASE WHEN json_type(d) IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN CAST(json_extract_string(d, '$') AS DOUBLE) <> 0 ELSE kql_text_bool(json_extract_string(d, '$')) END`,
	// ß has no capital of one letter in Unicode's table of cases; DuckDB gives it one.
	`kql_upper(s) AS CASE WHEN contains(s, 'ß') THEN array_to_string(list_transform(string_split(s, 'ß'), part -> upper(part)), 'ß') ELSE upper(s) END`,
	// DuckDB takes nan, inf and infinity for numbers, in any case, and a comma before the end of an array or object for none.
	`kql_is_json(s) AS json_valid(s) AND (NOT (regexp_matches(s, '[nN][aA][nN]') OR regexp_matches(s, '[iI][nN][fF]') OR regexp_matches(s, ',\s*[\]}]')) OR kql_go_is_json_0(s))`,
	`kql_parse_json(s) AS CASE WHEN s = '' THEN NULL WHEN kql_is_json(s) THEN nullif(CAST(json_extract(s, '$') AS VARCHAR), 'null') ELSE CAST(to_json(s) AS VARCHAR) END`,
	`kql_elements(d) AS CASE WHEN d IS NULL THEN [CAST(NULL AS JSON)] WHEN json_type(d) = 'ARRAY' THEN json_extract(d, '$[*]') WHEN json_type(d) = 'OBJECT' THEN list_transform(json_keys(d), k -> json_object(k, json_extract(d, '/' || replace(replace(k, '~', '~0'), '/', '~1')))) ELSE [CAST(d AS JSON)] END`,
	`kql_flat(d) AS CASE WHEN json_type(d) = 'ARRAY' THEN CAST(json_extract(d, '$[*]') AS JSON[]) ELSE [CAST(d AS JSON)] END`,
	`kql_elements_array(d) AS CASE WHEN d IS NULL THEN [CAST(NULL AS JSON)] WHEN json_type(d) = 'ARRAY' THEN json_extract(d, '$[*]') WHEN json_type(d) = 'OBJECT' THEN list_transform(json_keys(d), k -> json_array(k, json_extract(d, '/' || replace(replace(k, '~', '~0'), '/', '~1')))) ELSE [CAST(d AS JSON)] END`,
	`kql_bin(v, s) AS CASE WHEN s > 0 THEN v - ((v % s + s) % s) END`,
	`kql_bin_real(v, s) AS CASE WHEN s > 0 THEN floor(v / s) * s END`,
	`kql_divide(a, b) AS CASE WHEN b <> 0 THEN CAST(trunc(a / b) AS BIGINT) END`,
	`kql_divide_long(a, b) AS CASE WHEN b = 0 THEN NULL WHEN (a < 0) <> (b < 0) THEN -(abs(a) // abs(b)) ELSE abs(a) // abs(b) END`,
	`kql_modulo(a, b) AS CASE WHEN b <> 0 THEN (a % abs(b) + abs(b)) % abs(b) END`,
	`kql_elements_text(d) AS CASE WHEN json_type(d) = 'ARRAY' THEN json_extract_string(d, '$[*]') WHEN d IS NULL THEN [] ELSE [json_extract_string(d, '$')] END`,
}
