package casefile

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/internal/golden"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/simulate"
)

var record = flag.Bool("record", false, "write the figures of BenchmarkShapes to docs/evidence.md")

// form is one form of the same rows, and how DuckDB's own readers read it into the same columns.
type form struct {
	name  string
	shape string                                    // of simulate
	file  string                                    // of its non-interactive sign-ins
	remix func(to io.Writer, lines io.Reader) error // makes the form of JSON lines
	from  func(b *testing.B, path string) string    // SQL behind FROM; nil where no reader of DuckDB knows the form
}

const benchTable = "AADNonInteractiveUserSignInLogs"

var forms = []form{
	{name: "JSON lines", shape: "jsonl", from: jsonReader("read_ndjson", "")},
	{name: "JSON lines, zstd", shape: "jsonl-zst", file: "evidence-zst/" + benchTable + ".jsonl.zst", from: jsonReader("read_ndjson", "")},
	{name: "JSON lines, gzip", shape: "jsonl", remix: packed, from: jsonReader("read_ndjson", ", compression = 'gzip'")},
	{name: "JSON array", shape: "jsonl", remix: array, from: jsonReader("read_json", ", format = 'array'")},
	{name: "portal CSV", shape: "portal-csv", file: "portal-csv/" + benchTable + ".csv", from: csvReader},
	{name: "admin centre CSV", shape: "entra-csv", file: "entra-csv/NonInteractiveSignIns_2026.csv", from: entraReader},
	{name: "diagnostic settings", shape: "diagnostic", file: "diagnostic/insights-logs-noninteractiveusersigninlogs/PT1H.json", from: recordReader},
	{name: "Graph page", shape: "graph", file: "graph/NonInteractiveSignIns.json"},
	{name: "query API", shape: "query-api", file: "query-api/" + benchTable + ".json"},
}

// jsonReader reads the columns of the table as text, numbers and JSON.
func jsonReader(function, more string) func(*testing.B, string) string {
	return func(b *testing.B, path string) string {
		want, err := wanted()
		if err != nil {
			b.Fatal(err)
		}
		var columns []string
		for _, t := range want {
			for _, col := range t.Columns {
				if t.Name == benchTable && !col.Hidden {
					columns = append(columns, "'"+col.Name+"': '"+duckType(col.Type)+"'")
				}
			}
		}
		return function + "(" + quoteText(path) + ", columns = {" + strings.Join(columns, ", ") + "}" + more + ")"
	}
}

func duckType(t schema.Type) string {
	switch t {
	case schema.Datetime:
		return "TIMESTAMP"
	case schema.Bool:
		return "BOOLEAN"
	case schema.Long:
		return "BIGINT"
	}
	return "VARCHAR"
}

func csvReader(_ *testing.B, path string) string { return "read_csv(" + quoteText(path) + ")" }

// entraReader makes the table's columns of those of the admin centre, which calls them otherwise and has members of documents as
// columns: what formats/entra-csv.yaml says, in SQL.
func entraReader(b *testing.B, path string) string {
	return `(SELECT 'Azure AD' AS SourceSystem, 'Sign-in activity' AS OperationName, 'NonInteractiveUserSignInLogs' AS Category, false AS IsInteractive,
	'["nonInteractiveUser"]' AS SignInEventTypes, 'AADNonInteractiveUserSignInLogs' AS Type, "Date (UTC)" AS TimeGenerated, "Date (UTC)" AS CreatedDateTime,
	"Request ID" AS Id, "User agent" AS UserAgent, "Correlation ID" AS CorrelationId, "User ID" AS UserId, "User" AS UserDisplayName, "User" AS Identity,
	"Username" AS UserPrincipalName, CASE "User type" WHEN 'member' THEN 'Member' WHEN 'guest' THEN 'Guest' ELSE "User type" END AS UserType,
	"Cross tenant access type" AS CrossTenantAccessType, "Incoming token type" AS IncomingTokenType, "Authentication Protocol" AS AuthenticationProtocol,
	"Unique token identifier" AS UniqueTokenIdentifier, "Original transfer method" AS OriginalTransferMethod, "Client credential type" AS ClientCredentialType,
	"Application" AS AppDisplayName, "Application ID" AS AppId, "App owner tenant ID" AS AppOwnerTenantId, "Resource" AS ResourceDisplayName,
	"Resource ID" AS ResourceIdentity, "Resource tenant ID" AS ResourceTenantId, "Resource owner tenant ID" AS ResourceOwnerTenantId,
	"Home tenant ID" AS HomeTenantId, "Home tenant name" AS HomeTenantName, "IP address" AS IPAddress, split_part("Location", ', ', -1) AS Location,
	json_object('city', split_part("Location", ', ', 1), 'state', split_part("Location", ', ', 2), 'countryOrRegion', split_part("Location", ', ', -1)) AS LocationDetails,
	CAST("Sign-in error code" AS VARCHAR) AS ResultType, "Failure reason" AS ResultDescription,
	json_object('errorCode', "Sign-in error code", 'failureReason', "Failure reason") AS Status, "Client app" AS ClientAppUsed,
	json_object('deviceId', "Device ID", 'browser', "Browser", 'operatingSystem', "Operating System", 'isCompliant', "Compliant", 'isManaged', "Managed", 'trustType', "Join Type") AS DeviceDetail,
	CASE "Authentication requirement" WHEN 'Multifactor authentication' THEN 'multiFactorAuthentication' ELSE 'singleFactorAuthentication' END AS AuthenticationRequirement,
	"Sign-in identifier" AS SignInIdentifier, "Session ID" AS SessionId, CAST("Autonomous system  number" AS VARCHAR) AS AutonomousSystemNumber,
	CASE "Token issuer type" WHEN 'Microsoft Entra ID' THEN 'AzureAD' ELSE "Token issuer type" END AS TokenIssuerType,
	CASE "Conditional Access" WHEN 'Success' THEN 'success' WHEN 'Failure' THEN 'failure' WHEN 'Not Applied' THEN 'notApplied' ELSE "Conditional Access" END AS ConditionalAccessStatus
	FROM ` + csvReader(b, path) + ")"
}

// recordReader reads records with an envelope: the members of the first one as text, its properties as a struct of texts.
func recordReader(b *testing.B, path string) string {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var first struct {
		Properties map[string]any `json:"properties"`
	}
	if err := json.NewDecoder(f).Decode(&first); err != nil {
		b.Fatal(err)
	}
	var inside []string
	for name := range first.Properties {
		inside = append(inside, quoteName(name)+" VARCHAR")
	}
	sort.Strings(inside)
	envelope := "'category': 'VARCHAR', 'time': 'TIMESTAMP', 'operationName': 'VARCHAR', 'tenantId': 'VARCHAR', 'resultType': 'VARCHAR', 'correlationId': 'VARCHAR', 'identity': 'VARCHAR', 'level': 'VARCHAR', 'location': 'VARCHAR'"
	return "read_ndjson(" + quoteText(path) + ", columns = {" + envelope + ", 'properties': " + quoteText("STRUCT("+strings.Join(inside, ", ")+")") + "})"
}

// packed packs lines with gzip.
func packed(to io.Writer, lines io.Reader) error {
	w := gzip.NewWriter(to)
	_, err := io.Copy(w, lines)
	return errors.Join(err, w.Close())
}

// array makes an array of lines.
func array(to io.Writer, lines io.Reader) error {
	w := bufio.NewWriterSize(to, 1<<20)
	sep := "[\n"
	s := bufio.NewScanner(lines)
	s.Buffer(nil, 1<<20)
	for ; s.Scan(); sep = ",\n" {
		_, _ = w.WriteString(sep)
		_, _ = w.Write(s.Bytes())
	}
	_, _ = w.WriteString("\n]\n")
	return errors.Join(s.Err(), w.Flush())
}

// simulated writes about as many non-interactive sign-ins as are asked for, in a shape; nothing else of the tenant.
func simulated(b *testing.B, dir, shape string) {
	const rowsEach = 2400 // of a person in 30 days
	tenant, err := simulate.Generate(simulate.Options{Seed: 1, Users: max(*benchRows/rowsEach, 2), Days: 30, NoAttacks: true, Table: benchTable})
	if err == nil {
		err = tenant.WriteTo(dir, shape)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// write writes a form and returns its path. lines are the rows as JSON lines.
func (f *form) write(b *testing.B, dir, lines string) string {
	switch {
	case f.remix != nil:
		path := filepath.Join(dir, "remixed.json")
		in, err := os.Open(lines)
		if err != nil {
			b.Fatal(err)
		}
		out, err := os.Create(path)
		if err == nil {
			err = errors.Join(f.remix(out, in), out.Sync(), out.Close(), in.Close())
		}
		if err != nil {
			b.Fatal(err)
		}
		return path
	case f.shape == "jsonl":
		return lines
	}
	simulated(b, dir, f.shape)
	return filepath.Join(dir, f.file)
}

// linesIn counts the lines of a file.
func linesIn(b *testing.B, path string) (n int64) {
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	s := bufio.NewScanner(file)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		n++
	}
	if s.Err() != nil {
		b.Fatal(s.Err())
	}
	return n
}

const (
	loadPath = "REPLAYTRACE_BENCH_PATH"
	loadSQL  = "REPLAYTRACE_BENCH_SQL"
	loadRows = "REPLAYTRACE_BENCH_ROWS"
)

// cost is what a load took, in a process of its own.
type cost struct {
	wall, cpu time.Duration
	peak      float64 // MB
}

// measure runs TestLoadChild and measures it.
func measure(b *testing.B, rows int64, env string) cost {
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run", "^TestLoadChild$", "-test.timeout", "30m")
	cmd.Env = append(os.Environ(), env, loadRows+"="+strconv.FormatInt(rows, 10))
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	c := cost{wall: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.peak = float64(usage.Maxrss) * 1024 / 1e6
	}
	return c
}

// TestLoadChild is the process that BenchmarkShapes measures: it loads a file, or runs the SQL of DuckDB's own reader, into
// a database with the same settings.
func TestLoadChild(t *testing.T) {
	if os.Getenv(loadRows) == "" {
		t.Skip("runs only as the child of BenchmarkShapes")
	}
	ctx := context.Background()
	c, err := Open(ctx, Options{Dir: t.TempDir(), Memory: 1e9}) // with the threads that the page names: open has one only
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	if sql := os.Getenv(loadSQL); sql != "" {
		if err := c.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
		if n, err = c.count(ctx, "theirs"); err != nil {
			t.Fatal(err)
		}
	} else {
		n = ingest(t, c, os.Getenv(loadPath))[0].RowsRead
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if strconv.FormatInt(n, 10) != os.Getenv(loadRows) {
		t.Fatalf("%d rows, want %s", n, os.Getenv(loadRows))
	}
}

// BenchmarkShapes loads the same simulated rows in every form, with all that intake does, and with DuckDB's own reader in
// the same run. Each load is a process of its own, so that its peak memory is its own.
func BenchmarkShapes(b *testing.B) {
	table := "| form | MB | rows/s | MB/s | CPU s | peak MB | time / DuckDB's | CPU / DuckDB's |\n|---|--:|--:|--:|--:|--:|--:|--:|\n"
	all := true
	dir := b.TempDir()
	simulated(b, dir, "jsonl")
	lines := filepath.Join(dir, "evidence", benchTable+".jsonl")
	n := linesIn(b, lines)
	for i := range forms {
		f := &forms[i]
		ran := b.Run(strings.ReplaceAll(f.name, " ", "-"), func(b *testing.B) {
			path := f.write(b, b.TempDir(), lines)
			measured := path
			if strings.HasPrefix(f.name, "JSON lines") { // MB are those of the text
				measured = lines
			}
			info, err := os.Stat(measured)
			if err != nil {
				b.Fatal(err)
			}
			text := info.Size()
			var ours, theirs cost
			for b.Loop() {
				if f.from != nil {
					theirs = measure(b, n, loadSQL+"=CREATE TABLE theirs AS SELECT * FROM "+f.from(b, path))
				}
				ours = measure(b, n, loadPath+"="+path)
			}
			ratios := "| – | – |"
			if f.from != nil {
				wall, cpu := ours.wall.Seconds()/theirs.wall.Seconds(), ours.cpu.Seconds()/theirs.cpu.Seconds()
				b.ReportMetric(wall, "x-duckdb")
				b.ReportMetric(cpu, "x-duckdb-cpu")
				ratios = fmt.Sprintf("| %.2f | %.2f |", wall, cpu)
			}
			perSecond := float64(n) / ours.wall.Seconds()
			b.ReportMetric(perSecond, "rows/s")
			b.ReportMetric(float64(text)/1e6/ours.wall.Seconds(), "MB/s")
			b.ReportMetric(ours.cpu.Seconds(), "cpu-s")
			b.ReportMetric(ours.peak, "peak-MB")
			table += fmt.Sprintf("| %s | %d | %.0f | %.0f | %.1f | %.0f %s\n", f.name, text/1e6, perSecond, float64(text)/1e6/ours.wall.Seconds(), ours.cpu.Seconds(), ours.peak, ratios)
		})
		all = all && ran
	}
	if *record && all {
		golden.WritePart(b, "../../docs/evidence.md", "speed", fmt.Sprintf("%d rows on %s, %d threads:\n\n", n, processor(), runtime.GOMAXPROCS(0))+table)
	}
}

// processor is the machine's, as the kernel calls it.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // elsewhere the name of the architecture must do
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name\t: "); ok {
			return strings.TrimSpace(name)
		}
	}
	return runtime.GOARCH
}
