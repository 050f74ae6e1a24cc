package casefile

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// questions are what investigations ask, in KQL and in the SQL that somebody who knows DuckDB writes by hand over the
// same stored columns. Both must give the same rows.
var questions = []struct{ name, kql, sql string }{
	{"counts", `
		Big
		| summarize i = countif(Category == "SignInLogs"), n = countif(Category == "NonInteractiveUserSignInLogs") by UserPrincipalName
		| top 10 by n desc, UserPrincipalName asc`, `
		SELECT UserPrincipalName, count(*) FILTER (WHERE Category = 'SignInLogs') AS i, count(*) FILTER (WHERE Category = 'NonInteractiveUserSignInLogs') AS n
		FROM Big GROUP BY 1 ORDER BY n DESC, 1 LIMIT 10`},
	{"filter", `
		Big
		| where UserPrincipalName =~ "user00013@contoso.com" and not(IPAddress startswith "203.0.113.")
		| project TimeGenerated, UserPrincipalName, IPAddress, AppDisplayName, UserAgent, SessionId
		| top 1000 by TimeGenerated asc, IPAddress asc, AppDisplayName asc, UserAgent asc, SessionId asc`, `
		SELECT TimeGenerated, UserPrincipalName, IPAddress, AppDisplayName, UserAgent, SessionId FROM Big
		WHERE lower(UserPrincipalName) = 'user00013@contoso.com' AND NOT starts_with(lower(IPAddress), '203.0.113.')
		ORDER BY TimeGenerated, IPAddress, AppDisplayName, UserAgent, SessionId LIMIT 1000`},
	{"timeline", `
		Big
		| summarize c = count(), a = min(TimeGenerated), b = max(TimeGenerated), rs = make_set(ResourceDisplayName) by IPAddress, h = bin(TimeGenerated, 1h)
		| top 20 by c desc, IPAddress asc, h asc`, `
		SELECT IPAddress, TimeGenerated - TimeGenerated % 36000000000 AS h, count(*) AS c, min(TimeGenerated) AS a, max(TimeGenerated) AS b, list(DISTINCT ResourceDisplayName) AS rs
		FROM Big GROUP BY 1, 2 ORDER BY c DESC, 1, 2 LIMIT 20`},
	{"baseline", `
		let d = Big | summarize n = count(), a = count_distinct(AppDisplayName), ip = count_distinct(IPAddress), ua = count_distinct(UserAgent) by u = UserPrincipalName, d = bin(TimeGenerated, 1d);
		let m = d | summarize mn = percentile(n, 50), ma = percentile(a, 50), mi = percentile(ip, 50), mu = percentile(ua, 50) by u;
		let s = d | join kind=inner m on u | summarize dn = percentile(abs(n - mn), 50), di = percentile(abs(ip - mi), 50) by u;
		d
		| join kind=inner m on u
		| join kind=inner s on u
		| where n > mn + 6 * max_of(dn, 1) or ip > mi + 6 * max_of(di, 1)
		| project u, d, n, mn, dn, ip, mi
		| top 20 by n desc, u asc, d asc`, `
		WITH d AS (SELECT UserPrincipalName AS u, TimeGenerated - TimeGenerated % 864000000000 AS d, count(*) AS n, count(DISTINCT AppDisplayName) AS a, count(DISTINCT IPAddress) AS ip, count(DISTINCT UserAgent) AS ua FROM Big GROUP BY 1, 2),
		m AS (SELECT u, quantile_disc(n, 0.5) AS mn, quantile_disc(a, 0.5) AS ma, quantile_disc(ip, 0.5) AS mi, quantile_disc(ua, 0.5) AS mu FROM d GROUP BY 1),
		s AS (SELECT u, quantile_disc(abs(n - mn), 0.5) AS dn, quantile_disc(abs(ip - mi), 0.5) AS di FROM d JOIN m USING (u) GROUP BY 1)
		SELECT d.u, d.d, d.n, m.mn, s.dn, d.ip, m.mi FROM d JOIN m USING (u) JOIN s USING (u)
		WHERE d.n > m.mn + 6 * greatest(s.dn, 1) OR d.ip > m.mi + 6 * greatest(s.di, 1) ORDER BY d.n DESC, 1, 2 LIMIT 20`},
	{"anti-join", `
		Big
		| where Category == "NonInteractiveUserSignInLogs"
		| summarize c = count(), f = min(TimeGenerated), l = max(TimeGenerated) by u = UserPrincipalName, ip = IPAddress
		| where c > 5
		| join kind=leftanti (Big | where Category == "SignInLogs" | distinct u = UserPrincipalName, ip = IPAddress) on u, ip
		| top 20 by c desc, u asc, ip asc`, `
		WITH i AS (SELECT DISTINCT UserPrincipalName AS u, IPAddress AS ip FROM Big WHERE Category = 'SignInLogs'),
		n AS (SELECT UserPrincipalName AS u, IPAddress AS ip, count(*) AS c, min(TimeGenerated) AS f, max(TimeGenerated) AS l FROM Big WHERE Category = 'NonInteractiveUserSignInLogs' GROUP BY 1, 2 HAVING count(*) > 5)
		SELECT u, ip, c, f, l FROM n ANTI JOIN i USING (u, ip) ORDER BY c DESC, 1, 2 LIMIT 20`},
	{"session", `
		Big
		| sort by SessionId asc, TimeGenerated asc
		| extend pa = prev(AutonomousSystemNumber), pt = prev(TimeGenerated), ps = prev(SessionId)
		| where ps == SessionId and AutonomousSystemNumber != pa and TimeGenerated - pt < 1h
		| summarize c = count(), f = min(pt), l = max(TimeGenerated) by SessionId, UserPrincipalName
		| top 20 by c desc, SessionId asc`, `
		WITH s AS (SELECT SessionId, TimeGenerated AS t, AutonomousSystemNumber AS a, UserPrincipalName AS u, lag(AutonomousSystemNumber) OVER w AS pa, lag(TimeGenerated) OVER w AS pt FROM Big WINDOW w AS (PARTITION BY SessionId ORDER BY TimeGenerated))
		SELECT SessionId, u, count(*) AS c, min(pt) AS f, max(t) AS l FROM s WHERE a <> pa AND t - pt < 36000000000 GROUP BY 1, 2 ORDER BY c DESC, 1 LIMIT 20`},
	{"has", `
		Big | where UserAgent has "azurehound" | count`, `
		SELECT count(*) FROM Big WHERE contains(lower(UserAgent), 'azurehound') AND regexp_matches(UserAgent, '(?i)(^|[^a-z0-9])azurehound($|[^a-z0-9])')`},
}

// bigTable makes n sign-ins of a tenant inside of DuckDB: users with a few addresses each, sessions of some twenty rows
// of which few see two networks, agents from a short list. Nothing is random: all comes from hashes of row numbers.
func bigTable(b *testing.B, c *Case, n int) {
	b.Helper()
	columns := []schema.Column{{Name: "TimeGenerated", Type: schema.Datetime}}
	for _, name := range []string{
		"Category", "UserPrincipalName", "AppDisplayName", "ResourceDisplayName", "IPAddress", "AutonomousSystemNumber",
		"Location", "UserAgent", "ResultType", "SessionId", "Id", "ConditionalAccessStatus", "AuthenticationProtocol",
	} {
		columns = append(columns, schema.Column{Name: name, Type: schema.String})
	}
	err := c.Exec(context.Background(), fmt.Sprintf(`CREATE TABLE Big AS
		WITH base AS (SELECT i, CAST(hash(i) >> 8 AS BIGINT) AS h, CAST(hash(i * 7 + 3) >> 8 AS BIGINT) AS g, (i // 20) AS session, CAST(hash(i // 20) >> 8 AS BIGINT) AS s FROM range(%d) AS r(i)),
		who AS (SELECT *, s %% greatest(%d // 4000, 20) AS u, h %% 3 = 0 AND s %% 20 = 0 AS away FROM base)
		SELECT 638400000000000000 + (session %% 2592000) * 10000000 + (i %% 20) * 3000000000 + CAST(h %% 10000000 AS BIGINT) AS TimeGenerated,
			CASE WHEN h %% 12 = 0 THEN 'SignInLogs' ELSE 'NonInteractiveUserSignInLogs' END AS Category,
			'user' || lpad(CAST(u AS VARCHAR), 5, '0') || '@contoso.com' AS UserPrincipalName,
			['Microsoft Teams', 'Office 365 Exchange Online', 'OneDrive SyncEngine', 'Azure Portal', 'Microsoft Edge', 'Outlook Mobile', 'Azure CLI', 'SharePoint'][1 + h %% 8] AS AppDisplayName,
			['Microsoft Graph', 'Windows Azure Active Directory', 'Office 365 Exchange Online', 'SharePoint', 'Azure Resource Manager'][1 + g %% 5] AS ResourceDisplayName,
			CASE WHEN away THEN '198.51.' || CAST(s %% 97 AS VARCHAR) || '.' || CAST(s %% 251 AS VARCHAR) WHEN u %% 3 = 0 THEN '203.0.113.' || CAST(u %% 250 AS VARCHAR) ELSE '10.' || CAST(u %% 200 AS VARCHAR) || '.' || CAST((u + s %% 3) %% 250 AS VARCHAR) || '.7' END AS IPAddress,
			CASE WHEN away THEN CAST(60000 + s %% 97 AS VARCHAR) ELSE CAST(3000 + u %% 50 AS VARCHAR) END AS AutonomousSystemNumber,
			['GB', 'DE', 'US', 'FR'][1 + u %% 4] AS Location,
			['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/124.0 Safari/537.36 Edg/124.0', 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X)', 'Microsoft Office/16.0 (Windows NT 10.0)', 'python-requests/2.31.0', 'azurehound/v2.1.8', 'XAzureHoundX', 'Dalvik/2.1.0 (Linux; U; Android 14)', 'okhttp/4.12'][1 + least(g %% 40, 7)] AS UserAgent,
			CASE WHEN h %% 30 = 0 THEN '50126' ELSE '0' END AS ResultType,
			md5(CAST(session AS VARCHAR)) AS SessionId, md5(CAST(i AS VARCHAR)) AS Id,
			CASE WHEN h %% 5 = 0 THEN 'notApplied' ELSE 'success' END AS ConditionalAccessStatus, 'oAuth2' AS AuthenticationProtocol
		FROM who`, n, n))
	if err != nil {
		b.Fatal(err)
	}
	c.add(&schema.Table{Name: "Big", Columns: columns})
}

// rowsText writes rows with the elements of arrays in one order.
func rowsText(columns []schema.Column, rows [][]schema.Value) string {
	var b strings.Builder
	for _, row := range rows {
		for k, v := range row {
			b.WriteString(canonical(schema.AppendJSON(nil, columns[k].Type, v)) + " ")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// BenchmarkQuestions asks each question as KQL, from its text to its rows, and as SQL in turn. It reports the ratios of
// the best times, on the processors and on the clock, as well as the median and the worst ratio of all.
func BenchmarkQuestions(b *testing.B) {
	c, err := Open(context.Background(), Options{Memory: 10e9})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	bigTable(b, c, *benchRows)
	var cpu, wall []float64
	for _, q := range questions {
		b.Run(q.name, func(b *testing.B) {
			ours, theirs := spent{math.MaxInt64, math.MaxInt64}, spent{math.MaxInt64, math.MaxInt64}
			var got *kql.Rows
			var want [][]schema.Value
			ask := func() {
				var err error
				if got, err = c.Query(context.Background(), kql.Request{Source: &diag.Source{Name: q.name, Text: q.kql}}); err != nil {
					b.Fatal(err)
				}
			}
			byHand := func() {
				var err error
				if want, err = c.Select(context.Background(), q.sql, got.Columns); err != nil {
					b.Fatal(err)
				}
			}
			ask()
			for first := true; b.Loop(); first = !first {
				if err := c.forget(context.Background()); err != nil {
					b.Fatal(err) // what is materialized must be computed in each run
				}
				runtime.GC() // what the comparison of rows left is not the queries'
				if first {
					ours.least(ask)
					theirs.least(byHand)
				} else {
					theirs.least(byHand)
					ours.least(ask)
				}
				if g, w := rowsText(got.Columns, got.Rows), rowsText(got.Columns, want); g != w || len(want) == 0 {
					b.Fatalf("KQL gives\n%s\nSQL gives\n%s", g, w)
				}
			}
			cpu = append(cpu, ours.cpu.Seconds()/theirs.cpu.Seconds())
			wall = append(wall, ours.wall.Seconds()/theirs.wall.Seconds())
			b.ReportMetric(cpu[len(cpu)-1], "x-sql-cpu")
			b.ReportMetric(wall[len(wall)-1], "x-sql")
			b.ReportMetric(ours.wall.Seconds()*1000, "kql-ms")
			b.ReportMetric(theirs.wall.Seconds()*1000, "sql-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
	slices.Sort(cpu)
	slices.Sort(wall)
	if n := len(cpu); n == len(questions) {
		b.Run("all", func(b *testing.B) {
			b.ReportMetric(cpu[n/2], "median-x-cpu")
			b.ReportMetric(cpu[n-1], "worst-x-cpu")
			b.ReportMetric(wall[n/2], "median-x")
			b.ReportMetric(wall[n-1], "worst-x")
			b.ReportMetric(0, "ns/op")
		})
	}
}
