package casefile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/golden"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/kqltest"
	"github.com/replaytrace/replaytrace/internal/kql/plan"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// typesRecord says what Microsoft's analyser answers to each operator and function over each type. A query, or several with
// the same answers, stands above its answers; for $1 and $2 come the columns of T, of which there is one of each type, named
// by its letter in typeLetters. Where there are both, each line is one type of the first and has those of the second. An
// answer is the letters of the types of the result's columns, - for none, * for more than ten, ? for a type that the analyser
// does not know, or a point where it refuses the query. Before an answer, ! says that replaytrace refuses the query.
// With -update and -analyser the answers are written anew.
const typesRecord = "testdata/types.txt"

// typeLetters are the scalar types, in the order of the answers.
var typeLetters = []struct {
	letter string
	t      schema.Type
}{
	{"b", schema.Bool},
	{"i", schema.Int},
	{"l", schema.Long},
	{"r", schema.Real},
	{"m", schema.Decimal},
	{"s", schema.String},
	{"d", schema.Datetime},
	{"t", schema.Timespan},
	{"g", schema.Guid},
	{"y", schema.Dynamic},
}

// typedOtherwise are the queries, by the template and what stands for $1 and $2, that are answered though the analyser
// refuses them or has another type.
var typedOtherwise = []struct {
	part, columns string // the columns are letters of $1, or pairs of $1 and $2; "" for all
	why           string
}{
	{"count($1)", "", "the emulator takes any argument"},
	{"count(s)", "", "the emulator takes any argument"},
	{"cnt(s)", "", "the emulator takes any argument"},
	{"make_timespan(", "r m ir im lr lm", "the page of make_timespan has a real for the seconds"},
	{"series_fit_poly(y, y, $1)", "l", "the examples of the page of series_fit_poly have a long for the degree"},
	{"on $1 step 1", "i", "any numeric type is accepted, says the page of make-series; the analyser has no step for an int"},
	{"format_ipv4_mask(s)", "", "the page of format_ipv4_mask has an optional prefix"},
	{"top-hitters 1 of s by $1", "i", "the sum of ints may be no int"},
	{"jaccard_index(", "y", "the emulator makes a real of what the analyser takes for dynamic"},
}

// refusedByPage are the queries that the analyser accepts, though Kusto's page refuses them: the error is the query's, where
// any other that only replaytrace refuses is unsupported.
var refusedByPage = []struct{ part, why string }{
	{"extract_all('a'", "the page of extract_all has one to sixteen groups in the regular expression"},
	{"extractall('a'", "the page of extract_all has one to sixteen groups in the regular expression"},
	{"repeat(y, ", "the page of repeat lists the types of the value, without dynamic, which the emulator refuses"},
	{"scan with", "the page of scan has serialized rows"},
	{"evaluate bag_unpack(", "the page of bag_unpack has a column of dynamic values"},
	{"evaluate pivot(", "pivot groups by the other columns, among which is a dynamic one, which the analyser refuses in summarize"},
	{"top 1 by y", "top sorts, by what the analyser refuses in sort"},
	{"top-hitters 1 of y", "its page has it by summarize, where the analyser refuses groups by a dynamic value"},
	{"take ", "a number of rows that is a column is that of no row"},
}

// typeCase is one query with the analyser's answer.
type typeCase struct {
	template, first, second string
	want                    string
}

func (c typeCase) query() string {
	return strings.NewReplacer("$1", c.first, "$2", c.second).Replace(c.template)
}

func (c typeCase) excused() int {
	for i, e := range typedOtherwise {
		if strings.Contains(c.template, e.part) && (e.columns == "" || slices.Contains(strings.Fields(e.columns), c.first+c.second)) {
			return i
		}
	}
	return -1
}

// holes are the columns that take the place of $1 or $2, none where it does not occur.
func holes(template, hole string) []string {
	if !strings.Contains(template, hole) {
		return []string{""}
	}
	var out []string
	for _, t := range typeLetters {
		out = append(out, t.letter)
	}
	return out
}

// readTypes reads the record: its head, and the cases in the order of the templates.
func readTypes(t *testing.T) (head string, cases []typeCase) {
	t.Helper()
	text, err := os.ReadFile(typesRecord)
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		if strings.HasPrefix(block, "#") {
			head = block
			continue
		}
		var templates, answers []string
		for line := range strings.SplitSeq(block, "\n") {
			if row, isRow := strings.CutPrefix(line, "\t"); isRow {
				if _, after, named := strings.Cut(row, ": "); named {
					row = after
				}
				answers = append(answers, strings.Fields(row)...)
			} else {
				templates = append(templates, line)
			}
		}
		for _, template := range templates {
			n := 0
			for _, first := range holes(template, "$1") {
				for _, second := range holes(template, "$2") {
					c := typeCase{template: template, first: first, second: second}
					if n < len(answers) {
						c.want = answers[n]
					}
					cases, n = append(cases, c), n+1
				}
			}
			if n != len(answers) && !golden.Updating() {
				t.Errorf("%s has %d answers, there must be %d", template, len(answers), n)
			}
		}
	}
	return head, cases
}

// openTypes opens a case in which T has a row of one value of each type.
func openTypes(t *testing.T) *Case {
	t.Helper()
	c := openTest(t)
	row := `print b = true, i = int(1), l = 1, r = 1.5, m = decimal(1), s = "a", d = datetime(2024-05-01), t = 1h,
		g = guid(74be27de-1e4e-49d9-b579-fe0b331d3642), y = dynamic(1)`
	if err := (storer{c}).Store(context.Background(), "T", kql.Request{Source: &diag.Source{Text: row}}); err != nil {
		t.Fatal(err)
	}
	return c
}

// ourTypes are the types of a query's columns as the record writes them, a point where it is refused.
func ourTypes(c *Case, query string) (string, error) {
	compiled, err := kql.Compile(kql.Request{Source: &diag.Source{Name: "q", Text: query}}, c, schema.UnixEpoch)
	if err != nil {
		return ".", err
	}
	var types []string
	for _, column := range compiled.Columns {
		types = append(types, column.Type.String())
	}
	return lettersOf(types), nil
}

func lettersOf(types []string) string {
	switch {
	case len(types) == 0:
		return "-"
	case len(types) > len(typeLetters):
		return "*"
	}
	out := ""
	for _, name := range types {
		letter := "?"
		for _, t := range typeLetters {
			if t.t.String() == name {
				letter = t.letter
			}
		}
		out += letter
	}
	return out
}

// TestTypes compares what each operator and each function accepts, and the types of what it returns, with the analyser:
// what it refuses is refused, and what it accepts is of its types or refused. What is accepted also runs.
func TestTypes(t *testing.T) {
	c := openTypes(t)
	head, cases := readTypes(t)
	if golden.Updating() {
		if *analyser == "" {
			t.Fatal("the record is the analyser's: -update needs -analyser")
		}
		writeTypes(t, c, head, cases)
		_, cases = readTypes(t)
	}
	used := map[int]bool{}
	for _, tc := range cases {
		got, err := ourTypes(c, tc.query())
		refused := tc.want == "." || strings.HasPrefix(tc.want, "!")
		switch at := tc.excused(); {
		case at >= 0 && err == nil && got != tc.want:
			used[at] = true
		case err != nil && tc.want == ".":
		case err != nil && refused:
			if kind := kindOf(t, err); kind != diag.Unsupported && !slices.ContainsFunc(refusedByPage, func(p struct{ part, why string }) bool { return strings.Contains(tc.query(), p.part) }) {
				t.Errorf("%s: the analyser accepts it, so the error must be %s, it is %s: %v", tc.query(), diag.Unsupported, kind, err)
			}
		case err != nil:
			t.Errorf("%s: the analyser accepts it: %v", tc.query(), err)
		case tc.want == ".":
			t.Errorf("%s: the analyser refuses it", tc.query())
		case refused:
			t.Errorf("%s is answered now: the record has %s", tc.query(), tc.want)
		case got != tc.want:
			t.Errorf("%s is %s, the analyser has %s", tc.query(), got, tc.want)
		}
		if err == nil && !testing.Short() {
			runs(t, c, tc.query())
		}
	}
	for i, e := range typedOtherwise {
		if !used[i] {
			t.Errorf("the analyser has nothing against %q any more", e.part)
		}
	}
}

// kindOf is the kind of the diagnostics of a query that was refused.
func kindOf(t *testing.T, err error) diag.Kind {
	t.Helper()
	list, ok := diag.AsList(err)
	if !ok || len(list.Items) == 0 {
		t.Fatalf("no diagnostics: %v", err)
	}
	return list.Items[0].Kind
}

// runs asks a query that was accepted: the database must accept it, too.
func runs(t *testing.T, c *Case, query string) {
	t.Helper()
	_, err := c.Query(context.Background(), kql.Request{Source: &diag.Source{Name: "q", Text: query}})
	if list, ok := diag.AsList(err); err != nil && (!ok || list.Items[0].Kind != diag.Unsupported && !strings.Contains(err.Error(), "outside of the years")) {
		t.Errorf("%s: %v", query, err)
	}
}

// untyped are the functions that the record does not ask about: their arguments are names, tables or elements of a graph.
var untyped = strings.Fields(`all any bag_pack_columns bin_auto column_names_of inner_nodes labels map materialize node_degree_in
	node_degree_out node_id pack_all table takeany toscalar _GetWatchlist`)

// TestTypesOfAllFunctions holds that the record asks about every function.
func TestTypesOfAllFunctions(t *testing.T) {
	_, cases := readTypes(t)
	asked := map[string]bool{}
	for _, tc := range cases {
		for word := range strings.FieldsFuncSeq(tc.template, func(r rune) bool { return strings.ContainsRune(" (,|=", r) }) {
			asked[word] = true
		}
	}
	for _, name := range plan.Functions() {
		if !asked[name] && !slices.Contains(untyped, name) {
			t.Errorf("%s has no line for the function %s: add `T | project x = %s($1)` and the like, and run ./scripts/check-rules.sh types", typesRecord, name, name)
		}
	}
}

// TestTypesRecord compares a tenth of the record with what the analyser says today.
func TestTypesRecord(t *testing.T) {
	if *analyser == "" {
		t.Skip("skipped: no -analyser; make rules-check has one")
	}
	_, all := readTypes(t)
	var cases []typeCase
	for i := 0; i < len(all); i += 10 {
		cases = append(cases, all[i])
	}
	for i, answer := range askTypes(t, cases) {
		if answer != strings.TrimPrefix(cases[i].want, "!") {
			t.Errorf("%s is %s, the record has %s", cases[i].query(), answer, cases[i].want)
		}
	}
}

// askTypes has the analyser answer.
func askTypes(t *testing.T, cases []typeCase) []string {
	t.Helper()
	table := kqltest.Table{Table: schema.Table{Name: "T"}}
	for _, column := range typeLetters {
		table.Columns = append(table.Columns, schema.Column{Name: column.letter, Type: column.t})
	}
	questions := map[string]kqltest.Case{}
	for i, tc := range cases {
		questions[fmt.Sprint(i)] = kqltest.Case{Query: tc.query()}
	}
	answers := make([]string, len(cases))
	for _, j := range judge(t, []*kqltest.Script{{Name: filepath.Base(typesRecord), Tables: []kqltest.Table{table}}}, questions) {
		var i int
		if _, err := fmt.Sscan(j.ID, &i); err != nil {
			t.Fatal(err)
		}
		var types []string
		for _, column := range j.Result {
			types = append(types, column.Type)
		}
		if answers[i] = lettersOf(types); j.Official != "ok" {
			answers[i] = "."
		}
	}
	return answers
}

// writeTypes writes the record: templates with the same answers together, in the order in which the first of them came.
func writeTypes(t *testing.T, c *Case, head string, cases []typeCase) {
	t.Helper()
	rows, templates, same := map[string]string{}, []string{}, map[string][]string{}
	for i, answer := range askTypes(t, cases) {
		tc := cases[i]
		if _, err := ourTypes(c, tc.query()); err != nil && answer != "." {
			answer = "!" + answer
		}
		if rows[tc.template] == "" {
			templates = append(templates, tc.template)
		}
		rows[tc.template] += separator(tc) + answer
	}
	var order []string
	for _, template := range templates {
		answers := rows[template]
		if same[answers] == nil {
			order = append(order, answers)
		}
		same[answers] = append(same[answers], template)
	}
	text := head + "\n"
	for _, answers := range order {
		text += "\n" + strings.Join(same[answers], "\n") + answers + "\n"
	}
	if err := os.WriteFile(typesRecord, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// separator is what stands before an answer.
func separator(c typeCase) string {
	first := typeLetters[0].letter
	switch {
	case c.second == first:
		return "\n\t" + c.first + ": "
	case c.second == "" && (c.first == first || c.first == ""):
		return "\n\t"
	}
	return " "
}
