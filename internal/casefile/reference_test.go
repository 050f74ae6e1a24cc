package casefile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/golden"
	"github.com/replaytrace/replaytrace/internal/kql/kqltest"
	"github.com/replaytrace/replaytrace/internal/kql/plan"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// TestKQLPage keeps docs/kql.md equal to what the parser, the function table, the cases and the score say.
func TestKQLPage(t *testing.T) {
	if testing.Short() && !golden.Updating() {
		t.Skip("the page is compared in the full run")
	}
	r := &reference{operators: map[string]int{}, functions: map[string]int{}, statements: map[string]int{}, pages: map[string]bool{}, traps: map[int][]string{}}
	for _, list := range answerTables {
		for _, a := range list {
			r.count(a.query, a.page)
		}
	}
	for _, script := range conformanceScripts(t) {
		for _, c := range script.Cases {
			if c.Want.Fail == "" {
				r.count(c.Query, c.Page)
			}
			if c.Trap > 0 && !slices.Contains(r.traps[c.Trap], c.Page) {
				r.traps[c.Trap] = append(r.traps[c.Trap], c.Page)
			}
			if c.Differs != "" {
				r.differs = append(r.differs, fmt.Sprintf("- %s (%s:%d)\n", c.Differs, script.Name, c.Line))
			}
		}
	}
	golden.File(t, "../../docs/kql.md", r.page(t))
}

func conformanceScripts(t testing.TB) []*kqltest.Script {
	t.Helper()
	files, err := filepath.Glob("../kql/testdata/*.kqltest")
	if err != nil || len(files) == 0 {
		t.Fatal("no conformance scripts", err)
	}
	var out []*kqltest.Script
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		script, err := kqltest.Parse(filepath.Base(file), string(text))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, script)
	}
	return out
}

// reference counts in how many cases an operator, a function or a statement is used.
type reference struct {
	cases                            int
	operators, functions, statements map[string]int
	pages                            map[string]bool
	traps                            map[int][]string
	differs                          []string
}

func (r *reference) count(query, page string) {
	script, list := syntax.Parse(&diag.Source{Name: page, Text: query})
	if list.Err() != nil {
		return
	}
	r.cases++
	r.pages[strings.TrimSuffix(page, ".md")] = true
	seen := map[string]bool{}
	once := func(m map[string]int, kind, name string) {
		if !seen[kind+name] {
			seen[kind+name] = true
			m[name]++
		}
	}
	visit(reflect.ValueOf(script), func(n any) {
		switch n := n.(type) {
		case syntax.Operator:
			once(r.operators, "o", n.Keyword())
		case *syntax.Call:
			once(r.functions, "f", n.Func.Name)
		case syntax.Statement:
			once(r.statements, "s", strings.TrimPrefix(fmt.Sprintf("%T", n), "*syntax."))
		}
	})
}

// visit calls f for everything that a tree points to.
func visit(v reflect.Value, f func(any)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			f(v.Interface())
			visit(v.Elem(), f)
		}
	case reflect.Interface:
		visit(v.Elem(), f)
	case reflect.Slice:
		for i := range v.Len() {
			visit(v.Index(i), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			visit(v.Field(i), f)
		}
	}
}

const preface = `# KQL

The language is the one that [Microsoft's reference](https://learn.microsoft.com/kusto/query/) defines. What is not
supported is refused with its place and, where there is one, the reason; nothing is approximated. This page is made by
` + "`make docs`" + ` from the parser, the function table, the cases of the tests and ` + "`score.json`" + `; a test fails when it is stale.

` + "`replaytrace query --explain`" + ` shows the plan and the SQL of a query. ` + "`now()`" + ` and ` + "`ago()`" + ` mean the newest event of the evidence.

`

func (r *reference) page(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(preface)
	r.scoreboard(t, &b)
	r.operatorTable(&b)
	pluginTables(&b)
	r.functionTables(&b)
	fmt.Fprintf(&b, "## Known differences\n\nEach is a case of a script, which fails when it is no longer true.\n\n%s\n", strings.Join(r.differs, ""))
	r.trapTable(&b)
	return b.Bytes()
}

// areas say what the parts of the score are.
var areas = []struct{ name, what string }{
	{"core", "documented examples: operators, scalar functions, aggregates"},
	{"series", "documented examples: series and time series"},
	{"plugin", "documented examples: plugins"},
	{"geo", "documented examples: geography"},
	{"graph", "documented examples: graphs"},
	{"community", "public hunting queries, run with the columns of Microsoft's analyser"},
}

func (r *reference) scoreboard(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	text, err := os.ReadFile("../../score.json")
	if err != nil {
		t.Fatal(err)
	}
	var score struct {
		Areas map[string]struct{ N, Pass, Wrong int }
	}
	if err := json.Unmarshal(text, &score); err != nil {
		t.Fatal(err)
	}
	b.WriteString("## Scoreboard\n\n`make score` measures it again (it needs the folder `../shared`) and fails when an area falls, on a wrong answer that\n" +
		"is not in the list below, on a runtime error and on a missing answer; `make score-update` records it.\n\n| what | cases | pass | | wrong |\n|---|--:|--:|--:|--:|\n")
	for _, a := range areas {
		s, ok := score.Areas[a.name]
		if !ok {
			t.Errorf("score.json has no area %s", a.name)
		}
		fmt.Fprintf(b, "| %s | %d | %d | %.1f%% | %d |\n", a.what, s.N, s.Pass, 100*float64(s.Pass)/float64(max(s.N, 1)), s.Wrong)
	}
	fmt.Fprintf(b, "\nBesides, `go test ./internal/casefile` holds %d cases written from %d pages of the reference (`internal/kql/testdata`\n"+
		"and tables in the tests), and compares random queries with an interpreter that shares only the parser with the\n"+
		"compiler. `make bench-kql` asks seven questions as KQL and as SQL written by hand, and compiles the shipped hunts.\n\n", r.cases, len(r.pages))
	b.WriteString("Documented answers that no engine can give, counted as wrong above (`scripts/score.py`):\n\n")
	for _, line := range contradictions(t) {
		fmt.Fprintf(b, "- %s: %s\n", line[1], line[2])
	}
	b.WriteByte('\n')
}

var contradiction = regexp.MustCompile(`(?m)^ {4}"([^"]+)":\s*"([^"]+)",$`)

// contradictions are the entries of the list in the scoring script.
func contradictions(t *testing.T) [][]string {
	t.Helper()
	text, err := os.ReadFile("../../scripts/score.py")
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(text), "CONTRADICTORY = {")
	list, _, _ = strings.Cut(list, "\n}")
	found := contradiction.FindAllStringSubmatch(list, -1)
	if !ok || len(found) != strings.Count(list, "\": ")+strings.Count(list, "\":\n") {
		t.Fatalf("scripts/score.py: %d entries of CONTRADICTORY could be read of %q", len(found), list)
	}
	return slices.CompactFunc(found, func(a, b []string) bool { return a[1] == b[1] })
}

func (r *reference) operatorTable(b *bytes.Buffer) {
	b.WriteString("## Operators and statements\n\nThe number says in how many cases of the tests it answers as its page says; 0 means that only the documented examples\nof the scoreboard, if any, show it.\n\n| operator | cases |\n|---|--:|\n")
	list := syntax.Operators()
	for _, o := range list {
		if o.Supported {
			fmt.Fprintf(b, "| %s | %d |\n", named("`"+o.Name+"`", o.Aliases), r.operators[o.Name])
		}
	}
	for _, s := range slices.Sorted(maps.Keys(r.statements)) {
		if words := statements[s]; words != "" {
			fmt.Fprintf(b, "| %s | %d |\n", words, r.statements[s])
		}
	}
	b.WriteString("\nNot supported:\n\n| operator | why |\n|---|---|\n")
	for _, o := range list {
		if !o.Supported {
			fmt.Fprintf(b, "| `%s` | %s |\n", o.Name, reason(o.Reason))
		}
	}
	for _, s := range slices.Sorted(maps.Keys(syntax.RefusedStatements)) {
		fmt.Fprintf(b, "| `%s` (statement) | %s |\n", s, syntax.RefusedStatements[s])
	}
	b.WriteByte('\n')
}

func pluginTables(b *bytes.Buffer) {
	answering, refusing, refused := plan.Plugins()
	fmt.Fprintf(b, "## Plugins\n\nThese answer:\n\n%s.\n\nOf these, and of `reduce`, the columns are known, but not how Kusto fills them: over a table without rows they answer, a\nrow is refused:\n\n%s.\n\nNot supported:\n\n| why | plugins |\n|---|---|\n", wrapped(answering), wrapped(refusing))
	byReason(b, refused)
	b.WriteByte('\n')
}

// statements are the words of statements by the name of their node.
var statements = map[string]string{"Let": "`let`", "Set": "`set` (ignored with a note)", "DeclareParams": "`declare query_parameters`", "DeclarePattern": "`declare pattern`"}

func named(name string, aliases []string) string {
	for _, a := range aliases {
		name += ", `" + a + "`"
	}
	return name
}

func reason(why string) string {
	if why == "" {
		return "not yet"
	}
	return why
}

func (r *reference) functionTables(b *bytes.Buffer) {
	var shown, unshown []string
	for _, name := range plan.Functions() {
		if r.functions[name] > 0 {
			shown = append(shown, name)
		} else {
			unshown = append(unshown, name)
		}
	}
	fmt.Fprintf(b, "## Functions\n\n%d names are supported; [functions.md](functions.md) has their signatures. %d of them are called by a case of the tests:\n\n%s.\n\n",
		len(shown)+len(unshown), len(shown), wrapped(shown))
	fmt.Fprintf(b, "These %d are shown by the documented examples of the scoreboard at most:\n\n%s.\n\nNot supported:\n\n| why | functions |\n|---|---|\n", len(unshown), wrapped(unshown))
	byReason(b, plan.Unsupported())
	b.WriteByte('\n')
}

// byReason writes a row for each reason with the names that it holds for, those without one last.
func byReason(b *bytes.Buffer, reasons map[string]string) {
	why := map[string][]string{}
	for name, reason := range reasons {
		why[reason] = append(why[reason], "`"+name+"`")
	}
	for _, reason := range slices.Sorted(maps.Keys(why)) {
		slices.Sort(why[reason])
		if reason != "" {
			fmt.Fprintf(b, "| %s | %s |\n", reason, strings.Join(why[reason], ", "))
		}
	}
	if rest := why[""]; rest != nil {
		fmt.Fprintf(b, "| not yet | %s |\n", strings.Join(rest, ", "))
	}
}

// wrapped joins words by commas in lines of a readable length.
func wrapped(words []string) string {
	var b strings.Builder
	width := 0
	for i, w := range words {
		if i > 0 {
			b.WriteByte(',')
			if width += len(w) + 2; width > 110 {
				b.WriteByte('\n')
				width = len(w)
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteString(w)
	}
	return b.String()
}

func (r *reference) trapTable(b *bytes.Buffer) {
	b.WriteString("## Traps\n\nWhere KQL is not what one expects. Each row has cases in `internal/kql/testdata`.\n\n| | defined on |\n|--:|---|\n")
	for _, n := range slices.Sorted(maps.Keys(r.traps)) {
		var pages []string
		for _, p := range r.traps[n] {
			pages = append(pages, "["+p+"]("+kqltest.Reference+p+")")
		}
		fmt.Fprintf(b, "| %d | %s |\n", n, strings.Join(pages, ", "))
	}
}
