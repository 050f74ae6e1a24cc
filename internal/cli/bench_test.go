package cli

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/investigation"
	"github.com/replaytrace/replaytrace/internal/simulate"
)

var benchUsers = flag.Int("users", 10, "users of the simulated tenant in BenchmarkHunt, of some 2,300 non-interactive rows each")

// BenchmarkHunt is the whole job on a simulated tenant of 30 days: evidence in, every hunt, the findings out. It fails
// unless the one incident is found, and nothing else.
func BenchmarkHunt(b *testing.B) {
	dir := b.TempDir()
	tenant, err := simulate.Generate(simulate.Options{Seed: 1, Users: *benchUsers, Days: 30})
	if err != nil {
		b.Fatal(err)
	}
	if err := tenant.WriteTo(dir); err != nil {
		b.Fatal(err)
	}
	incident := tenant.Key.Incidents[0]
	tenant = nil
	forgetPeak(b)
	var rows int64
	for b.Loop() {
		var out, errs bytes.Buffer
		if code := Main([]string{"hunt", "--format", "json", filepath.Join(dir, "evidence")}, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != exitOK {
			b.Fatalf("exit code %d: %s", code, errs.String())
		}
		var inv investigation.Investigation
		if err := json.Unmarshal(out.Bytes(), &inv); err != nil {
			b.Fatal(err)
		}
		if len(inv.Findings) != 1 || inv.Findings[0].User != incident.User || len(inv.Findings[0].EventIDs) != len(incident.EventIDs["AADNonInteractiveUserSignInLogs"]) {
			b.Fatalf("%d findings, want the one of %s", len(inv.Findings), incident.User)
		}
		rows = inv.Visibility.NonInteractiveEvents
	}
	b.ReportMetric(float64(rows), "rows")
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(peakMB(b), "peak-MB")
}

// forgetPeak gives the memory of the tenant's making back and starts the kernel's measuring of the peak anew.
// https://www.kernel.org/doc/html/latest/filesystems/proc.html
func forgetPeak(b *testing.B) {
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Log("the peak includes the making of the tenant:", err)
	}
}

// peakMB is the process's peak memory since forgetPeak.
func peakMB(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Log("peak memory is not known on this system")
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	return 0
}
