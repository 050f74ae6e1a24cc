package function

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// vectorFuncs work on arrays of numbers, element by element. An element that is no number makes null.
// https://learn.microsoft.com/kusto/query/scalar-functions#series-element-wise-functions
var vectorFuncs = []Func{
	{Name: "series_add", Signatures: []string{"array, array -> dynamic", "array, real -> dynamic", "real, array -> dynamic"}, Go: pairwise(func(a, b float64) float64 { return a + b }), Doc: "series-add-function"},
	{Name: "series_subtract", Signatures: []string{"array, array -> dynamic", "array, real -> dynamic", "real, array -> dynamic"}, Go: pairwise(func(a, b float64) float64 { return a - b }), Doc: "series-subtract-function"},
	{Name: "series_multiply", Signatures: []string{"array, array -> dynamic", "array, real -> dynamic", "real, array -> dynamic"}, Go: pairwise(func(a, b float64) float64 { return a * b }), Doc: "series-multiply-function"},
	{Name: "series_divide", Signatures: []string{"array, array -> dynamic", "array, real -> dynamic", "real, array -> dynamic"}, Go: pairwise(func(a, b float64) float64 { return a / b }), Doc: "series-divide-function"},
	{Name: "series_pow", Signatures: []string{"array, array -> dynamic", "array, real -> dynamic", "real, array -> dynamic"}, Go: pairwise(math.Pow), Doc: "series-pow-function"},
	{Name: "series_equals", Signatures: []string{"array, array -> dynamic", "array, real -> dynamic", "real, array -> dynamic"}, Go: comparing(func(a, b float64) bool { return a == b }), Doc: "series-equals-function"},
	{Name: "series_not_equals", Signatures: []string{"array, array -> dynamic", "array, real -> dynamic", "real, array -> dynamic"}, Go: comparing(func(a, b float64) bool { return a != b }), Doc: "series-not-equals-function"},
	{Name: "series_greater", Signatures: []string{"array, array -> dynamic", "array, real -> dynamic", "real, array -> dynamic"}, Go: comparing(func(a, b float64) bool { return a > b }), Doc: "series-greater-function"},
	{Name: "series_greater_equals", Signatures: []string{"array, array -> dynamic", "array, real -> dynamic", "real, array -> dynamic"}, Go: comparing(func(a, b float64) bool { return a >= b }), Doc: "series-greater-equals-function"},
	{Name: "series_less", Signatures: []string{"array, array -> dynamic", "array, real -> dynamic", "real, array -> dynamic"}, Go: comparing(func(a, b float64) bool { return a < b }), Doc: "series-less-function"},
	{Name: "series_less_equals", Signatures: []string{"array, array -> dynamic", "array, real -> dynamic", "real, array -> dynamic"}, Go: comparing(func(a, b float64) bool { return a <= b }), Doc: "series-less-equals-function"},
	{Name: "series_abs", Signatures: []string{"array -> dynamic"}, Go: each(math.Abs), Doc: "series-abs-function"},
	{Name: "series_ceiling", Signatures: []string{"array -> dynamic"}, Go: each(math.Ceil), Doc: "series-ceiling-function"},
	{Name: "series_floor", Signatures: []string{"array -> dynamic"}, Go: each(math.Floor), Doc: "series-floor-function"},
	{Name: "series_exp", Signatures: []string{"array -> dynamic"}, Go: each(math.Exp), Doc: "series-exp-function"},
	{Name: "series_log", Signatures: []string{"array -> dynamic"}, Go: each(math.Log), Doc: "series-log-function"},
	{Name: "series_sin", Signatures: []string{"array -> dynamic"}, Go: each(math.Sin), Doc: "series-sin-function"},
	{Name: "series_cos", Signatures: []string{"array -> dynamic"}, Go: each(math.Cos), Doc: "series-cos-function"},
	{Name: "series_tan", Signatures: []string{"array -> dynamic"}, Go: each(math.Tan), Doc: "series-tan-function"},
	{Name: "series_stats", Signatures: []string{"array, bool? -> dynamic"}, Fields: statFields, Go: goSeriesStats, Doc: "series-stats-function"},
	{Name: "series_fill_const", Signatures: []string{"array, measure, measure? -> dynamic"}, Undocumented: []string{"array"}, Go: goFillConst, NullIn: true, Naming: NameFirst, Doc: "series-fill-const-function"},
	{Name: "series_fill_forward", Signatures: []string{"array, measure? -> dynamic"}, Go: goFillNear(false), NullIn: true, Naming: NameFirst, Doc: "series-fill-forward-function"},
	{Name: "series_fill_backward", Signatures: []string{"array, measure? -> dynamic"}, Go: goFillNear(true), NullIn: true, Naming: NameFirst, Doc: "series-fill-backward-function"},
	{Name: "series_sum", Signatures: []string{"array -> real"}, Go: goSeriesSum, Doc: "series-sum-function"},
	{Name: "series_dot_product", Signatures: []string{"array, array -> real", "array, real -> real", "real, array -> real"}, Go: goDotProduct, Doc: "series-dot-product-function"},
	{Name: "series_pearson_correlation", Signatures: []string{"array, array -> real"}, Go: goPearson, Doc: "series-pearson-correlation-function"},
}

// number reads an element; ok is false when it is no number.
func numberOf(e json.RawMessage) (float64, bool) {
	x, err := strconv.ParseFloat(string(e), 64)
	return x, err == nil
}

func numberJSON(x float64) json.RawMessage { return schema.AppendJSON(nil, schema.Real, x) }

func each(f func(float64) float64) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		list, ok := elements(args[0])
		if !ok {
			return nil, nil
		}
		out := make([]json.RawMessage, len(list))
		for i, e := range list {
			out[i] = json.RawMessage("null")
			if x, ok := numberOf(e); ok {
				out[i] = numberJSON(f(x))
			}
		}
		return array(out), nil
	}
}

// operand is one side of an operation: an array, or one number for all elements.
func operand(v schema.Value) (list []json.RawMessage, one json.RawMessage, ok bool) {
	if x, isNumber := v.(float64); isNumber {
		return nil, numberJSON(x), true
	}
	list, ok = elements(v)
	return list, nil, ok
}

func combine(args []schema.Value, f func(a, b float64) json.RawMessage) (schema.Value, error) {
	left, oneLeft, ok1 := operand(args[0])
	right, oneRight, ok2 := operand(args[1])
	if !ok1 || !ok2 {
		return nil, nil
	}
	out := make([]json.RawMessage, max(len(left), len(right)))
	at := func(list []json.RawMessage, one json.RawMessage, i int) (float64, bool) {
		if list == nil {
			return numberOf(one)
		}
		if i >= len(list) {
			return 0, false
		}
		return numberOf(list[i])
	}
	for i := range out {
		out[i] = json.RawMessage("null")
		a, ok1 := at(left, oneLeft, i)
		b, ok2 := at(right, oneRight, i)
		if ok1 && ok2 {
			out[i] = f(a, b)
		}
	}
	return array(out), nil
}

func pairwise(f func(a, b float64) float64) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		return combine(args, func(a, b float64) json.RawMessage { return numberJSON(f(a, b)) })
	}
}

func comparing(f func(a, b float64) bool) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		return combine(args, func(a, b float64) json.RawMessage { return strconv.AppendBool(nil, f(a, b)) })
	}
}

// vector reads an array of numbers; ok is false when an element is none.
func vector(v schema.Value) ([]float64, bool) {
	list, ok := elements(v)
	if !ok {
		return nil, false
	}
	out := make([]float64, len(list))
	for i, e := range list {
		if out[i], ok = numberOf(e); !ok {
			return nil, false
		}
	}
	return out, true
}

func goSeriesSum(args []schema.Value) (schema.Value, error) {
	x, ok := vector(args[0])
	if !ok {
		return nil, nil
	}
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum, nil
}

func goDotProduct(args []schema.Value) (schema.Value, error) {
	for _, a := range args {
		if list, ok := elements(a); ok && len(list) == 0 {
			return nil, nil
		}
	}
	products, err := pairwise(func(a, b float64) float64 { return a * b })(args)
	if err != nil {
		return nil, err
	}
	list, ok := elements(products)
	if !ok {
		return nil, nil
	}
	sum := 0.0
	for _, e := range list {
		if x, ok := numberOf(e); ok { // what has no partner, or is no number, does not count
			sum += x
		}
	}
	return sum, nil
}

func goPearson(args []schema.Value) (schema.Value, error) {
	x, ok1 := vector(args[0])
	y, ok2 := vector(args[1])
	if !ok1 || !ok2 || len(x) != len(y) || len(x) == 0 {
		return nil, nil
	}
	mx, my := 0.0, 0.0
	for i := range x {
		mx, my = mx+x[i]/float64(len(x)), my+y[i]/float64(len(y))
	}
	sxy, sxx, syy := 0.0, 0.0, 0.0
	for i := range x {
		sxy, sxx, syy = sxy+(x[i]-mx)*(y[i]-my), sxx+(x[i]-mx)*(x[i]-mx), syy+(y[i]-my)*(y[i]-my)
	}
	return sxy / math.Sqrt(sxx*syy), nil
}

// statFields are the columns of series_stats: series_stats_<argument>_min and so on.
func statFields(args []Field) []Field {
	prefix := "series_stats_" + args[0].Name + "_"
	return []Field{
		{prefix + "min", schema.Real},
		{prefix + "min_idx", schema.Long},
		{prefix + "max", schema.Real},
		{prefix + "max_idx", schema.Long},
		{prefix + "avg", schema.Real},
		{prefix + "stdev", schema.Real},
		{prefix + "variance", schema.Real},
	}
}

// goSeriesStats returns minimum, its index, maximum, its index, mean, sample deviation, sample variance, and what only
// series_stats_dynamic shows: sum and length. Elements
// that are no number are left out, or spoil all where the second argument is not true.
func goSeriesStats(args []schema.Value) (schema.Value, error) {
	list, ok := elements(args[0])
	if !ok {
		return nil, nil
	}
	ignore := false
	if len(args) == 2 {
		ignore, _ = args[1].(bool)
	}
	n, lowAt, highAt := 0, -1, -1
	var low, high, mean, square, sum float64
	for i, e := range list {
		x, ok := numberOf(e)
		if !ok {
			if ignore {
				continue
			}
			return nil, nil
		}
		if lowAt < 0 || x < low {
			low, lowAt = x, i
		}
		if highAt < 0 || x > high {
			high, highAt = x, i
		}
		sum += x
		n++ // Welford's method: https://doi.org/10.1080/00401706.1962.10490022
		d := x - mean
		mean += d / float64(n)
		square += d * (x - mean)
	}
	if n == 0 {
		return nil, nil
	}
	variance := 0.0
	if n > 1 {
		variance = square / float64(n-1)
	}
	index := func(i int) json.RawMessage { return json.RawMessage(strconv.Itoa(i)) }
	return array([]json.RawMessage{numberJSON(low), index(lowAt), numberJSON(high), index(highAt), numberJSON(sum / float64(n)), numberJSON(math.Sqrt(variance)), numberJSON(variance), numberJSON(sum), index(len(list))}), nil
}

// placeholder is the element that the filling functions replace: null unless an argument names another.
func placeholder(args []schema.Value, i int) string {
	if i >= len(args) || args[i] == nil {
		return "null"
	}
	return canonical(element(args[i]))
}

func goFillConst(args []schema.Value) (schema.Value, error) {
	list, ok := elements(args[0])
	if !ok {
		return nil, nil
	}
	missing, fill := placeholder(args, 2), element(args[1])
	for i, e := range list {
		if canonical(e) == missing {
			list[i] = fill
		}
	}
	return array(list), nil
}

// goFillNear replaces missing elements by the nearest one before them, or behind them.
func goFillNear(backward bool) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		list, ok := elements(args[0])
		if !ok {
			return nil, nil
		}
		missing := placeholder(args, 1)
		var last json.RawMessage
		for k := range list {
			i := k
			if backward {
				i = len(list) - 1 - k
			}
			if canonical(list[i]) != missing {
				last = list[i]
			} else if last != nil {
				list[i] = last
			}
		}
		return array(list), nil
	}
}
