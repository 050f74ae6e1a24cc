package function

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// anomalyFuncs take a series apart and score what is unusual in it. How Kusto finds and scores the period of a series is
// not documented: these refuse where a score must be shown, and where it is open which period it finds (season).
// https://learn.microsoft.com/kusto/query/anomaly-detection
var anomalyFuncs = []Func{
	{Name: "series_periods_detect", Signatures: []string{"array, real, real, long -> dynamic"}, Fields: seriesFields("series_periods_detect", "periods", "scores"), Go: goPeriodsDetect, Doc: "series-periods-detect-function"},
	{Name: "series_periods_validate", Signatures: []string{"array, real+ -> dynamic"}, Fields: seriesFields("series_periods_validate", "periods", "scores"), Go: goPeriodsValidate, Doc: "series-periods-validate-function"},
	{Name: "series_seasonal", Signatures: []string{"array, long?, long? -> dynamic"}, Go: goSeasonal, Doc: "series-seasonal-function"},
	{Name: "series_decompose", Signatures: []string{"array, long?, string?, long?, real? -> dynamic"}, Fields: seriesFields("series_decompose", "baseline", "seasonal", "trend", "residual"), Go: goDecompose, Doc: "series-decompose-function"},
	{Name: "series_decompose_forecast", Signatures: []string{"array, long, long?, string?, real? -> dynamic"}, Fields: seriesFields("series_decompose_forecast", "baseline", "seasonal", "trend", "residual"), Go: goForecast, Doc: "series-decompose-forecast-function"},
	{Name: "series_decompose_anomalies", Signatures: []string{"array, real?, long?, string?, long?, string?, real? -> dynamic"}, Fields: seriesFields("series_decompose_anomalies", "ad_flag", "ad_score", "baseline"), Go: goAnomalies, Doc: "series-decompose-anomalies-function"},
	{Name: "series_outliers", Signatures: []string{"array, string?, measure? -> dynamic", "array, string, float, float, float?, long? -> dynamic"}, Go: goOutliers, NullIn: true, Naming: NameFirst, Doc: "series-outliers-function"},
}

func goPeriodsDetect(args []schema.Value) (schema.Value, error) {
	x, ok := vector(args[0])
	most, _ := args[3].(int64)
	if !ok || most < 1 || most > 1000 {
		return nil, nil
	}
	longest := math.Min(args[2].(float64), float64(len(x)/2))
	if !flat(x) && longest >= math.Max(args[1].(float64), shortestPeriod) {
		return nil, Refused("scoring the periods of a series: how Kusto does is not documented")
	}
	none := numbers(make([]float64, most))
	return array([]json.RawMessage{none, none}), nil
}

func goPeriodsValidate(args []schema.Value) (schema.Value, error) {
	x, ok := vector(args[0])
	if !ok {
		return nil, nil
	}
	periods := make([]float64, len(args)-1)
	for i, a := range args[1:] {
		periods[i], _ = a.(float64)
		if !flat(x) && periods[i] >= shortestPeriod && periods[i] <= float64(len(x)/2) {
			return nil, Refused("scoring the period of a series: how Kusto does is not documented")
		}
	}
	return array([]json.RawMessage{numbers(periods), numbers(make([]float64, len(periods)))}), nil
}

// periodOf is the period that an argument names: none for 0, for -1 the one that scores threshold at least.
func periodOf(x []float64, arg int64, threshold float64) (int, error) {
	if arg != -1 {
		return int(max(0, min(arg, math.MaxInt32))), nil
	}
	period, known := season(x, threshold)
	if !known {
		return 0, Refused(fmt.Sprintf("a series of %d points of which it is not documented whether Kusto finds a season of %d: give the period, or 0 for none", len(x), period))
	}
	return period, nil
}

// flat reports whether all values of a series are the same: it has no period, and nothing to score.
func flat(x []float64) bool {
	return !slices.ContainsFunc(x, func(v float64) bool { return v != x[0] })
}

// seasonal is the median of the points of a phase among the first n.
func seasonal(x []float64, period, n int) []float64 {
	out := make([]float64, len(x))
	if period == 0 {
		return out
	}
	for phase := 0; phase < period && phase < len(x); phase++ {
		var points []float64
		for i := phase; i < n; i += period {
			points = append(points, x[i])
		}
		for i := phase; i < len(x); i += period {
			out[i] = percentileOf(points, 50)
		}
	}
	return out
}

// percentileOf interpolates between the points in order; NaN when there is none.
func percentileOf(points []float64, percent float64) float64 {
	if len(points) == 0 {
		return math.NaN()
	}
	sorted := append([]float64(nil), points...)
	sort.Float64s(sorted)
	at := percent / 100 * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (sorted[low+1]-sorted[low])*(at-float64(low))
}

func goSeasonal(args []schema.Value) (schema.Value, error) {
	x, ok := vector(args[0])
	if !ok {
		return nil, nil
	}
	learned := len(x) - int(integerOf(args, 2, 0))
	if learned < 0 || learned > len(x) {
		return nil, nil
	}
	period, err := periodOf(x[:learned], integerOf(args, 1, -1), seasonScore)
	if err != nil {
		return nil, err
	}
	return numbers(seasonal(x, period, learned)), nil
}

func integerOf(args []schema.Value, i int, fallback int64) int64 {
	if i < len(args) {
		if n, ok := args[i].(int64); ok {
			return n
		}
	}
	return fallback
}

func realOf(args []schema.Value, i int, fallback float64) float64 {
	if i < len(args) {
		if x, ok := args[i].(float64); ok {
			return x
		}
	}
	return fallback
}

func textOf(args []schema.Value, i int, fallback string) string {
	if i < len(args) {
		if s, ok := args[i].(string); ok {
			return s
		}
	}
	return fallback
}

// seasonScore is what a season scores at least, unless the call says otherwise. For series_seasonal the page says 0.7, but
// its first example finds a period of 6 in 25 points whose correlation is 0.78.
const seasonScore = 0.6

// parts are the components of a series.
type parts struct{ baseline, seasonal, trend, residual []float64 }

// decompose takes the seasonal component out first, then the trend; the last points that are tested teach nothing.
func decompose(x []float64, period int64, trend string, tested int64, threshold float64) (p parts, ok bool, err error) {
	n := len(x) - int(tested)
	if tested < 0 || n <= 0 {
		return p, false, nil
	}
	length, err := periodOf(x[:n], period, threshold)
	if err != nil {
		return p, false, err
	}
	p.seasonal = seasonal(x, length, n)
	rest := make([]float64, n)
	for i := range rest {
		rest[i] = x[i] - p.seasonal[i]
	}
	p.trend = make([]float64, len(x))
	slope, at := 0.0, 0.0
	switch trend {
	case "linefit":
		slope, at = line(rest)
	case "avg":
		for _, v := range rest {
			at += v / float64(n)
		}
	case "none":
	default:
		return p, false, nil
	}
	p.baseline, p.residual = make([]float64, len(x)), make([]float64, len(x))
	for i := range x {
		p.trend[i] = slope*float64(i+1) + at
		p.baseline[i] = p.seasonal[i] + p.trend[i]
		p.residual[i] = x[i] - p.baseline[i]
	}
	return p, true, nil
}

func (p parts) json() schema.Value {
	return array([]json.RawMessage{numbers(p.baseline), numbers(p.seasonal), numbers(p.trend), numbers(p.residual)})
}

func goDecompose(args []schema.Value) (schema.Value, error) {
	x, ok := vector(args[0])
	if !ok {
		return nil, nil
	}
	p, ok, err := decompose(x, integerOf(args, 1, -1), textOf(args, 2, "avg"), integerOf(args, 3, 0), realOf(args, 4, seasonScore))
	if !ok || err != nil {
		return nil, err
	}
	return p.json(), nil
}

// goForecast fits a line unless the call says otherwise: the page says avg, but its example, which does not say, shows a
// forecast that goes on rising.
func goForecast(args []schema.Value) (schema.Value, error) {
	x, ok := vector(args[0])
	if !ok {
		return nil, nil
	}
	p, ok, err := decompose(x, integerOf(args, 2, -1), textOf(args, 3, "linefit"), integerOf(args, 1, 0), realOf(args, 4, seasonScore))
	if !ok || err != nil {
		return nil, err
	}
	return p.json(), nil
}

func goAnomalies(args []schema.Value) (schema.Value, error) {
	x, ok := vector(args[0])
	if !ok {
		return nil, nil
	}
	threshold := realOf(args, 1, 1.5)
	tested := integerOf(args, 4, 0)
	p, ok, err := decompose(x, integerOf(args, 2, -1), textOf(args, 3, "avg"), tested, realOf(args, 6, seasonScore))
	if !ok || err != nil {
		return nil, err
	}
	f, ok := fences[textOf(args, 5, "ctukey")]
	if !ok {
		return nil, nil
	}
	scores, err := f.scores(p.residual, p.residual[:len(x)-int(tested)], rounding(x))
	if err != nil {
		return nil, err
	}
	flags := make([]json.RawMessage, len(x))
	for i, score := range scores {
		flags[i] = json.RawMessage("0")
		if math.Abs(score) > threshold {
			flags[i] = schema.AppendJSON(nil, schema.Long, int64(sign(score)))
		}
	}
	return array([]json.RawMessage{mustArray(flags), numbers(scores), numbers(p.baseline)}), nil
}

func mustArray(list []json.RawMessage) json.RawMessage {
	out, _ := array(list).(json.RawMessage)
	return out
}

// fence is Tukey's test: how far a point lies outside of two percentiles, measured by their distance.
type fence struct{ low, high, scale float64 }

// fences are the kinds of the test. The scale of ctukey makes 1.5 mean on normal data what it means for tukey; it is
// taken from scores that Kusto is known to give: https://stackoverflow.com/questions/75264555
var fences = map[string]fence{"tukey": {25, 75, 1}, "ctukey": {10, 90, 2.772605605507915}}

// scores tests the points x by the percentiles of those that were learned from. Points that differ by no more than blur are
// the same. Within the normal range the score is 0, even where the range is a single value; outside of such a range it
// would be a quotient by 0, of which Kusto's author says only that it cannot be used:
// https://github.com/microsoft/Kusto-Query-Language/issues/136
func (f fence) scores(x, learned []float64, blur float64) ([]float64, error) {
	low, high := percentileOf(learned, f.low), percentileOf(learned, f.high)
	single := high-low <= blur
	out := make([]float64, len(x))
	for i, v := range x {
		outside := math.Max(v-high, 0) + math.Min(v-low, 0)
		switch {
		case outside == 0, single && math.Abs(outside) <= blur:
		case single:
			return nil, Refused(fmt.Sprintf("scoring the outliers of a series of which the middle %g%% are one value (for Kusto a division by 0): leave such series out, or take the trend 'linefit'", f.high-f.low))
		default:
			out[i] = outside / (high - low) * f.scale
		}
	}
	return out, nil
}

// rounding is how far what is computed of a series may lie from the exact result.
func rounding(x []float64) float64 {
	largest := 0.0
	for _, v := range x {
		largest = max(largest, math.Abs(v))
	}
	return 1e-13 * largest
}

// goOutliers scores a series; what is no number, or the value to ignore, scores 0.
func goOutliers(args []schema.Value) (schema.Value, error) {
	list, ok := elements(args[0])
	f, known := fences[textOf(args, 1, "ctukey")]
	if !ok || !known {
		return nil, nil
	}
	if len(args) > 3 && (args[3] != 10.0 || len(args) > 4 && args[4] != 90.0 || len(args) > 5 && args[5] != int64(0)) {
		return nil, Refused("series_outliers with percentiles other than 10 and 90")
	}
	ignored, ignores := 0.0, false
	if len(args) > 2 {
		switch v := args[2].(type) {
		case float64:
			ignored, ignores = v, true
		case json.RawMessage:
			ignored, ignores = numberOf(v)
		}
	}
	var x []float64
	var at []int
	for i, e := range list {
		if v, ok := numberOf(e); ok && !(ignores && v == ignored) {
			x, at = append(x, v), append(at, i)
		}
	}
	scores, err := f.scores(x, x, 0)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(list))
	for i, score := range scores {
		out[at[i]] = score
	}
	return numbers(out), nil
}
