package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/investigation"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

var (
	growthCopies = flag.String("copies", "1,2", "sizes in BenchmarkGrowth: how many times the people of the simulated tenant are in the case")
	growthCases  = flag.String("cases", "", "a folder in which BenchmarkGrowth keeps its cases, named by their copies, and finds those of an earlier run")
	growthRecord = flag.Bool("record", false, "write what BenchmarkGrowth measured to docs/growth.md")
)

// grown is what one size cost.
type grown struct {
	copies         int
	rows, findings int64
	spent          reading
	peakMB         float64
}

// BenchmarkGrowth hunts cases of different sizes, which are made beforehand: one tenant is simulated and ingested, and
// multiplied in the database. It states how the time grows with the rows, and fails where findings get lost.
func BenchmarkGrowth(b *testing.B) {
	cases := *growthCases
	if cases == "" {
		cases = b.TempDir()
	}
	base := filepath.Join(cases, "1")
	if !casefile.Exists(base) {
		dir := b.TempDir()
		run(b, "simulate", "--out", dir, "--seed", "7", "--users", strconv.Itoa(*benchUsers), "--days", "30", "--incidents", strconv.Itoa(max(*benchUsers/50, 1)), "--shape", "jsonl-zst")
		run(b, "ingest", filepath.Join(dir, "evidence-zst"), "--case", base)
	}
	var all []grown
	for text := range strings.SplitSeq(*growthCopies, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			b.Fatalf("-copies %s: %v", *growthCopies, err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			larger := filepath.Join(cases, strconv.Itoa(n))
			if !casefile.Exists(larger) {
				half := larger + ".half" // until it is whole
				err := os.CopyFS(half, os.DirFS(base))
				if err == nil {
					multiply(b, half, n)
					err = os.Rename(half, larger)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			for b.Loop() {
				forgetPeak(b)
				before := reading{time.Since(began), processorTime()}
				var inv investigation.Investigation
				if err := json.Unmarshal(run(b, "hunt", "--case", larger, "--format", "json"), &inv); err != nil {
					b.Fatal(err)
				}
				g := grown{copies: n, findings: int64(len(inv.Findings)), peakMB: peakMB(b), spent: reading{time.Since(began) - before.clock, processorTime() - before.cpu}}
				for _, t := range inv.Evidence.Tables {
					g.rows += t.Rows
				}
				all = append(all, g)
				b.ReportMetric(float64(g.rows), "rows")
				b.ReportMetric(g.spent.cpu.Seconds(), "cpu-s")
				b.ReportMetric(g.peakMB, "peak-MB")
				b.ReportMetric(float64(g.findings), "findings")
			}
		})
	}
	if first := all[0]; first.copies == 1 {
		for _, g := range all {
			if want := first.findings * int64(g.copies); g.findings < want*9/10 || g.findings > want*11/10 {
				b.Errorf("%d findings in %d copies, %d in one", g.findings, g.copies, first.findings)
			}
		}
	}
	page := growthPage(all)
	b.Log("\n" + page)
	if *growthRecord {
		if err := os.WriteFile("../../docs/growth.md", []byte(page), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

func run(tb testing.TB, args ...string) []byte {
	tb.Helper()
	var out, errs bytes.Buffer
	if code := Main(args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != exitOK {
		tb.Fatalf("%s: exit code %d: %s", args[0], code, errs.String())
	}
	return out.Bytes()
}

// multiplied says of each table how a row of copy k differs, so that the copies are other people elsewhere: all that
// names a person, a device, a session, a token or an event is another one, and all addresses are.
var multiplied = map[string]map[string]string{
	"AADNonInteractiveUserSignInLogs": signInsMultiplied, "SigninLogs": signInsMultiplied, "AADUserRiskEvents": {
		"Id": "other(Id, k)", "UserId": "other(UserId, k)", "UserPrincipalName": "other(UserPrincipalName, k)", "IpAddress": "moved(IpAddress, k)", "RequestId": "other(RequestId, k)", "CorrelationId": "other(CorrelationId, k)",
	},
	"MicrosoftGraphActivityLogs": {
		"RequestId": "other(RequestId, k)", "UserId": "other(UserId, k)", "IPAddress": "moved(IPAddress, k)", "SignInActivityId": "other(SignInActivityId, k)", "UniqueTokenId": "other(UniqueTokenId, k)", "SessionId": "other(SessionId, k)",
	},
	"OfficeActivity": {
		"OfficeId": "other(OfficeId, k)", "UserId": "other(UserId, k)", "ClientIP": "moved(ClientIP, k)", "Client_IPAddress": "moved(Client_IPAddress, k)", "UniqueTokenId": "other(UniqueTokenId, k)",
		"AppAccessContext": `regexp_replace(AppAccessContext, '("AADSessionId":"|"UniqueTokenId":")([^"])', '\1' || k || '.\2', 'g')`,
	},
	"AuditLogs": {
		"Id": "other(Id, k)", "CorrelationId": "other(CorrelationId, k)",
		"InitiatedBy": `regexp_replace(replace(InitiatedBy, coalesce(InitiatedBy->>'$.user.ipAddress', '-'), moved(coalesce(InitiatedBy->>'$.user.ipAddress', '-'), k)), '("id":"|"userPrincipalName":")([^"])', '\1' || k || '.\2', 'g')`,
		// Applications stay what they are in all copies; whose tokens were revoked is another one in each.
		"TargetResources": `to_json(list_transform(from_json(TargetResources, '["JSON"]'), t -> CASE WHEN t->>'$.type' = 'User'
			THEN json_merge_patch(t, json_object('id', other(coalesce(t->>'$.id', ''), k), 'userPrincipalName', other(coalesce(t->>'$.userPrincipalName', ''), k))) ELSE t END))::VARCHAR`,
	},
}

var signInsMultiplied = map[string]string{
	"Id": "other(Id, k)", "UserId": "other(UserId, k)", "UserPrincipalName": "other(UserPrincipalName, k)", "SessionId": "other(SessionId, k)", "CorrelationId": "other(CorrelationId, k)",
	"UniqueTokenIdentifier": "other(UniqueTokenIdentifier, k)", "IPAddress": "moved(IPAddress, k)",
	"DeviceDetail": `regexp_replace(DeviceDetail, '("deviceId":")([^"])', '\1' || k || '.\2')`,
}

// multiply makes of the people of a case n times as many.
func multiply(b *testing.B, dir string, n int) {
	ctx := context.Background()
	c, err := casefile.Open(ctx, casefile.Options{Dir: dir, Memory: 4e9})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	do := func(sql string) {
		if err := c.Exec(ctx, sql); err != nil {
			b.Fatal(err)
		}
	}
	do("CREATE TEMP MACRO other(id, k) AS CASE WHEN id = '' THEN '' ELSE k || '.' || id END")
	do(`CREATE TEMP MACRO moved(ip, k) AS CASE
		WHEN ip LIKE '%:%' THEN to_hex((coalesce(TRY_CAST('0x' || split_part(ip, ':', 1) AS INT), 0) + 7 * k::INT) % 65536) || substr(ip, strpos(ip, ':'))
		WHEN ip LIKE '%.%' THEN ((coalesce(TRY_CAST(split_part(ip, '.', 1) AS INT), 1) - 1 + 11 * k::INT) % 223 + 1) || substr(ip, strpos(ip, '.'))
		ELSE ip END`)
	for table, columns := range multiplied {
		var replaced []string
		for column, sql := range columns {
			replaced = append(replaced, sql+" AS "+column)
		}
		// A table makes the columns itself of which it stores nothing.
		stored, err := c.Select(ctx, "SELECT DISTINCT column_name FROM pragma_storage_info('"+table+"')", []schema.Column{{Type: schema.String}})
		if err != nil {
			b.Fatal(err)
		}
		var columns []string
		for _, row := range stored {
			columns = append(columns, fmt.Sprintf("%q", row[0]))
		}
		into := strings.Join(columns, ", ")
		do(fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM (SELECT * EXCLUDE (k) REPLACE (%s) FROM %s, (SELECT n::VARCHAR AS k FROM range(1, %d) AS copies(n)))",
			table, into, into, strings.Join(replaced, ", "), table, n))
	}
}

// growthPage renders the sizes, and the exponent of the least squares line through their logarithms: 1 is linear.
func growthPage(all []grown) string {
	var s strings.Builder
	fmt.Fprintf(&s, `# How the hunt grows

Made by `+"`make bench-growth C=%s`"+`; do not edit. A simulated tenant of %d users and 30 days is ingested once; for the larger
cases its people are multiplied in the database, with other names, sessions, devices and addresses. The time is that of the
whole hunt after the ingest, questions to JSON, on %d processors (%s/%s) with the default `+"`--memory`"+` of 2 GB; cpu is that of all
of them together, and says more than the seconds where others use the machine.

| rows | copies | seconds | cpu seconds | peak MB | findings |
|--:|--:|--:|--:|--:|--:|
`, *growthCopies, *benchUsers, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	for _, g := range all {
		fmt.Fprintf(&s, "| %d | %d | %.1f | %.1f | %.0f | %d |\n", g.rows, g.copies, g.spent.clock.Seconds(), g.spent.cpu.Seconds(), g.peakMB, g.findings)
	}
	if len(all) > 1 {
		fmt.Fprintf(&s, "\nThe time grows with the rows to the power of %.2f, the cpu time to that of %.2f.\n",
			exponent(all, func(g grown) time.Duration { return g.spent.clock }), exponent(all, func(g grown) time.Duration { return g.spent.cpu }))
	}
	return s.String()
}

// exponent fits how a time grows with the rows.
func exponent(all []grown, of func(grown) time.Duration) float64 {
	var n, sx, sy, sxx, sxy float64
	for _, g := range all {
		x, y := math.Log(float64(g.rows)), math.Log(of(g).Seconds())
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}
