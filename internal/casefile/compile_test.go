package casefile

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// BenchmarkCompile compiles every shipped hunt and reports the median and the slowest, on the clock and on the
// processors, each hunt by its best time, and the length of the SQL.
func BenchmarkCompile(b *testing.B) {
	list, err := hunt.Load(hunts.FS)
	if err != nil {
		b.Fatal(err)
	}
	c := openTest(b)
	best := make([]spent, len(list))
	for i := range best {
		best[i] = spent{math.MaxInt64, math.MaxInt64}
	}
	size := 0
	for b.Loop() {
		size = 0
		for i, h := range list {
			var compiled *kql.Compiled
			best[i].least(func() { compiled, err = kql.Compile(kql.Request{Source: h.Source()}, c, schema.UnixEpoch) })
			if err != nil {
				b.Fatal(err)
			}
			size += len(compiled.SQL())
		}
	}
	report := func(unit string, of func(spent) time.Duration) {
		times := make([]time.Duration, len(best))
		for i := range best {
			times[i] = of(best[i])
		}
		slices.Sort(times)
		b.ReportMetric(times[len(times)/2].Seconds()*1000, "median-"+unit)
		b.ReportMetric(times[len(times)-1].Seconds()*1000, "slowest-"+unit)
	}
	report("ms", func(s spent) time.Duration { return s.wall })
	report("cpu-ms", func(s spent) time.Duration { return s.cpu })
	b.ReportMetric(float64(size)/float64(len(list))/1000, "kB-of-SQL")
	b.ReportMetric(0, "ns/op")
}
