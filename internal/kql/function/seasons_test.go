package function

import (
	"math/rand/v2"
	"testing"
)

// traffic is the series of the page of series_periods_detect: a month of traffic twice a day, whose period is 14.
var traffic = []float64{80, 139, 87, 110, 68, 54, 50, 51, 53, 133, 86, 141, 97, 156, 94, 149, 95, 140, 77, 61, 50, 54, 47, 133, 72, 152, 94, 148, 105, 162, 101, 160, 87, 63, 53, 55, 54, 151, 103, 189, 108, 183, 113, 175, 113, 178, 90, 71, 62, 62, 65, 165, 109, 181, 115, 182, 121, 178, 114, 170}

func TestSeason(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	series := func(n int, value func(i int) float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = value(i) + random.Float64()
		}
		return x
	}
	daytime := func(i int) float64 {
		if i%24 >= 8 && i%24 < 18 {
			return 8
		}
		return 0
	}
	for _, test := range []struct {
		name   string
		x      []float64
		period int
	}{
		{"the documented traffic", traffic, 14},
		{"days of hours", series(14*24, daytime), 24},
		{"days that grow", series(14*24, func(i int) float64 { return daytime(i) + float64(i)/20 }), 24},
		{"weeks of hours", series(28*24, func(i int) float64 {
			if i/24%7 >= 5 {
				return 0
			}
			return daytime(i)
		}), 168},
		{"weeks of days", series(42, func(i int) float64 {
			if i%7 >= 5 {
				return 0
			}
			return 8
		}), 7},
		{"noise", series(200, func(int) float64 { return 0 }), 0},
		{"a line", series(200, func(i int) float64 { return float64(i) }), 0},
		{"a line without noise", []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, 0},
		{"a step", series(200, func(i int) float64 { return float64(i / 150 * 5) }), 0},
		{"one point", []float64{1}, 0},
		{"no point", nil, 0},
	} {
		period, known := season(test.x, seasonScore)
		if period != test.period || !known {
			t.Errorf("%s: the season is %d (known: %v), want %d", test.name, period, known, test.period)
		}
	}
	// Two weeks of days: a wave of 7 days has a share of the spectrum that chance gives noise once in 80 times.
	if period, known := season([]float64{5, 5, 5, 5, 5, 1, 1, 5, 5, 5, 5, 5, 1, 1}, seasonScore); known || period != 7 {
		t.Errorf("two weeks: the season is %d (known: %v), want a doubtful 7", period, known)
	}
}
