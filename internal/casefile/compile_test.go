package casefile

import (
	"slices"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// BenchmarkCompile compiles every shipped hunt and reports the median, the slowest and the length of the SQL.
func BenchmarkCompile(b *testing.B) {
	list, err := hunt.Load(hunts.FS)
	if err != nil {
		b.Fatal(err)
	}
	c := openTest(b)
	best := make([]time.Duration, len(list))
	size := 0
	for b.Loop() {
		size = 0
		for i, h := range list {
			start := time.Now()
			compiled, err := kql.Compile(kql.Request{Source: h.Source()}, c, schema.UnixEpoch)
			took := time.Since(start)
			if err != nil {
				b.Fatal(err)
			}
			if best[i] == 0 || took < best[i] {
				best[i] = took
			}
			size += len(compiled.SQL())
		}
	}
	slices.Sort(best)
	b.ReportMetric(best[len(best)/2].Seconds()*1000, "median-ms")
	b.ReportMetric(best[len(best)-1].Seconds()*1000, "slowest-ms")
	b.ReportMetric(float64(size)/float64(len(list))/1000, "kB-of-SQL")
	b.ReportMetric(0, "ns/op")
}
