package casefile

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

var benchRows = flag.Int("rows", 20000, "rows of the ingest benchmark")

// BenchmarkIngest loads generated non-interactive rows of 55 members and about 3.5 KB with the case's intake and with
// DuckDB's own JSON reader into the same columns, one after the other, and reports the ratio of the two times.
func BenchmarkIngest(b *testing.B) {
	path := filepath.Join(b.TempDir(), "ni.jsonl")
	writeBenchRows(b, path, *benchRows)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	// Both read a file that is on the disk and in the page cache; the better run of each counts, for what disturbs a
	// machine only ever adds time.
	ours, theirs := spent{math.MaxInt64, math.MaxInt64}, spent{math.MaxInt64, math.MaxInt64}
	for b.Loop() {
		theirs.least(func() { loadDuckDB(b, path, int64(*benchRows)) })
		ours.least(func() { loadOurs(b, path, int64(*benchRows)) })
	}
	b.ReportMetric(ours.wall.Seconds()/theirs.wall.Seconds(), "x-duckdb")
	b.ReportMetric(ours.cpu.Seconds()/theirs.cpu.Seconds(), "x-duckdb-cpu")
	b.ReportMetric(ours.cpu.Seconds(), "cpu-s")
	b.ReportMetric(float64(*benchRows)/ours.wall.Seconds(), "rows/s")
	b.ReportMetric(float64(info.Size())/float64(*benchRows), "B/row")
	b.ReportMetric(peakMB(b), "peak-MB")
}

func loadOurs(b *testing.B, path string, want int64) {
	ctx := context.Background()
	c, err := Open(ctx, Options{Dir: filepath.Join(b.TempDir(), "ours"), Memory: 1e9})
	if err != nil {
		b.Fatal(err)
	}
	reports, err := c.Load(ctx, []string{path})
	if err != nil || len(reports) != 1 || reports[0].RowsLoaded != want {
		b.Fatalf("loaded %+v: %v", reports, err)
	}
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
}

// loadDuckDB reads the same file with read_ndjson into the columns of the table, as text, numbers and JSON.
func loadDuckDB(b *testing.B, path string, want int64) {
	ctx := context.Background()
	c, err := Open(ctx, Options{Dir: filepath.Join(b.TempDir(), "theirs"), Memory: 1e9})
	if err != nil {
		b.Fatal(err)
	}
	var cols []string
	for _, col := range c.tables["AADNonInteractiveUserSignInLogs"].Columns {
		if col.Hidden {
			continue
		}
		t := "VARCHAR"
		switch col.Type {
		case schema.Datetime:
			t = "TIMESTAMP"
		case schema.Bool:
			t = "BOOLEAN"
		case schema.Long:
			t = "BIGINT"
		}
		cols = append(cols, "'"+col.Name+"': '"+t+"'")
	}
	if err := c.Exec(ctx, "CREATE TABLE theirs AS SELECT * FROM read_ndjson("+quoteText(path)+", columns = {"+strings.Join(cols, ", ")+"})"); err != nil {
		b.Fatal(err)
	}
	got, err := c.Select(ctx, "SELECT count(*) FROM theirs", []schema.Column{{Name: "n", Type: schema.Long}})
	if err != nil || got[0][0].(int64) != want {
		b.Fatalf("read %v: %v", got, err)
	}
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSmallFiles tells what a file costs that holds three rows, as those of a container of Azure storage do: the processor
// time of a case of a thousand of them, less that of the same rows in one file.
func BenchmarkSmallFiles(b *testing.B) {
	const files, rows = 1000, 3
	one, dir := filepath.Join(b.TempDir(), "all.jsonl"), b.TempDir()
	writeBenchRows(b, one, files*rows)
	text, err := os.ReadFile(one)
	if err != nil {
		b.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.jsonl", i)), []byte(strings.Join(lines[i*rows:(i+1)*rows], "")), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	load := func(path string) {
		c, err := Open(b.Context(), Options{Dir: filepath.Join(b.TempDir(), "case"), Memory: 1e9})
		if err != nil {
			b.Fatal(err)
		}
		reports, err := c.Load(b.Context(), []string{path})
		if err != nil {
			b.Fatal(err)
		}
		loaded := int64(0)
		for _, r := range reports {
			loaded += r.RowsLoaded
		}
		if loaded != files*rows {
			b.Fatalf("loaded %d rows, want %d", loaded, files*rows)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
	many, single := spent{math.MaxInt64, math.MaxInt64}, spent{math.MaxInt64, math.MaxInt64}
	for b.Loop() {
		many.least(func() { load(dir) })
		single.least(func() { load(one) })
	}
	b.ReportMetric((many.cpu-single.cpu).Seconds()*1000/files, "cpu-ms/file")
}

// BenchmarkEmptyColumn tells what a column costs that says nothing in any row, for a million rows: its processor time in
// DuckDB alone, stored as an empty text, stored as null, or made by the table whenever it is asked for. One thread works, for
// another one would only wait for rows, and count.
func BenchmarkEmptyColumn(b *testing.B) {
	const columns, rows = 40, 250_000
	load := func(b *testing.B, definition, value string) time.Duration {
		ctx := context.Background()
		c, err := Open(ctx, Options{Dir: filepath.Join(b.TempDir(), "columns"), Memory: 1e9, Threads: 1})
		if err != nil {
			b.Fatal(err)
		}
		table, into, values := "n BIGINT", "n", "range"
		for i := range columns {
			name := fmt.Sprintf(", c%d", i)
			table += name + definition
			if value != "" {
				into, values = into+name, values+", "+value
			}
		}
		before := cpuTime()
		if err := c.execAll(ctx, "CREATE TABLE t ("+table+")", fmt.Sprintf("INSERT INTO t (%s) SELECT %s FROM range(%d)", into, values, rows)); err != nil {
			b.Fatal(err)
		}
		took := cpuTime() - before
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
		return took
	}
	for _, way := range []struct{ name, definition, value string }{
		{"text", " VARCHAR", "''"}, {"null", " VARCHAR", "NULL"}, {"virtual", " VARCHAR GENERATED ALWAYS AS ('') VIRTUAL", ""},
	} {
		b.Run(way.name, func(b *testing.B) {
			least := time.Duration(math.MaxInt64)
			for b.Loop() {
				least = min(least, load(b, way.definition, way.value))
			}
			b.ReportMetric(least.Seconds()*1000/columns*1e6/rows, "cpu-ms/column")
		})
	}
}

// writeBenchRows writes rows as a real export has them: most members short, eight of them JSON in strings.
func writeBenchRows(b *testing.B, path string, n int) {
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	policies := strings.Repeat(`{\"id\":\"6f0c3a2e-0000-4000-8000-000000000000\",\"displayName\":\"Require MFA\",\"result\":\"notApplied\",\"conditionsSatisfied\":3},`, 8)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		at := start.Add(time.Duration(i) * 137 * time.Millisecond).Format("2006-01-02T15:04:05.0000000Z")
		_, _ = fmt.Fprintf(w, `{"TenantId":"0a1b2c3d-1111-4222-8333-444455556666","SourceSystem":"Azure AD","TimeGenerated":"%s","OperationName":"Sign-in activity","OperationVersion":"1.0","Category":"NonInteractiveUserSignInLogs","ResultType":"0","ResultSignature":"SUCCESS","ResultDescription":"","DurationMs":0,"CorrelationId":"%08x-aaaa-4bbb-8ccc-ddddeeeeffff","ResourceGroup":"Microsoft.aadiam","Identity":"User %d","Level":"4","Location":"GB",`, at, i, i%500)
		_, _ = fmt.Fprintf(w, `"AppDisplayName":"Microsoft Office","AppId":"d3590ed6-52b3-4102-aeff-aad2292ab01c","AuthenticationContextClassReferences":"[{\"id\":\"urn:user:registersecurityinfo\",\"detail\":\"previouslySatisfied\"}]","AuthenticationDetails":"[{\"authenticationStepDateTime\":\"%s\",\"authenticationMethod\":\"Previously satisfied\",\"succeeded\":true,\"authenticationStepResultDetail\":\"First factor requirement satisfied by claim in the token\"}]","AuthenticationProcessingDetails":"[{\"key\":\"Is CAE Token\",\"value\":\"False\"},{\"key\":\"Login Hint Present\",\"value\":\"True\"}]","AuthenticationProtocol":"none","AuthenticationRequirement":"singleFactorAuthentication","AuthenticationRequirementPolicies":"[{\"requirementProvider\":\"multiConditionalAccess\"}]","AutonomousSystemNumber":"%d","ClientAppUsed":"Mobile Apps and Desktop clients","ClientCredentialType":"none","ConditionalAccessPolicies":"[%s{}]","ConditionalAccessStatus":"success",`, at, 2000+i%90, policies)
		_, _ = fmt.Fprintf(w, `"CreatedDateTime":"%s","CrossTenantAccessType":"none","DeviceDetail":"{\"deviceId\":\"%08x-1234-4123-8123-123412341234\",\"displayName\":\"LAP-%d\",\"operatingSystem\":\"Windows10\",\"browser\":\"Edge 133.0.0\",\"isCompliant\":true,\"isManaged\":true,\"trustType\":\"Azure AD joined\"}","FlaggedForReview":false,"HomeTenantId":"0a1b2c3d-1111-4222-8333-444455556666","Id":"%08x-0000-4000-8000-%012x","IPAddress":"198.51.%d.%d","IsInteractive":false,"LocationDetails":"{\"city\":\"London\",\"state\":\"England\",\"countryOrRegion\":\"GB\",\"geoCoordinates\":{\"latitude\":51.5,\"longitude\":-0.12}}","NetworkLocationDetails":"[{\"networkType\":\"trustedNamedLocation\",\"networkNames\":[\"Head office\"]}]","OriginalRequestId":"%08x-0000-4000-8000-000000000000","ProcessingTimeInMs":"%d",`, at, i%500, i%500, i, i, i%250, i%240, i, i%300)
		_, _ = fmt.Fprintf(w, `"ResourceDisplayName":"Office 365 Exchange Online","ResourceIdentity":"00000002-0000-0ff1-ce00-000000000000","ResourceServicePrincipalId":"aaaaaaaa-0000-4000-8000-000000000001","ResourceTenantId":"0a1b2c3d-1111-4222-8333-444455556666","RiskDetail":"none","RiskEventTypes":"[]","RiskLevelAggregated":"none","RiskLevelDuringSignIn":"none","RiskState":"none","SessionId":"%08x-9999-4999-8999-999999999999","SignInEventTypes":"[\"nonInteractiveUser\"]","Status":"{\"errorCode\":0,\"additionalDetails\":\"MFA requirement satisfied by claim in the token\"}","TokenIssuerType":"AzureAD","UniqueTokenIdentifier":"%022d","UserAgent":"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)","UserDisplayName":"User %d","UserId":"%08x-5555-4555-8555-555555555555","UserPrincipalName":"user%d@example.com","UserType":"Member","Type":"AADNonInteractiveUserSignInLogs"}`+"\n", i%2000, i, i%500, i%500, i%500)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil { // its writing back must not be timed with the first reader
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

// peakMB is the process's peak memory so far, DuckDB's own load included.
func peakMB(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
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

// spent is the time that work takes, on the clock and on the processors. On a machine that others use the second counts.
type spent struct{ wall, cpu time.Duration }

// least runs work and keeps the better times.
func (s *spent) least(work func()) {
	start, before := time.Now(), cpuTime()
	work()
	s.wall, s.cpu = min(s.wall, time.Since(start)), min(s.cpu, cpuTime()-before)
}

// cpuTime is the processor time of the process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
