package function

import (
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/dsp/fourier"
)

// shortestPeriod is the least number of points of a period; a series holds two periods at least.
// https://learn.microsoft.com/kusto/query/series-periods-detect-function
const shortestPeriod = 4

// The reference says what a score means, between 0 and 1, not how Kusto computes it. The example of series_periods_detect
// shows that the score of a lag k among n points is their autocorrelation, lessened as fewer pairs of points are k apart:
// 0.84 where n is 60, k 14 and the correlation 0.97, which is (1-k/n)^0.5 or near it. A season is taken for sure, or for
// absent, only where every measure within these bounds agrees.
const (
	leastDiscount = 0.4
	mostDiscount  = 0.7
)

// A peak of the autocorrelation rises out of a valley: a rise of less than flatRise is the noise of a random walk, one of
// sureRise is a season.
const (
	flatRise = 0.2
	sureRise = 0.4
)

// What repeats after a lag repeats after its multiples, yet series_periods_detect names 14 and not 28, which correlates as
// well, and series_seasonal finds no 6 where 3 is the period: a season has a share in the spectrum of the series at its own
// frequency. The share stands out where noise would have it with a chance of sureChance at most, and does not where noise
// has it with openChance.
const (
	sureChance = 0.01
	openChance = 0.5
)

// lag is a distance between points at which a series is alike.
type lag struct {
	points int
	// scores are by the bounds of the discount and the two estimates of the correlation.
	scores [4]float64
	sure   bool
}

func (l lag) reaches(threshold float64) (surely, perhaps bool) {
	surely = l.sure
	for _, s := range l.scores {
		surely, perhaps = surely && s >= threshold, perhaps || s >= threshold
	}
	return surely, perhaps
}

// beats reports whether l scores higher than other by every measure.
func (l lag) beats(other lag) bool {
	for i, s := range l.scores {
		if s <= other.scores[i] {
			return false
		}
	}
	return true
}

// season finds the period of a series: 0 for none. known is false where the reference leaves open what Kusto finds, and
// period is then one that it may find.
func season(x []float64, threshold float64) (period int, known bool) {
	var found []lag
	for _, l := range peaks(detrended(x)) {
		if _, perhaps := l.reaches(threshold); perhaps {
			found = append(found, l)
		}
	}
	if len(found) == 0 {
		return 0, true
	}
	best := found[0]
	for _, l := range found[1:] {
		if l.beats(best) {
			best = l
		}
	}
	known, _ = best.reaches(threshold)
	for _, l := range found {
		known = known && (l.points == best.points || best.beats(l))
	}
	return best.points, known
}

// peaks are the lags at which the autocorrelation of x has a peak and its spectrum a share. The mean of x is 0.
func peaks(x []float64) []lag {
	var out []lag
	pearson, shared := autocorrelations(x)
	open, sure := outstanding(openChance, len(x)/2), outstanding(sureChance, len(x)/2)
	valley := 1.0
	for k := 1; k+1 < len(pearson); k++ {
		r := pearson[k]
		rise := r - valley
		valley = min(valley, r)
		if k < shortestPeriod || r < pearson[k-1] || r <= pearson[k+1] || rise < flatRise {
			continue
		}
		share := shareAt(x, k)
		if share < open {
			continue
		}
		l := lag{points: k, sure: rise >= sureRise && share >= sure}
		few := 1 - float64(k)/float64(len(x))
		for i, estimate := range []float64{r, shared[k]} {
			estimate = min(estimate, 1)
			l.scores[2*i] = estimate * math.Pow(few, leastDiscount)
			l.scores[2*i+1] = estimate * math.Pow(few, mostDiscount)
		}
		out = append(out, l)
	}
	return out
}

// shareAt is the share of the variance of x, whose mean is 0, that a wave of k points has.
func shareAt(x []float64, k int) float64 {
	var wave complex128
	total := 0.0
	for i, v := range x {
		wave += complex(v, 0) * cmplx.Rect(1, 2*math.Pi*float64(i%k)/float64(k))
		total += v * v
	}
	return 2 * real(wave*cmplx.Conj(wave)) / total / float64(len(x))
}

// outstanding is the share that the greatest of n frequencies of noise exceeds with a chance: Fisher's test of 1929.
func outstanding(chance float64, n int) float64 {
	return 1 - math.Pow(chance/float64(n), 1/float64(n-1))
}

// detrended is what a fitted line leaves of a series: nothing, where all that it leaves is rounding.
func detrended(x []float64) []float64 {
	slope, at := line(x)
	out := make([]float64, len(x))
	left, all := 0.0, 0.0
	for i, v := range x {
		out[i] = v - at - slope*float64(i+1)
		left, all = left+out[i]*out[i], all+v*v
	}
	if left < 1e-20*all {
		clear(out)
	}
	return out
}

// autocorrelations estimates how the points correlate with those k later, for k up to one more than half the length,
// which shows whether half the length is a peak: pearson by the mean and variance of the points that have a partner,
// shared by those of all.
func autocorrelations(x []float64) (pearson, shared []float64) {
	n := len(x)
	most := n/2 + 1
	if most <= shortestPeriod {
		return nil, nil
	}
	sum, squares := make([]float64, n+1), make([]float64, n+1)
	for i, v := range x {
		sum[i+1], squares[i+1] = sum[i]+v, squares[i]+v*v
	}
	variance := (squares[n] - sum[n]*sum[n]/float64(n)) / float64(n)
	products := laggedProducts(x)
	pearson, shared = make([]float64, most+1), make([]float64, most+1)
	for k := range pearson {
		m := float64(n - k)
		first, second := sum[n-k], sum[n]-sum[k]
		covariance := products[k] - first*second/m
		spread := (squares[n-k] - first*first/m) * (squares[n] - squares[k] - second*second/m)
		if spread > 0 {
			pearson[k] = covariance / math.Sqrt(spread)
		}
		if variance > 0 {
			shared[k] = products[k] / m / variance
		}
	}
	return pearson, shared
}

// laggedProducts sums x[i]*x[i+k] for every k in O(n log n).
func laggedProducts(x []float64) []float64 {
	padded := make([]float64, 2*len(x))
	copy(padded, x)
	transform := fourier.NewFFT(len(padded))
	spectrum := transform.Coefficients(nil, padded)
	for i, c := range spectrum {
		spectrum[i] = complex(real(c)*real(c)+imag(c)*imag(c), 0)
	}
	out := transform.Sequence(nil, spectrum)
	for i := range out {
		out[i] /= float64(len(padded))
	}
	return out[:len(x)]
}
