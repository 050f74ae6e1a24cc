package function

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// https://learn.microsoft.com/kusto/query/scalar-functions#datetimetimespan-functions
var datetimeFuncs = []Func{
	{Name: "startofday", Signatures: []string{"datetime, long? -> datetime"}, Build: startOf("day", 0), Naming: NameFirst, Doc: "startofday-function"},
	{Name: "startofweek", Signatures: []string{"datetime, long? -> datetime"}, Build: startOf("week", 0), Doc: "startofweek-function"},
	{Name: "startofmonth", Signatures: []string{"datetime, long? -> datetime"}, Build: startOf("month", 0), Doc: "startofmonth-function"},
	{Name: "startofyear", Signatures: []string{"datetime, long? -> datetime"}, Build: startOf("year", 0), Doc: "startofyear-function"},
	{Name: "endofday", Signatures: []string{"datetime, long? -> datetime"}, Build: startOf("day", 1), Doc: "endofday-function"},
	{Name: "endofweek", Signatures: []string{"datetime, long? -> datetime"}, Build: startOf("week", 1), Doc: "endofweek-function"},
	{Name: "endofmonth", Signatures: []string{"datetime, long? -> datetime"}, Build: startOf("month", 1), Doc: "endofmonth-function"},
	{Name: "endofyear", Signatures: []string{"datetime, long? -> datetime"}, Build: startOf("year", 1), Doc: "endofyear-function"},
	{Name: "hourofday", Signatures: []string{"datetime -> int"}, SQL: "CAST($1 % 864000000000 // 36000000000 AS INTEGER)", Doc: "hour-of-day-function"},
	{Name: "dayofweek", Signatures: []string{"datetime -> timespan"}, SQL: "($1 // 864000000000 + 1) % 7 * 864000000000", Doc: "day-of-week-function"},
	{Name: "dayofmonth", Signatures: []string{"datetime -> int"}, SQL: "CAST(day(kql_time($1)) AS INTEGER)", Doc: "day-of-month-function"},
	{Name: "dayofyear", Signatures: []string{"datetime -> int"}, SQL: "CAST(dayofyear(kql_time($1)) AS INTEGER)", Doc: "day-of-year-function"},
	{Name: "monthofyear getmonth", Signatures: []string{"datetime -> int"}, SQL: "CAST(month(kql_time($1)) AS INTEGER)", Doc: "monthofyear-function"},
	{Name: "getyear", Signatures: []string{"datetime -> int"}, SQL: "CAST(year(kql_time($1)) AS INTEGER)", Doc: "getyear-function"},
	{Name: "week_of_year", Signatures: []string{"datetime -> int"}, SQL: "CAST(week(kql_time($1)) AS INTEGER)", Doc: "week-of-year-function"},
	{Name: "datetime_utc_to_local", Signatures: []string{"datetime, string -> datetime"}, Go: goToLocal, Doc: "datetime-utc-to-local-function"},
	{Name: "datetime_local_to_utc", Signatures: []string{"datetime, string -> datetime"}, Go: goToUTC, Doc: "datetime-local-to-utc-function"},
	{Name: "datetime_diff", Signatures: []string{"string!, datetime, datetime -> long"}, Build: buildDatetimeDiff, Doc: "datetime-diff-function"},
	{Name: "datetime_add", Signatures: []string{"string!, long, datetime -> datetime"}, Build: buildDatetimeAdd, Doc: "datetime-add-function"},
	{Name: "datetime_part datepart", Signatures: []string{"string!, datetime -> int"}, Build: buildDatetimePart, Doc: "datetime-part-function"},
	{Name: "make_datetime", Signatures: []string{"long, long, long, long?, long?, real? -> datetime", "string -> datetime"}, Undocumented: []string{"simple", "number, number, number, number?, number?, number?"}, Build: buildMakeDatetime, Naming: NameSole, Doc: "make-datetime-function"},
	{Name: "make_timespan", Signatures: []string{"long, long, real? -> timespan", "long, long, long, real -> timespan", "string -> timespan"}, Undocumented: []string{"simple"}, Build: buildMakeTimespan, Naming: NameSole, Doc: "make-timespan-function"},
	{Name: "unixtime_seconds_todatetime", Signatures: []string{"real -> datetime"}, SQL: unixSQL("* 10000000"), Doc: "unixtime-seconds-todatetime-function"},
	{Name: "unixtime_milliseconds_todatetime", Signatures: []string{"real -> datetime"}, SQL: unixSQL("* 10000"), Doc: "unixtime-milliseconds-todatetime-function"},
	{Name: "unixtime_microseconds_todatetime", Signatures: []string{"long -> datetime", "real -> datetime"}, SQL: unixSQL("* 10"), Doc: "unixtime-microseconds-todatetime-function"},
	{Name: "unixtime_nanoseconds_todatetime", Signatures: []string{"long -> datetime", "real -> datetime"}, SQL: unixSQL("// 100"), Doc: "unixtime-nanoseconds-todatetime-function"},
	{Name: "format_datetime", Signatures: []string{"datetime, string! -> string"}, Go: goFormatDatetime, Naming: NameFirst, Doc: "format-datetime-function"},
	{Name: "format_timespan", Signatures: []string{"timespan, string! -> string"}, Go: goFormatTimespan, Naming: NameFirst, Doc: "format-timespan-function"},
}

// unixSQL is the datetime that lies behind 1970 as far as the argument, scaled to ticks, says; null where there is none.
func unixSQL(scale string) string {
	return "CASE WHEN CAST($1 AS DOUBLE) " + scale + " BETWEEN -621355968000000000 AND 2534023007999999999 THEN CAST($1 " + scale + " AS BIGINT) + 621355968000000000 END"
}

// startOf renders startof*() and endof*(): the end is the last tick before the next start.
func startOf(unit string, end int) func(Call) (string, error) {
	return func(c Call) (string, error) {
		offset := "0"
		if len(c.Args) == 2 {
			offset = c.Args[1].SQL
		}
		t := c.Args[0].SQL
		var sql string
		switch unit {
		case "day":
			sql = fmt.Sprintf("(%s - %s %% 864000000000 + (%s + %d) * 864000000000)", t, t, offset, end)
		case "week":
			day := fmt.Sprintf("(%s // 864000000000)", t) // day 0, 0001-01-01, was a Monday; weeks begin on Sunday
			sql = fmt.Sprintf("((%s - (%s + 1) %% 7 + (%s + %d) * 7) * 864000000000)", day, day, offset, end)
		default:
			interval := map[string]string{"month": "to_months", "year": "to_years"}[unit]
			sql = fmt.Sprintf("kql_ticks(date_trunc('%s', kql_time(%s)) + %s(CAST(%s + %d AS INTEGER)))", unit, t, interval, offset, end)
		}
		if end > 0 {
			sql = "(" + sql + " - 1)"
		}
		return bounded(sql, c.Args[1:]...), nil
	}
}

// bounded makes null of a calculation that has no result because one of the amounts, which come from the data, is too
// great.
func bounded(sql string, amounts ...Arg) string {
	for _, a := range amounts {
		if !a.Fixed {
			return "TRY(" + sql + ")"
		}
	}
	return sql
}

// ticksOf is the length of the datetime parts that have a fixed one.
var ticksOf = map[string]int64{
	"nanosecond": 0, "microsecond": 10, "millisecond": 10_000, "second": 10_000_000, "minute": 600_000_000,
	"hour": 36_000_000_000, "day": 864_000_000_000, "week": 7 * 864_000_000_000,
}

func buildDatetimeDiff(c Call) (string, error) {
	part, _ := c.Args[0].Text()
	part = strings.ToLower(part)
	a, b := c.Args[1].SQL, c.Args[2].SQL
	switch part {
	case "year":
		return fmt.Sprintf("(year(kql_time(%s)) - year(kql_time(%s)))", a, b), nil
	case "quarter":
		return fmt.Sprintf("(year(kql_time(%s)) * 4 + quarter(kql_time(%s)) - year(kql_time(%s)) * 4 - quarter(kql_time(%s)))", a, a, b, b), nil
	case "month":
		return fmt.Sprintf("(year(kql_time(%s)) * 12 + month(kql_time(%s)) - year(kql_time(%s)) * 12 - month(kql_time(%s)))", a, a, b, b), nil
	case "week":
		return fmt.Sprintf("((%s // 864000000000 + 1) // 7 - (%s // 864000000000 + 1) // 7)", a, b), nil
	case "nanosecond":
		return fmt.Sprintf("((%s - %s) * 100)", a, b), nil
	}
	if n := ticksOf[part]; n > 0 {
		return fmt.Sprintf("(%s // %d - %s // %d)", a, n, b, n), nil
	}
	return "", fmt.Errorf("unknown part %q: it is one of year, quarter, month, week, day, hour, minute, second, millisecond, microsecond, nanosecond", part)
}

func buildDatetimeAdd(c Call) (string, error) {
	sql, err := datetimeAdded(c)
	if err == nil && c.Careful {
		sql = inYears(sql)
	}
	return sql, err
}

func datetimeAdded(c Call) (string, error) {
	part, _ := c.Args[0].Text()
	part = strings.ToLower(part)
	n, t := c.Args[1].SQL, c.Args[2].SQL
	months := map[string]int{"year": 12, "quarter": 3, "month": 1}[part]
	if months > 0 {
		return bounded(fmt.Sprintf("(kql_ticks(kql_time(%s) + to_months(CAST(%s * %d AS INTEGER))) + %s %% 10)", t, n, months, t), c.Args[1]), nil
	}
	if part == "nanosecond" {
		return fmt.Sprintf("(%s + %s // 100)", t, n), nil
	}
	if length := ticksOf[part]; length > 0 {
		return bounded(fmt.Sprintf("(%s + %s * %d)", t, n, length), c.Args[1]), nil
	}
	return "", fmt.Errorf("unknown part %q: it is one of year, quarter, month, week, day, hour, minute, second, millisecond, microsecond, nanosecond", part)
}

func buildDatetimePart(c Call) (string, error) {
	part, _ := c.Args[0].Text()
	t := c.Args[1].SQL
	forms := map[string]string{
		"year": "year(kql_time(%s))", "quarter": "quarter(kql_time(%s))", "month": "month(kql_time(%s))",
		"day": "day(kql_time(%s))", "dayofyear": "dayofyear(kql_time(%s))",
		"week_of_year": "week(kql_time(%s))",
		"hour":         "(%s %% 864000000000 // 36000000000)", "minute": "(%s %% 36000000000 // 600000000)",
		"second": "(%s %% 600000000 // 10000000)", "millisecond": "(%s %% 10000000 // 10000)",
		"microsecond": "(%s %% 10000000 // 10)", "nanosecond": "(%s %% 10000000 * 100)",
	}
	form, ok := forms[strings.ToLower(part)]
	if strings.EqualFold(part, "weekofyear") {
		return "", fmt.Errorf("the weeks of weekofyear are not those of ISO 8601: use week_of_year")
	}
	if !ok {
		return "", fmt.Errorf("unknown part %q", part)
	}
	return "CAST(" + fmt.Sprintf(form, t) + " AS INTEGER)", nil
}

func buildMakeDatetime(c Call) (string, error) {
	if len(c.Args) == 1 {
		return Conversion(c.Args[0].SQL, schema.String, schema.Datetime), nil
	}
	arg := func(i int) string {
		if i < len(c.Args) {
			return c.Args[i].SQL
		}
		return "0"
	}
	ticks := "CAST(round(" + arg(5) + " * 10000000) AS BIGINT)"
	start := fmt.Sprintf("TRY(kql_ticks(make_timestamp(%s, %s, %s, %s, %s, 0)))", arg(0), arg(1), arg(2), arg(3), arg(4))
	return fmt.Sprintf("CASE WHEN %s BETWEEN 1 AND 9999 AND %s AND %s BETWEEN 0 AND 599999999 THEN %s + %s END", arg(0), clock(arg(3), arg(4)), ticks, start, ticks), nil
}

func buildMakeTimespan(c Call) (string, error) {
	if len(c.Args) == 1 {
		return Conversion(c.Args[0].SQL, schema.String, schema.Timespan), nil
	}
	day, rest := "0", c.Args
	if len(c.Args) == 4 {
		day, rest = c.Args[0].SQL, c.Args[1:]
	}
	second := "0"
	if len(rest) == 3 {
		second = rest[2].SQL
	}
	hour, minute := rest[0].SQL, rest[1].SQL
	return fmt.Sprintf("CASE WHEN %s AND %s >= 0 AND %s < 60 THEN %s * 864000000000 + %s * 36000000000 + %s * 600000000 + CAST(%s * 10000000 AS BIGINT) END",
		clock(hour, minute), second, second, day, hour, minute, second), nil
}

// clock is the condition that an hour and a minute are those of a clock.
func clock(hour, minute string) string {
	return hour + " BETWEEN 0 AND 23 AND " + minute + " BETWEEN 0 AND 59"
}
