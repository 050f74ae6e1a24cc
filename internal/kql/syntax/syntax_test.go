package syntax

import (
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
)

var accepted = []string{
	"T",
	"T | where a == 1 and b has 'x' or not(c) | take 5",
	"let x = 5; T | where a > x",
	"let f = (a:int, b:string = 'q') { T | where c == a }; f(1)",
	"T | summarize count(), m = max(x) by bin(t, 1h), tostring(d.a['b c'][0])",
	"T | join kind=leftouter (U | where y) on a, $left.b == $right.c",
	"union withsource=S isfuzzy=true T, (U | take 1), V*",
	"print dynamic({'a': [1, -2.5, null, true], \"b\": datetime(2020-01-01)})",
	"datatable(a:long, b:string) [1, 'x', 2, @'y\\z']",
	"T | where a in~ ('x', 'y') and b !in (U) and c between (1 .. 5) // comment",
	"range x from 1 to 10 step 1 | extend y = x * -2",
	"T | mv-expand with_itemindex=i a to typeof(string), b = c limit 5",
	"T | project-away a*, b | project-rename c = d | sort by c asc nulls first",
	"T | project | summarize | project-away | project-rename | project-reorder | serialize",
	"datatable(a:long,) [1, 2,] | parse-kv b as (c:long,)",
	"print real(1.5e-3), real(.5), real(-inf), long(0x1F), int(-3), timespan(-1.02:03:04.5), datetime(2024-01-01 10:00), guid(74be27de-1e4e-49d9-b579-fe0b331d3642), bool(1), real(null)",
}

func TestParseAccepts(t *testing.T) {
	for _, q := range accepted {
		if _, list := Parse(&diag.Source{Name: "q", Text: q}); list.Err() != nil {
			t.Errorf("%s: %v", q, list.Err())
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for q, want := range map[string]string{
		"T | wher a == 1":       "q:1:5: unknown operator `wher`",
		"T | where (a == 1":     "q:1:18: expected `)`, found the end of the query",
		"T | where a ==":        "q:1:15: expected an expression, found the end of the query",
		"print 'abc":            "q:1:7: this string has no end",
		"T | extend a = 1 b":    "q:1:18: expected `|`, `;` or the end of the query, found `b`",
		"T | join kind=inner U": "",
	} {
		_, list := Parse(&diag.Source{Name: "q", Text: q})
		got := ""
		if list.Err() != nil {
			got = list.Err().Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", q, got, want)
		}
	}
}

// TestLists wants something behind a comma and where a list cannot be empty, as Microsoft's analyser does (KS006).
func TestLists(t *testing.T) {
	for _, q := range []string{
		"print", "T | extend", "T | distinct", "T | mv-expand", "T | union",
		"print a = 1,", "T | extend a,", "T | project a,", "T | summarize count(),", "T | summarize count() by a,", "T | sort by a,", "T | top 1 by a,",
		"T | distinct a,", "T | mv-expand a,", "T | mv-apply a, on (take 1)", "T | make-series count(), on a step 1", "T | project-away a,", "T | project-reorder a,",
		"T | serialize a = 1,", "T | project-rename a = b,", "union T, (U),", "T | join U on a,", "find in (T,) where true",
		"print f(1,)", "T | where a in (1,)", "print dynamic([1,])", `print dynamic({"a": 1,})`, "print dynamic([,])", "datatable(a:long) [,]",
	} {
		if _, list := Parse(&diag.Source{Name: "q", Text: q}); list.Err() == nil {
			t.Errorf("%s is accepted", q)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, q := range accepted {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, text string) {
		src := &diag.Source{Name: "q", Text: text}
		_, list := Parse(src)
		for _, d := range list.Items {
			if d.Span.Start < 0 || d.Span.End > diag.Pos(len(text)) || d.Span.Start > d.Span.End {
				t.Fatalf("span %v lies outside of %d bytes", d.Span, len(text))
			}
		}
	})
}
