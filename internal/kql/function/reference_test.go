package function

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/golden"
)

// TestReference keeps the function reference equal to the table.
func TestReference(t *testing.T) {
	var rows []string
	for _, family := range families {
		for i := range family {
			f := &family[i]
			kind := "scalar"
			switch {
			case f.Aggregate:
				kind = "aggregate"
			case f.Window:
				kind = "window"
			case f.Refuses != "":
				kind = "refuses: " + f.Refuses
			}
			for name := range strings.FieldsSeq(f.Name) {
				rows = append(rows, fmt.Sprintf("| [`%s`](https://learn.microsoft.com/kusto/query/%s) | %s | `%s` |\n", name, f.Doc, kind, strings.Join(f.Signatures[:min(len(f.Signatures), 3)], "`<br>`")))
			}
		}
	}
	sort.Strings(rows)
	var b bytes.Buffer
	fmt.Fprintf(&b, "# KQL functions\n\n%d names, made from the function table by `make docs`. In a signature `?` is optional, `*` any number, `+` one or more,\n`!` a constant, `=` no conversion; the conversions (`tostring`, `tolong`, ..) and `now`, `ago`, `toscalar`, `arg_max`, `arg_min`, `take_any`,\n`percentile` and its kind, `column_ifexists`, `column_names_of`, `bin_auto`, `parse_json`, `pack_all` and `gettype` belong to the\nbinder and are not listed. A function that refuses runs over tables without rows, and answers null for what is not valid.\n\nThe names of more than one type:\n\n", len(rows))
	for _, c := range classes {
		fmt.Fprintf(&b, "- `%s`: %s\n", c.name, c.words)
	}
	b.WriteString("\n| name | kind | signatures |\n|---|---|---|\n")
	b.WriteString(strings.Join(rows, ""))
	golden.File(t, "../../../docs/functions.md", b.Bytes())
}
