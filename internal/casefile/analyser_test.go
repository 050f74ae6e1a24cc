package casefile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/kqltest"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// oracles is where the official analyser and what it said lie, outside of the repository.
const oracles = "../../../shared/kql"

var analyser = flag.String("analyser", "", "folder of check_kql.mjs with its packages, as scripts/check-rules.sh makes it")

// judgement is what Microsoft's analyser says of a query.
type judgement struct {
	ID       string
	Query    string
	Official string // ok, or the error
	Result   []struct {
		Name, Type string
		Scalar     bool
	}
}

func (j judgement) columns() string {
	var out []string
	for _, c := range j.Result {
		out = append(out, c.Name)
	}
	return strings.Join(out, ", ")
}

func (j judgement) types() string {
	var out []string
	for _, c := range j.Result {
		out = append(out, c.Type)
	}
	return strings.Join(out, ", ")
}

// readLines reads a file of one JSON value per line.
func readLines[T any](t *testing.T, path string) []T {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(path, err)
		}
		out = append(out, v)
	}
	return out
}

// namedOtherwise are the queries to which the analyser gives other columns than Kusto's documentation does.
var namedOtherwise = map[string]string{
	"unioninner": "kind=inner returns the columns that all tables have (union-operator); the analyser does not look at the kind",
	"bag":        "bag_unpack's columns are those of the data (bag-unpack-plugin), of which the analyser knows nothing",
}

// TestNames compares the names of columns that nobody named with those of Microsoft's analyser.
func TestNames(t *testing.T) {
	if _, err := os.Stat(oracles); err != nil {
		t.Skip("skipped: the folder shared/kql is absent")
	}
	queries := map[string]string{}
	for _, j := range readLines[judgement](t, filepath.Join(oracles, "naming-queries.jsonl")) {
		queries[j.ID] = j.Query
	}
	c, asked := openTest(t), 0
	for _, j := range readLines[judgement](t, filepath.Join(oracles, "naming-oracle.jsonl")) {
		if j.Official != "ok" || len(j.Result) == 1 && j.Result[0].Scalar {
			continue
		}
		asked++
		rows, err := c.Query(context.Background(), kql.Request{Source: &diag.Source{Text: queries[j.ID]}})
		if err != nil {
			t.Errorf("%s: %s: %v", j.ID, queries[j.ID], err)
			continue
		}
		got := columnNames(rows.Columns)
		switch why := namedOtherwise[j.ID]; {
		case got != j.columns() && why == "":
			t.Errorf("%s: %s\ngot  %s\nwant %s", j.ID, queries[j.ID], got, j.columns())
		case got == j.columns() && why != "":
			t.Errorf("%s: the analyser agrees now, though %s", j.ID, why)
		}
	}
	if asked < len(queries)/2 {
		t.Errorf("only %d of %d queries were compared", asked, len(queries))
	}
}

func columnNames(columns []schema.Column) string {
	var out []string
	for _, c := range columns {
		out = append(out, c.Name)
	}
	return strings.Join(out, ", ")
}

func columnTypes(columns []schema.Column) string {
	var out []string
	for _, c := range columns {
		out = append(out, c.Type.String())
	}
	return strings.Join(out, ", ")
}

// exception is a case, by its page and a part of its query, that the analyser rejects or gives other columns, though the
// page has it so.
type exception struct{ page, part, why string }

const withNodeID = "the analyser does not know the identifier of with_node_id among inner nodes; the page of all() has it"

const withBoth = "the analyser names the first argument only, the page and the emulator both"

var judgedOtherwise = []exception{
	{"union-operator", "kind=inner", namedOtherwise["unioninner"]},
	{"schema-merge-plugin", "schema_merge", "the analyser does not know the plugin"},
	{"scan-operator", "scan", "the analyser always adds match_id; the examples have it with with_match_id only"},
	{"search-operator", `not("text")`, "the analyser wants a condition in not()"},
	{"graph-match-operator", "inner_nodes", withNodeID},
	{"graph-match-operator", "array_length(way)", "the tutorial on graphs counts the edges of a path so"},
	{"inner-nodes-graph-function", "inner_nodes", withNodeID},
	{"take-any-aggregation-function", "takeany", "the analyser does not know the old name"},
	{"percentile-array-tdigest-function", "range(", "the page takes an array, the analyser a number"},
	{"make-timespan-function", "55.123", "the page's example has a fraction of a second"},
	{"bag-zip", "dynamic('a')", "the page says what is no array makes null"},
	{"bag-zip", "dynamic(1)", "the page says what is no array makes null"},
	{"graph-match-operator", "some = any(", "the pages of all() and any() have a bool"},
	{"numerical-operators", "-int(5)", "of a column of ints the analyser makes a long, as the page says, of one that stands alone an int"},
	{"preview-plugin", "preview(3)", "the analyser names a group, which is no type: the count is a long"},
	{"find-operator", "pack_all()", "the analyser knows the old pack(*) only"},
	{"count-aggregation-function", "count(x)", "the emulator takes any argument"},
	{"count-aggregation-function", "count(v)", "the emulator takes any argument"},
	{"bag-unpack-plugin", `"d": {"e": 4}`, "the analyser does not look into the bag"},
	{"bag-unpack-plugin", `SPF == "fail"`, "the analyser does not know the columns of a bag, so neither the type of one"},
	{"pivot-plugin", "pivot(tag, any(mark), device)", "the analyser does not know the columns that the data make"},
	{"covariance-aggregation-function", "covariance(x, y)", withBoth},
	{"covariancep-aggregation-function", "covariancep(x, y), covarianceif", withBoth},
	{"jaccard-index-function", "jaccard_index", "the emulator makes a real of what the analyser takes for dynamic"},
}

// TestAnalyserAccepts has Microsoft's analyser judge the queries of the scripts that return rows: it must accept them,
// with the columns that the script expects.
func TestAnalyserAccepts(t *testing.T) {
	if *analyser == "" {
		t.Skip("skipped: no -analyser; make rules-check has one")
	}
	used := map[exception]bool{}
	for _, scripts := range together(conformanceScripts(t)) {
		cases := map[string]kqltest.Case{}
		for _, script := range scripts {
			for _, c := range script.Cases {
				if c.Want.Fail == "" {
					cases[fmt.Sprintf("%s:%d", script.Name, c.Line)] = c
				}
			}
		}
		judged := judge(t, scripts, cases)
		if len(judged) != len(cases) {
			t.Errorf("%d of %d queries were judged", len(judged), len(cases))
		}
		for _, j := range judged {
			c := cases[j.ID]
			complaint := j.Official
			if complaint == "ok" {
				switch names, types := columnNames(c.Want.Columns), columnTypes(c.Want.Columns); {
				case c.Want.Columns == nil:
					continue
				case names != j.columns() && !(len(j.Result) == 1 && j.Result[0].Scalar):
					complaint = "its columns are " + j.columns()
				case types != j.types():
					complaint = "their types are " + j.types() + ", not " + types
				default:
					continue
				}
			}
			at := slices.IndexFunc(judgedOtherwise, func(e exception) bool { return e.page == c.Page && strings.Contains(c.Query, e.part) })
			if at < 0 {
				t.Errorf("%s: %s: %s\n%s", j.ID, c.Page, complaint, c.Query)
				continue
			}
			used[judgedOtherwise[at]] = true
		}
	}
	for _, e := range judgedOtherwise {
		if !used[e] {
			t.Errorf("the analyser has nothing against %q of %s any more", e.part, e.page)
		}
	}
}

// everywhere begins what looks into all tables.
var everywhere = regexp.MustCompile(`(^|; *)(search|find)\b`)

// together puts scripts into one run of the analyser, which takes seconds to begin, where the tables of one cannot be taken
// for those of another: by their names, by a pattern such as Events*, or because all tables are looked into.
func together(scripts []*kqltest.Script) (runs [][]*kqltest.Script) {
	alike := func(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }
	alone := func(s *kqltest.Script) bool {
		return slices.ContainsFunc(s.Cases, func(c kqltest.Case) bool { return everywhere.MatchString(c.Query) })
	}
	apart := func(one *kqltest.Script) func(*kqltest.Script) bool {
		return func(other *kqltest.Script) bool {
			return alone(one) || alone(other) || slices.ContainsFunc(one.Tables, func(a kqltest.Table) bool {
				return slices.ContainsFunc(other.Tables, func(b kqltest.Table) bool { return alike(a.Name, b.Name) })
			})
		}
	}
	for _, s := range scripts {
		if at := slices.IndexFunc(runs, func(run []*kqltest.Script) bool { return !slices.ContainsFunc(run, apart(s)) }); at >= 0 {
			runs[at] = append(runs[at], s)
		} else {
			runs = append(runs, []*kqltest.Script{s})
		}
	}
	return runs
}

// judge runs the analyser on the cases of scripts, by their names, with the scripts' tables.
func judge(t *testing.T, scripts []*kqltest.Script, cases map[string]kqltest.Case) []judgement {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, v []byte) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, v, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	type column struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	for _, script := range scripts {
		for _, table := range script.Tables {
			var columns []column
			for _, c := range table.Columns {
				columns = append(columns, column{c.Name, c.Type.String()})
			}
			text, _ := json.Marshal(map[string]any{"table": table.Name, "columns": columns})
			write("schemas/"+table.Name+".json", text)
		}
	}
	var in bytes.Buffer
	for id, c := range cases {
		line, _ := json.Marshal(map[string]string{"id": id, "query": c.Query})
		in.Write(append(line, '\n'))
	}
	answers := filepath.Join(dir, "out.jsonl")
	cmd := exec.Command("node", "check_kql.mjs", "--schemas", filepath.Join(dir, "schemas"), "--in", write("in.jsonl", in.Bytes()), "--out", answers)
	cmd.Dir = *analyser
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return readLines[judgement](t, answers)
}
