package casefile

import (
	"context"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
)

// followed are scans of the columns x, e, r and t. FOLD stands where a step may be given an assignment that only the
// fold in SQL can make.
var followed = []string{
	`scan with_match_id=m declare (n:long = 0) with (step s1: e == "a"; step s2: e == "b" and x - s1.x < 9 => n = s2.n + 1FOLD; step s3: e == "c";)`,
	`scan with_match_id=m declare (n:long) with (step s1 output=none: e == "a"; step s2 output=last: e != "c" => n = iff(isnull(s2.n), 1, s2.n + x)FOLD; step s3: e == "c" and t - s1.t < 1h;)`,
	`scan declare (total:real = 0.5) with (step s1: true => total = s1.total + rFOLD;)`,
	`scan declare (latest:string = "none", far:bool) with (step s1: e != "c" => latest = s1.e, far = t - s1.t > 10m or isempty(s1.e)FOLD;)`,
	`scan with_match_id=m declare (top:real) with (step s1 output=last: isnull(s1.top) or r >= s1.top => top = iff(isnull(s1.top) or r > s1.top, r, s1.top)FOLD; step s2: r < s1.r and not(s1.e == e);)`,
	`scan with_match_id=m declare (d:dynamic) with (step s1 output=last: e == s1.e or isempty(s1.e) => d = s1.dFOLD; step s2 output=all: x == s1.x + 1 and s2.x != 5;)`,
	`partition by e (sort by x asc | scan declare (n:long = 0, was:datetime) with (step s1: isnull(s1.t) or t - s1.t < 7m => n = s1.n + 1, was = s1.tFOLD;))`,
}

// TestFollowed compares scans that Go follows with the same scans as a fold in SQL, on rows that look random.
func TestFollowed(t *testing.T) {
	c := openTest(t)
	ask := func(query string) string {
		t.Helper()
		rows, err := c.Query(context.Background(), kql.Request{Source: &diag.Source{Text: `range x from 1 to 400 step 1
| extend h = (x * x * 31 + x * 17) % 997
| extend e = substring("abcab", h % 5, 1), r = iff(h % 7 == 0, real(null), iff(h % 11 == 0, real(nan), h / 8.0)), t = datetime(2024-01-01) + x * 1m + (h % 13) * 1m
| sort by x asc | ` + query}})
		if err != nil {
			t.Fatal(query, err)
		}
		if len(rows.Rows) < 10 {
			t.Errorf("%s returns %d rows only", query, len(rows.Rows))
		}
		text := []string{columnNames(rows.Columns)}
		for _, row := range rows.Rows {
			text = append(text, jsonRow(rows.Columns, row))
		}
		return strings.Join(text, "\n")
	}
	for _, query := range followed {
		program := ask(strings.ReplaceAll(query, "FOLD", ""))
		fold := ask(strings.Replace(strings.ReplaceAll(query, "FOLD", `, folded = strcat(s1.folded, "")`), "declare (", `declare (folded:string, `, 1) + " | project-away folded")
		if program != fold {
			t.Errorf("%s\nin Go:\n%s\nin SQL:\n%s", query, program, fold)
		}
	}
}
