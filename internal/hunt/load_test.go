package hunt

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// answers is an engine that gives one row to every question, with the cells named and nothing else that a signal needs.
type answers map[string]string

func (a answers) Query(context.Context, kql.Request) (*kql.Rows, error) {
	rows := &kql.Rows{Rows: [][]schema.Value{nil}}
	for _, c := range signalColumns {
		rows.Columns = append(rows.Columns, c)
		cell := map[schema.Type]schema.Value{schema.String: "x", schema.Datetime: schema.Ticks(0), schema.Long: int64(1), schema.Dynamic: json.RawMessage("[]")}[c.Type]
		rows.Rows[0] = append(rows.Rows[0], cell)
	}
	for name, cell := range a {
		rows.Columns = append(rows.Columns, schema.Column{Name: name, Type: schema.String})
		rows.Rows[0] = append(rows.Rows[0], cell)
	}
	return rows, nil
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
