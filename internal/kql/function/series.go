package function

import (
	"encoding/json"
	"math"
	"math/cmplx"
	"sort"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/mat"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// seriesFuncs filter, fit and transform a series as a whole. A series with an element that is no number gives null.
// https://learn.microsoft.com/kusto/query/scalar-functions#series-processing-functions
var seriesFuncs = []Func{
	{Name: "series_sign", Signatures: []string{"array -> dynamic"}, Go: each(sign), Doc: "series-sign-function"},
	{Name: "series_asin", Signatures: []string{"array -> dynamic"}, Go: each(math.Asin), Doc: "series-asin-function"},
	{Name: "series_acos", Signatures: []string{"array -> dynamic"}, Go: each(math.Acos), Doc: "series-acos-function"},
	{Name: "series_atan", Signatures: []string{"array -> dynamic"}, Go: each(math.Atan), Doc: "series-atan-function"},
	{Name: "series_magnitude", Signatures: []string{"array -> real"}, Go: overSeries(magnitude), Doc: "series-magnitude-function"},
	{Name: "series_product", Signatures: []string{"array -> real"}, Go: overSeries(product), Doc: "series-product-function"},
	{Name: "series_cosine_similarity", Signatures: []string{"array, array, float?, float? -> real"}, Go: goCosineSimilarity, Doc: "series-cosine-similarity-function"},
	{Name: "series_fill_linear", Signatures: []string{"array, measure?, bool?, measure? -> dynamic"}, Go: goFillLinear, NullIn: true, Naming: NameFirst, Doc: "series-fill-linear-function"},
	{Name: "series_fir", Signatures: []string{"array, array, bool?, bool? -> dynamic"}, Go: goFIR, Naming: NameFirst, Doc: "series-fir-function"},
	{Name: "series_iir", Signatures: []string{"array, array, array -> dynamic"}, Go: goIIR, Naming: NameFirst, Doc: "series-iir-function"},
	{Name: "series_fft", Signatures: []string{"array, array? -> dynamic"}, Fields: seriesFields("series_fft", "real", "imag"), Go: goFourier(false), Doc: "series-fft-function"},
	{Name: "series_ifft", Signatures: []string{"array, array? -> dynamic"}, Fields: seriesFields("series_ifft", "real", "imag"), Go: goFourier(true), Doc: "series-ifft-function"},
	{Name: "series_fit_line", Signatures: []string{"array -> dynamic"}, Fields: lineFields, Go: goFitLine, Doc: "series-fit-line-function"},
	{Name: "series_fit_line_dynamic", Signatures: []string{"array -> dynamic"}, Go: asBag(goFitLine, lineParts), Doc: "series-fit-line-dynamic-function"},
	{Name: "series_fit_2lines", Signatures: []string{"array -> dynamic"}, Fields: twoLinesFields, Go: goFitTwoLines, Doc: "series-fit-2lines-function"},
	{Name: "series_fit_2lines_dynamic", Signatures: []string{"array -> dynamic"}, Go: goFitTwoLinesDynamic, Doc: "series-fit-2lines-dynamic-function"},
	{Name: "series_fit_poly", Signatures: []string{"array, array?, long? -> dynamic"}, Fields: polyFields, Go: goFitPoly, Doc: "series-fit-poly-function"},
	{Name: "series_stats_dynamic", Signatures: []string{"array, bool? -> dynamic"}, Go: asBag(goSeriesStats, statParts), Doc: "series-stats-dynamic-function"},
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

func magnitude(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum)
}

func product(x []float64) float64 {
	p := 1.0
	for _, v := range x {
		p *= v
	}
	return p
}

func overSeries(f func([]float64) float64) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		x, ok := vector(args[0])
		if !ok {
			return nil, nil
		}
		return f(x), nil
	}
}

// asBag names the parts of a function that returns several values.
func asBag(f func([]schema.Value) (schema.Value, error), names []string) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		value, err := f(args)
		parts, ok := elements(value)
		if err != nil || !ok {
			return nil, err
		}
		return named(names, parts).json(), nil
	}
}

// named is a bag of values in the order of their names.
func named(names []string, values []json.RawMessage) *bag {
	out := texts()
	for i, name := range names {
		out.set(name, values[i], true)
	}
	return out
}

// seriesFields are columns of arrays: prefix_<argument>_<part>.
func seriesFields(prefix string, parts ...string) func([]Field) []Field {
	return fieldsOf(prefix, func(string) schema.Type { return schema.Dynamic }, parts)
}

func fieldsOf(prefix string, typeOf func(part string) schema.Type, parts []string) func([]Field) []Field {
	return func(args []Field) []Field {
		out := make([]Field, len(parts))
		for i, p := range parts {
			out[i] = Field{Name: prefix + "_" + args[0].Name + "_" + p, Type: typeOf(p)}
		}
		return out
	}
}

// numbers renders a vector as an array of reals.
func numbers(x []float64) json.RawMessage {
	list := make([]json.RawMessage, len(x))
	for i, v := range x {
		list[i] = numberJSON(v)
	}
	out, _ := array(list).(json.RawMessage)
	return out
}

func goCosineSimilarity(args []schema.Value) (schema.Value, error) {
	x, okX := elements(args[0])
	y, okY := elements(args[1])
	n := min(len(x), len(y))
	if !okX || !okY || n == 0 {
		return nil, nil
	}
	var a, b []float64
	for i := range n {
		v, okV := numberOf(x[i])
		w, okW := numberOf(y[i])
		if okV && okW {
			a, b = append(a, v), append(b, w)
		}
	}
	lengths := [2]float64{magnitude(a), magnitude(b)}
	for i := range lengths {
		if len(args) > 2+i {
			lengths[i], _ = args[2+i].(float64)
		}
	}
	dot := 0.0
	for i := range a {
		dot += a[i] * b[i]
	}
	return dot / (lengths[0] * lengths[1]), nil
}

// goFillLinear fills gaps by straight lines, the edges by their neighbours; whole numbers stay whole, cut off at the
// point as the documented answer shows.
func goFillLinear(args []schema.Value) (schema.Value, error) {
	list, ok := elements(args[0])
	if !ok {
		return nil, nil
	}
	missing, fill := placeholder(args, 1), json.RawMessage("0.0")
	edges := true
	if len(args) > 2 {
		edges, _ = args[2].(bool)
	}
	if len(args) > 3 {
		fill = element(args[3])
	}
	whole, known := true, []int{}
	for i, e := range list {
		if canonical(e) == missing {
			continue
		}
		known = append(known, i)
		var n int64
		whole = whole && json.Unmarshal(e, &n) == nil
	}
	for i := range list {
		k := sort.SearchInts(known, i)
		switch {
		case len(known) == 0:
			list[i] = fill
		case k < len(known) && known[k] == i:
		case k == 0 || k == len(known):
			if edges {
				list[i] = list[known[min(k, len(known)-1)]]
			}
		default:
			list[i] = between(list, known[k-1], known[k], i, whole)
		}
	}
	return array(list), nil
}

// between interpolates element i between the elements a and b.
func between(list []json.RawMessage, a, b, i int, whole bool) json.RawMessage {
	x, okX := numberOf(list[a])
	y, okY := numberOf(list[b])
	if !okX || !okY {
		return json.RawMessage("null")
	}
	v := x + (y-x)*float64(i-a)/float64(b-a)
	if whole {
		return schema.AppendJSON(nil, schema.Long, int64(v))
	}
	return numberJSON(v)
}

// goFIR is the weighted sum of the last points, or of those around; before the beginning there are zeros.
func goFIR(args []schema.Value) (schema.Value, error) {
	x, okX := vector(args[0])
	filter, okF := vector(args[1])
	if !okX || !okF || len(filter) == 0 {
		return nil, nil
	}
	negative, sum := false, 0.0
	for _, w := range filter {
		negative, sum = negative || w < 0, sum+w
	}
	normalize, center := !negative, false
	if len(args) > 2 {
		normalize, _ = args[2].(bool)
	}
	if len(args) > 3 {
		center, _ = args[3].(bool)
	}
	if normalize && negative {
		return nil, nil
	}
	shift := 0
	if center {
		if len(filter)%2 == 0 {
			return nil, Refused("series_fir with a centered filter of even length")
		}
		shift = len(filter) / 2
	}
	out := make([]float64, len(x))
	for i := range x {
		for k, w := range filter {
			if at := i + shift - k; at >= 0 && at < len(x) {
				out[i] += w * x[at]
			}
		}
		if normalize {
			out[i] /= sum
		}
	}
	return numbers(out), nil
}

// goIIR applies the recursive formula of the page; before the beginning there are zeros.
func goIIR(args []schema.Value) (schema.Value, error) {
	x, okX := vector(args[0])
	b, okB := vector(args[1])
	a, okA := vector(args[2])
	if !okX || !okB || !okA || len(a) == 0 || a[0] == 0 {
		return nil, nil
	}
	out := make([]float64, len(x))
	for i := range x {
		for k := 0; k < len(b) && k <= i; k++ {
			out[i] += b[k] * x[i-k]
		}
		for k := 1; k < len(a) && k <= i; k++ {
			out[i] -= a[k] * out[i-k]
		}
		out[i] /= a[0]
	}
	return numbers(out), nil
}

func goFourier(inverse bool) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		re, ok := vector(args[0])
		im := make([]float64, len(re))
		if ok && len(args) > 1 {
			im, ok = vector(args[1])
		}
		if !ok || len(im) != len(re) || len(re) == 0 {
			return nil, nil
		}
		x := make([]complex128, len(re))
		for i := range x {
			x[i] = complex(re[i], im[i])
		}
		transform := fourier.NewCmplxFFT(len(x))
		if inverse {
			x = transform.Sequence(nil, x)
			for i := range x {
				x[i] /= complex(float64(len(x)), 0)
			}
		} else {
			x = transform.Coefficients(nil, x)
		}
		for i, v := range x {
			if cmplx.IsNaN(v) {
				return nil, nil
			}
			re[i], im[i] = real(v), imag(v)
		}
		return array([]json.RawMessage{numbers(re), numbers(im)}), nil
	}
}

// lineParts are the columns of series_fit_line.
var lineParts = []string{"rsquare", "slope", "variance", "rvariance", "interception", "line_fit"}

var lineFields = fieldsOf("series_fit_line", func(part string) schema.Type {
	if part == "line_fit" {
		return schema.Dynamic
	}
	return schema.Real
}, lineParts)

// line fits y = slope*x + at, where x counts from 1: the documented interception shows that.
func line(y []float64) (slope, at float64) {
	n := float64(len(y))
	mean := 0.0
	for _, v := range y {
		mean += v / n
	}
	middle, sxy, sxx := (n+1)/2, 0.0, 0.0
	for i, v := range y {
		d := float64(i+1) - middle
		sxy, sxx = sxy+d*(v-mean), sxx+d*d
	}
	if sxx > 0 {
		slope = sxy / sxx
	}
	return slope, mean - slope*middle
}

// quality compares a fit with the data: the share of the variance that it explains, the variance of the data and of
// what is left.
func quality(y, fit []float64) (share, variance, left float64) {
	n, mean := float64(len(y)), 0.0
	for _, v := range y {
		mean += v / n
	}
	for i, v := range y {
		variance, left = variance+(v-mean)*(v-mean), left+(v-fit[i])*(v-fit[i])
	}
	return 1 - left/variance, variance / (n - 1), left / (n - 1)
}

// fitted is a line that was fitted to points.
type fitted struct {
	slope, at             float64
	fit                   []float64
	share, variance, left float64
}

func fitLine(y []float64) fitted {
	f := fitted{fit: make([]float64, len(y))}
	f.slope, f.at = line(y)
	for i := range f.fit {
		f.fit[i] = f.slope*float64(i+1) + f.at
	}
	f.share, f.variance, f.left = quality(y, f.fit)
	return f
}

// side are the sideParts of a line.
func (f fitted) side() []json.RawMessage {
	return []json.RawMessage{numberJSON(f.share), numberJSON(f.slope), numberJSON(f.at), numberJSON(f.variance), numberJSON(f.left)}
}

func goFitLine(args []schema.Value) (schema.Value, error) {
	y, ok := vector(args[0])
	if !ok || len(y) < 2 {
		return nil, nil
	}
	f := fitLine(y)
	return array([]json.RawMessage{numberJSON(f.share), numberJSON(f.slope), numberJSON(f.variance), numberJSON(f.left), numberJSON(f.at), numbers(f.fit)}), nil
}

var polyFields = fieldsOf("series_fit_poly", func(part string) schema.Type {
	if part == "coefficients" || part == "poly_fit" {
		return schema.Dynamic
	}
	return schema.Real
}, []string{"rsquare", "coefficients", "variance", "rvariance", "poly_fit"})

// maxDegree and maxFit bound the polynomials and the series of series_fit_poly.
const maxDegree, maxFit = 50, 100000

func goFitPoly(args []schema.Value) (schema.Value, error) {
	y, ok := vector(args[0])
	x := make([]float64, len(y))
	for i := range x {
		x[i] = float64(i + 1)
	}
	if ok && len(args) > 1 {
		x, ok = vector(args[1])
	}
	degree := int64(1)
	if len(args) > 2 {
		degree, _ = args[2].(int64)
	}
	if !ok || len(x) != len(y) || degree < 0 || int64(len(y)) <= degree {
		return nil, nil
	}
	if degree > maxDegree || len(y) > maxFit {
		return nil, Refused("series_fit_poly of so many points or so high a degree")
	}
	powers := mat.NewDense(len(y), int(degree)+1, nil)
	for i, v := range x {
		for k := range int(degree) + 1 {
			powers.Set(i, k, math.Pow(v, float64(int(degree)-k)))
		}
	}
	var coefficients mat.VecDense
	if coefficients.SolveVec(powers, mat.NewVecDense(len(y), y)) != nil {
		return nil, nil
	}
	var fit mat.VecDense
	fit.MulVec(powers, &coefficients)
	share, variance, left := quality(y, fit.RawVector().Data)
	return array([]json.RawMessage{
		numberJSON(share), numbers(coefficients.RawVector().Data), numberJSON(variance), numberJSON(left), numbers(fit.RawVector().Data),
	}), nil
}

// statParts are the parts of series_stats_dynamic, in the order of goSeriesStats.
var statParts = []string{"min", "min_idx", "max", "max_idx", "avg", "stdev", "variance", "sum", "len"}
