package function

import (
	"encoding/json"
	"math"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// twoLinesParts are the columns of series_fit_2lines; those of a side are what series_fit_line says of that side. Microsoft
// reckons with them in series_shapes_fl(), from which one knows that split_idx is the first point of the right side, and
// that x counts from 1 on either side.
// https://learn.microsoft.com/kusto/functions-library/series-shapes-fl
var (
	twoLinesParts = []string{"rsquare", "split_idx", "variance", "rvariance", "line_fit"}
	sideParts     = []string{"rsquare", "slope", "interception", "variance", "rvariance"}
)

var twoLinesFields = fieldsOf("series_fit_2lines", func(part string) schema.Type {
	switch part {
	case "line_fit":
		return schema.Dynamic
	case "split_idx":
		return schema.Long
	}
	return schema.Real
}, append(append(append([]string(nil), twoLinesParts...), prefixed("right_", sideParts)...), prefixed("left_", sideParts)...))

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = prefix + name
	}
	return out
}

func goFitTwoLines(args []schema.Value) (schema.Value, error) {
	whole, left, right, err := twoLines(args[0])
	if whole == nil || err != nil {
		return nil, err
	}
	return array(append(append(whole, right...), left...)), nil
}

func goFitTwoLinesDynamic(args []schema.Value) (schema.Value, error) {
	whole, left, right, err := twoLines(args[0])
	if whole == nil || err != nil {
		return nil, err
	}
	out := named(twoLinesParts, whole)
	for _, side := range []struct {
		name   string
		values []json.RawMessage
	}{{"right", right}, {"left", left}} {
		values, _ := named(sideParts, side.values).json().(json.RawMessage)
		out.set(side.name, values, true)
	}
	return out.json(), nil
}

// twoLines fits a line to either side of the best split; all is nil of what is no series.
func twoLines(v schema.Value) (whole, left, right []json.RawMessage, err error) {
	y, ok := vector(v)
	if !ok || len(y) < 2 {
		return nil, nil, nil, nil
	}
	split, err := bestSplit(y)
	if err != nil {
		return nil, nil, nil, err
	}
	before, after := fitLine(y[:split]), fitLine(y[split:])
	fit := append(append([]float64(nil), before.fit...), after.fit...)
	share, variance, rest := quality(y, fit)
	whole = []json.RawMessage{numberJSON(share), schema.AppendJSON(nil, schema.Long, int64(split)), numberJSON(variance), numberJSON(rest), numbers(fit)}
	return whole, before.side(), after.side(), nil
}

// leastSide is the number of points on a side that shows a trend: a line goes through any two.
const leastSide = 3

// bestSplit is the index at which two lines leave the least of y. It refuses where it is not documented which split Kusto
// takes: of several that are as good, and where a side has less than leastSide points.
func bestSplit(y []float64) (int, error) {
	n, all := len(y), 0.0
	before, after := leftByLine(y, 1), leftByLine(y, -1)
	for _, v := range detrended(y) {
		all += v * v
	}
	best, second := 0, math.Inf(1)
	least := math.Inf(1)
	for k := 1; k < n; k++ {
		if left := before[k] + after[n-k]; left < least {
			best, least, second = k, left, least
		} else {
			second = min(second, left)
		}
	}
	switch {
	case second-least <= 1e-9*all:
		return 0, Refused("splitting a series of which several splits are as good: which one Kusto takes is not documented")
	case best < leastSide || n-best < leastSide:
		return 0, Refused("splitting a series so near to its end: whether Kusto does is not documented")
	}
	return best, nil
}

// leftByLine is, for every number of points, the sum of squares that a line leaves of so many: of the first points, or with
// step -1 of the last.
func leftByLine(y []float64, step int) []float64 {
	out := make([]float64, len(y)+1)
	i := 0
	if step < 0 {
		i = len(y) - 1
	}
	// The sums run about the means of the points so far, so that nothing cancels.
	meanX, meanY, sxx, sxy, syy := 0.0, 0.0, 0.0, 0.0, 0.0
	for n := 1.0; n <= float64(len(y)); n++ {
		dx, dy := n-meanX, y[i]-meanY
		meanX, meanY = meanX+dx/n, meanY+dy/n
		sxx, sxy, syy = sxx+dx*(n-meanX), sxy+dx*(y[i]-meanY), syy+dy*(y[i]-meanY)
		if sxx > 0 {
			out[int(n)] = max(0, syy-sxy*sxy/sxx)
		}
		i += step
	}
	return out
}
