package evidence

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/golden"
)

// TestDocs keeps the lists in docs/evidence.md equal to the shapes, the tables and the codes.
func TestDocs(t *testing.T) {
	layout, shapes := testLayout(t)
	for name, list := range map[string]string{
		"shapes": shapeList(shapes), "wraps": wrapList(shapes), "codes": codeList(), "converters": converterList(), "tables": tableList(layout),
	} {
		golden.Part(t, "../../docs/evidence.md", name, list)
	}
}

func shapeList(shapes []Shape) string {
	out := "| shape | what it is | tables |\n|---|---|---|\n"
	for _, s := range sorted(shapes) {
		if s.Wrap() {
			continue
		}
		var to []string
		for _, c := range s.Table {
			if name, ok := strings.CutPrefix(c.From, "="); ok {
				to = append(to, name)
			}
			for _, name := range c.Map {
				to = append(to, name)
			}
		}
		slices.Sort(to)
		tables := strings.Join(slices.Compact(to), ", ")
		if slices.ContainsFunc(s.Table, func(c Choice) bool { return c.From == "$rows" }) {
			tables = "any"
		}
		out += fmt.Sprintf("| [`%s`](%s) | %s | %s |\n", s.Name, s.Source, s.Title, tables)
	}
	return out
}

func wrapList(shapes []Shape) string {
	out := "| wrap | what it is | the record is in |\n|---|---|---|\n"
	for _, s := range sorted(shapes) {
		if s.Wrap() {
			inside := strings.Join(s.Inside, ", ")
			if s.Prefix {
				inside = "the text from the first brace on"
			}
			out += fmt.Sprintf("| [`%s`](%s) | %s | %s |\n", s.Name, s.Source, s.Title, inside)
		}
	}
	return out
}

func sorted(shapes []Shape) []Shape {
	shapes = slices.Clone(shapes)
	sort.Slice(shapes, func(i, j int) bool { return shapes[i].Name < shapes[j].Name })
	return shapes
}

func codeList() string {
	out := "| code | meaning |\n|---|---|\n"
	for _, c := range Codes {
		out += fmt.Sprintf("| `%s` | %s |\n", c.Code, c.Meaning)
	}
	return out
}

func converterList() string {
	var names []string
	for name := range converters {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	out := "| `as` | makes |\n|---|---|\n"
	for _, name := range names {
		out += fmt.Sprintf("| `%s` | %s |\n", name, converters[name].doc)
	}
	return out
}

func tableList(l *Layout) string {
	out := "| table | a record is named by | exports call it |\n|---|---|---|\n"
	for _, t := range l.tables {
		out += fmt.Sprintf("| [`%s`](%s) | %s | %s |\n", t.Table.Name, t.Table.Source, t.Table.Intake.Key, strings.Join(t.Table.Intake.Names, ", "))
	}
	return out
}
