package function

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// seriesOfFuncs do the work of make-series. No query can call them.
// https://learn.microsoft.com/kusto/query/make-series-operator
var seriesOfFuncs = []Func{
	{Name: "series_bin", Signatures: []string{"datetime, datetime, timespan -> long", "timespan, timespan, timespan -> long", "long, long, long -> long", "real, real, real -> long"}, Build: buildSeriesBin("floor"), Doc: "make-series-operator"},
	{Name: "series_bins", Signatures: []string{"datetime, datetime, timespan -> long", "timespan, timespan, timespan -> long", "long, long, long -> long", "real, real, real -> long"}, Build: buildSeriesBin("ceil"), Doc: "make-series-operator"},
	{Name: "series_bins_inclusive", Signatures: []string{"datetime, datetime, timespan -> long", "timespan, timespan, timespan -> long", "long, long, long -> long", "real, real, real -> long"}, Build: buildSeriesBin("1 + floor"), Doc: "make-series-operator"},
	{Name: "series_values", Signatures: []string{"long, any, any, long, long -> dynamic"}, Build: buildSeriesValues, Aggregate: true, Once: 3, Doc: "make-series-operator"},
	{Name: "series_axis", Signatures: []string{"long, any, any, long, long -> dynamic"}, Build: buildSeriesAxis, Aggregate: true, Once: 2, Doc: "make-series-operator"},
	{Name: "series_fill_bins", Signatures: []string{"dynamic, dynamic, dynamic, long, long -> dynamic"}, Go: goFillBins, NullIn: true, Doc: "make-series-operator"},
	{Name: "series_axis_bins", Signatures: []string{"dynamic, string, string, long, long, string -> dynamic"}, Go: goAxisBins, NullIn: true, Doc: "make-series-operator"},
}

// maxSeries is how long an array of make-series may be.
const maxSeries = 1 << 20

// buildSeriesBin is (x - start) / step, whole. Ticks are counted in HUGEINT-free integers, so that none is lost.
func buildSeriesBin(rounding string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		x, start, step := c.Args[0].SQL, c.Args[1].SQL, c.Args[2].SQL
		if c.Args[0].Type == schema.Real {
			return fmt.Sprintf("CASE WHEN %s > 0 THEN CAST(%s((%s - %s) / %s) AS BIGINT) END", step, rounding, x, start, step), nil
		}
		floor := fmt.Sprintf("((%s - %s - (((%s - %s) %% %s + %s) %% %s)) // %s)", x, start, x, start, step, step, step, step)
		switch rounding {
		case "ceil":
			floor = fmt.Sprintf("(%s + CASE WHEN (%s - %s) %% %s = 0 THEN 0 ELSE 1 END)", floor, x, start, step)
		case "1 + floor":
			floor = "(1 + " + floor + ")"
		}
		return fmt.Sprintf("CASE WHEN %s > 0 THEN %s END", step, floor), nil
	}
}

func listSQL(sql string, t schema.Type) string {
	return "CAST(to_json(list(" + jsonOf(sql, t) + ")) AS VARCHAR)"
}

func buildSeriesValues(c Call) (string, error) {
	bins, values, fill := c.Args[0], c.Args[1], c.Args[2]
	list := "CAST(to_json(list(coalesce(" + jsonOf(values.SQL, values.Type) + ", CAST('null' AS JSON)))) AS VARCHAR)"
	return fmt.Sprintf("kql_go_series_fill_bins_0(%s, %s, CAST(%s AS VARCHAR), %s, %s)", listSQL(bins.SQL, schema.Long), list,
		jsonOf(fill.SQL, fill.Type), c.Args[3].SQL, c.Args[4].SQL), nil
}

func buildSeriesAxis(c Call) (string, error) {
	start, step := c.Args[1], c.Args[2]
	return fmt.Sprintf("kql_go_series_axis_bins_0(%s, CAST(%s AS VARCHAR), CAST(%s AS VARCHAR), %s, %s, '%s')", listSQL(c.Args[0].SQL, schema.Long),
		start.SQL, step.SQL, c.Args[3].SQL, c.Args[4].SQL, start.Type), nil
}

// extent is the range of bins: from the given first bin, or the first with data, on.
func extent(bins []int64, first, count schema.Value) (from, n int64, err error) {
	if len(bins) > 0 {
		from = bins[0]
	}
	last := from - 1
	for _, b := range bins {
		from, last = min(from, b), max(last, b)
	}
	if v, ok := first.(int64); ok {
		from = v
	}
	n = last - from + 1
	if v, ok := count.(int64); ok {
		n = v
		if first == nil {
			n = v - from
		}
	}
	if n > maxSeries {
		return 0, 0, fmt.Errorf("make-series makes arrays of at most %d values, these would have %d", maxSeries, n)
	}
	return from, max(n, 0), nil
}

func goFillBins(args []schema.Value) (schema.Value, error) {
	var bins []int64
	values, _ := elements(args[1])
	if raw, ok := args[0].(json.RawMessage); ok {
		if err := json.Unmarshal(raw, &bins); err != nil {
			return nil, err
		}
	}
	from, n, err := extent(bins, args[3], args[4])
	if err != nil {
		return nil, err
	}
	fill, ok := args[2].(json.RawMessage)
	if !ok {
		fill = json.RawMessage("null")
	}
	out := make([]json.RawMessage, n)
	for i := range out {
		out[i] = fill
	}
	for i, b := range bins {
		if k := b - from; k >= 0 && k < n && i < len(values) {
			out[k] = values[i]
		}
	}
	return array(out), nil
}

// goAxisBins makes the axis: the beginning of each bin. Datetimes and timespans come as ticks.
func goAxisBins(args []schema.Value) (schema.Value, error) {
	var bins []int64
	if raw, ok := args[0].(json.RawMessage); ok {
		if err := json.Unmarshal(raw, &bins); err != nil {
			return nil, err
		}
	}
	from, n, err := extent(bins, args[3], args[4])
	if err != nil {
		return nil, err
	}
	start, _ := args[1].(string)
	step, _ := args[2].(string)
	kind, _ := args[5].(string)
	t, _ := schema.ParseType(kind)
	out := []byte{'['}
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		if t == schema.Real {
			a, err1 := strconv.ParseFloat(start, 64)
			b, err2 := strconv.ParseFloat(step, 64)
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
			out = schema.AppendJSON(out, t, a+float64(from+i)*b)
			continue
		}
		a, err1 := strconv.ParseInt(start, 10, 64)
		b, err2 := strconv.ParseInt(step, 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		switch v := a + (from+i)*b; t {
		case schema.Long:
			out = schema.AppendJSON(out, t, v)
		case schema.Datetime: // inside of a dynamic value a datetime has all its digits
			out = append(out, `"`+schema.Ticks(v).Full()+`"`...)
		default:
			out = schema.AppendJSON(out, t, schema.Ticks(v))
		}
	}
	return json.RawMessage(append(out, ']')), nil
}
