package hunt

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// answers is an engine that gives one row to every question, with the cells named and nothing else that a signal needs.
type answers map[string]string

func (a answers) Query(context.Context, kql.Request) (*kql.Rows, error) {
	rows := &kql.Rows{Rows: [][]schema.Value{nil}}
	for _, c := range columns {
		if c.optional {
			continue
		}
		rows.Columns = append(rows.Columns, c.Column)
		cell := map[schema.Type]schema.Value{schema.String: "x", schema.Datetime: schema.Ticks(0), schema.Long: int64(1)}[c.Type]
		rows.Rows[0] = append(rows.Rows[0], cell)
	}
	for name, cell := range a {
		rows.Columns = append(rows.Columns, schema.Column{Name: name, Type: schema.String})
		rows.Rows[0] = append(rows.Rows[0], cell)
	}
	return rows, nil
}

// fixed is an engine with one answer.
type fixed kql.Rows

func (f *fixed) Query(context.Context, kql.Request) (*kql.Rows, error) { return (*kql.Rows)(f), nil }

// TestColumns: what a rule's rows cannot be read from is told by Lint and by Run, of every column that Run reads.
func TestColumns(t *testing.T) {
	text := []byte("id: 2d4a9c2e-0000-4000-8000-000000000001\nname: y\nkind: Hunting\ndescription: z\nquery: |\n  T\nreplaytrace:\n  role: signal\n  strength: weak\n")
	h, err := Parse("Rule.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	cells := map[schema.Type]schema.Value{schema.String: "strong", schema.Datetime: schema.Ticks(0), schema.Long: int64(1), schema.Dynamic: json.RawMessage(`["b","a",""]`)}
	answer := func(change func(i int, c *schema.Column, cell *schema.Value)) *fixed {
		rows := &fixed{Rows: [][]schema.Value{nil}}
		for i, c := range columns {
			cell := cells[c.Type]
			change(i, &c.Column, &cell)
			rows.Columns, rows.Rows[0] = append(rows.Columns, c.Column), append(rows.Rows[0], cell)
		}
		return rows
	}
	check := func(what string, engine Engine, lint, want string) {
		if got := strings.Join(Lint(t.Context(), engine, "Rule.yaml", text), "\n"); got != lint {
			t.Errorf("%s: Lint says %q, want %q", what, got, lint)
		}
		switch signals, _, err := Run(t.Context(), engine, &h); {
		case want == "" && (err != nil || len(signals) != 1):
			t.Errorf("%s: Run gives %+v, %v", what, signals, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: Run gives the error %v, want %q", what, err, want)
		}
	}
	whole := answer(func(int, *schema.Column, *schema.Value) {})
	check("as it should be", whole, "", "")
	if got, _, err := Run(t.Context(), whole, &h); err != nil || !slices.Equal(got[0].Spots, []string{"a", "b"}) || got[0].Strength != Strong || got[0].Count != 1 || got[0].UserID != "strong" {
		t.Errorf("read as %+v, %v", got, err)
	}
	for i, c := range columns {
		wrong := "the column " + c.Name + " is of type guid and should be " + c.Type.String()
		check(c.Name, answer(func(k int, c *schema.Column, _ *schema.Value) {
			if k == i {
				c.Type = schema.Guid
			}
		}), "Rule.yaml:6:1: "+wrong, wrong)
		absent, line := "", ""
		if !c.optional {
			absent = "the result has no column " + c.Name + ", which the rows of a signal have"
			line = "Rule.yaml:6:1: " + absent
		}
		check("without "+c.Name, answer(func(k int, c *schema.Column, _ *schema.Value) {
			if k == i {
				c.Name = "Other"
			}
		}), line, absent)
		if c.Type != schema.Dynamic {
			continue
		}
		for cell, want := range map[string]string{`{"a": 1}`: c.Name, `[1]`: c.Name, `null`: "", ``: ""} {
			check(c.Name+" "+cell, answer(func(k int, _ *schema.Column, v *schema.Value) {
				if k == i {
					*v = json.RawMessage(cell)
				}
			}), "", want)
		}
	}
}

// TestStrengths: a word that the catalogue does not have would weigh nothing, so it is refused, in the file and in a row.
func TestStrengths(t *testing.T) {
	for name, c := range map[string]struct {
		role, file, row string
		want            Strength // "" for one that is refused
	}{
		"of the file":                     {"signal", "strong", "", Strong},
		"of the row":                      {"signal", "strong", "weak", Weak},
		"of the row alone":                {"signal", "", "conclusive", Conclusive},
		"misspelt in the file":            {"signal", "stong", "weak", ""},
		"misspelt in the row":             {"signal", "strong", "stong", ""},
		"nowhere":                         {"signal", "", "", ""},
		"of explanations, in a signal":    {"signal", "strong", "excluding", ""},
		"of an explanation":               {"explanation", "excluding", "", Excluding},
		"of signals, in an explanation":   {"explanation", "conclusive", "", ""},
		"of a link, which is not weighed": {"link", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := "id: x\nname: y\nquery: T\nreplaytrace:\n  role: " + c.role + "\n  strength: \"" + c.file + "\"\n"
			h, err := Parse("Rule.yaml", []byte(text))
			var got []Signal
			if err == nil {
				got, _, err = Run(t.Context(), answers{"Strength": c.row}, &h)
			}
			switch refused := c.want == "" && c.role != "link"; {
			case refused && (err == nil || !strings.Contains(err.Error(), "Rule.yaml") || !strings.Contains(err.Error(), "strength")):
				t.Errorf("got %+v, %v; want an error that names the file and the strength", got, err)
			case !refused && (err != nil || len(got) != 1 || got[0].Strength != c.want):
				t.Errorf("got %+v, %v; want one signal of the strength %q", got, err, c.want)
			}
		})
	}
}

// TestOneRulePerSignal: whoever asks what a signal means gets one answer.
func TestOneRulePerSignal(t *testing.T) {
	rule := func(signal string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("id: x\nname: y\nquery: T\nreplaytrace:\n  role: context\n  signal: " + signal + "\n")}
	}
	if _, err := Load(fstest.MapFS{"a/A.yaml": rule("one"), "b/B.yaml": rule("two")}); err != nil {
		t.Error(err)
	}
	if _, err := Load(fstest.MapFS{"a/A.yaml": rule("one"), "b/B.yaml": rule("one")}); err == nil || !strings.Contains(err.Error(), "a/A.yaml") {
		t.Errorf("two rules of one signal: %v", err)
	}
}
