package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// rowFormats are the forms in which rows are printed, the default first.
var rowFormats = []struct {
	name  string
	print func(io.Writer, *kql.Rows, schema.Ticks) error
}{
	{"table", printTable}, {"json", printJSON}, {"jsonl", printJSONL}, {"csv", printCSV}, {"markdown", printMarkdown},
}

// rowFormatFlag adds the --format of a command that prints rows.
func rowFormatFlag(cmd *cobra.Command, to *string) {
	var names []string
	for _, f := range rowFormats {
		names = append(names, f.name)
	}
	formatFlag(cmd, to, names...)
}

// printRows prints rows in the form of that name, which the flag has checked.
func printRows(w io.Writer, format string, rows *kql.Rows, asOf schema.Ticks) error {
	for _, f := range rowFormats {
		if f.name == format {
			return f.print(w, rows, asOf)
		}
	}
	return fmt.Errorf("there is no form %q of rows", format)
}

// oneOf is a flag that takes one of a few words.
type oneOf struct {
	value   *string
	allowed []string
}

// String, Set and Type make it a flag.
func (o oneOf) String() string {
	if o.value == nil {
		return ""
	}
	return *o.value
}

// Set takes one of the words.
func (o oneOf) Set(s string) error {
	if !slices.Contains(o.allowed, s) {
		return fmt.Errorf("takes %s", o.words())
	}
	*o.value = s
	return nil
}

// Type names the value in the help.
func (o oneOf) Type() string { return "name" }

func (o oneOf) words() string {
	if o.allowed[0] == "" { // the default, which nobody types
		o.allowed = o.allowed[1:]
	}
	last := len(o.allowed) - 1
	if last < 1 {
		return strings.Join(o.allowed, "")
	}
	return strings.Join(o.allowed[:last], ", ") + " or " + o.allowed[last]
}

// formatFlag adds --format with the formats that a command knows, the default first. The shell completes them.
func formatFlag(cmd *cobra.Command, to *string, allowed ...string) {
	wordFlag(cmd, to, "format", "", allowed...)
}

// wordFlag adds a flag that takes one of a few words, the default first.
func wordFlag(cmd *cobra.Command, to *string, name, usage string, allowed ...string) {
	*to = allowed[0]
	o := oneOf{to, allowed}
	cmd.Flags().Var(o, name, strings.TrimSpace(usage+" "+o.words()))
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp)) // fails for unknown flags only
}

// counted is a number as people read it: 13865 is 13,865.
func counted(n int64) string {
	s := fmt.Sprint(n)
	for at := len(s) - 3; at > 0 && s[at-1] != '-'; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

func printJSON(w io.Writer, rows *kql.Rows, asOf schema.Ticks) error {
	out := struct {
		SchemaVersion int             `json:"schema_version"`
		AsOf          string          `json:"as_of,omitempty"` // of a case; what asks none has no time
		Columns       []columnJSON    `json:"columns"`
		Rows          json.RawMessage `json:"rows"`
	}{SchemaVersion: 1, Columns: columnsOf(rows), Rows: rowsJSON(rows)}
	if asOf != 0 {
		out.AsOf = asOf.RFC3339()
	}
	return escape.Lines(w).Encode(out)
}

func printJSONL(w io.Writer, rows *kql.Rows, _ schema.Ticks) error {
	w = escape.JSON(w)
	for _, row := range rows.Rows {
		if _, err := w.Write(append(appendObject(nil, rows.Columns, row), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// appendObject writes a row as an object.
func appendObject(b []byte, columns []schema.Column, row []schema.Value) []byte {
	b = append(b, '{')
	for k, v := range row {
		if k > 0 {
			b = append(b, ',')
		}
		b = schema.AppendJSON(b, schema.String, columns[k].Name)
		b = append(b, ':')
		b = schema.AppendJSON(b, columns[k].Type, v)
	}
	return append(b, '}')
}

// text is a cell as people read it.
func text(t schema.Type, v schema.Value) string {
	if v == nil {
		return ""
	}
	if s, ok := v.(string); ok {
		return s
	}
	return strings.Trim(string(schema.AppendJSON(nil, t, v)), `"`)
}

func printCSV(w io.Writer, rows *kql.Rows, _ schema.Ticks) error {
	out := csv.NewWriter(w)
	record := make([]string, len(rows.Columns))
	for i, c := range rows.Columns {
		record[i] = escape.CSVCell(c.Name) // bag_unpack makes columns of names that the evidence holds
	}
	if err := out.Write(record); err != nil {
		return err
	}
	for _, row := range rows.Rows {
		for i, v := range row {
			record[i] = escape.CSVCell(text(rows.Columns[i].Type, v))
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// printMarkdown prints a table to paste into a report.
func printMarkdown(w io.Writer, rows *kql.Rows, _ schema.Ticks) error {
	var b strings.Builder
	for _, c := range rows.Columns {
		b.WriteString("| " + escape.Markdown(c.Name) + " ")
	}
	b.WriteString("|\n")
	for _, c := range rows.Columns {
		b.WriteString("|" + rule(c.Type))
	}
	b.WriteString("|\n")
	for _, row := range rows.Rows {
		for i, v := range row {
			b.WriteString("| " + escape.Markdown(text(rows.Columns[i].Type, v)) + " ")
		}
		b.WriteString("|\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// rule is what stands in Markdown below the head of a column: numbers are set to the right.
func rule(t schema.Type) string {
	switch t {
	case schema.Int, schema.Long, schema.Real, schema.Decimal:
		return "--:"
	}
	return "---"
}

// maxCell is how wide a cell of the terminal table may be; the other formats have all of it.
const maxCell = 60

// printTable prints for people: cells of evidence are made safe, long ones cut. Rows that a terminal is too narrow for
// stand one below the other, a line for each column that is not empty.
func printTable(w io.Writer, rows *kql.Rows, _ schema.Ticks) error {
	var head []string
	for _, c := range rows.Columns {
		head = append(head, escape.Terminal(c.Name))
	}
	cells := make([][]string, len(rows.Rows))
	for n, row := range rows.Rows {
		for i, v := range row {
			cells[n] = append(cells[n], escape.Terminal(text(rows.Columns[i].Type, v)))
		}
	}
	out := sideBySide(head, cells)
	if first, _, _ := strings.Cut(out, "\n"); terminal(w) && len(cells) > 0 && lipgloss.Width(first) > columns(w) {
		out = oneBelowTheOther(head, cells, columns(w))
	}
	_, err := fmt.Fprintf(w, "%s%s\n", out, plural(len(rows.Rows), "row"))
	return err
}

func sideBySide(head []string, rows [][]string) string {
	t := table.New().Border(lipgloss.NormalBorder()).BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderColumn(false).StyleFunc(func(int, int) lipgloss.Style { return lipgloss.NewStyle().PaddingRight(2) })
	t.Headers(head...)
	for _, row := range rows {
		cells := slices.Clone(row)
		for i := range cells {
			if r := []rune(cells[i]); len(r) > maxCell {
				cells[i] = string(r[:maxCell-1]) + "\u2026"
			}
		}
		t.Row(cells...)
	}
	var b strings.Builder
	for line := range strings.Lines(t.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

func oneBelowTheOther(head []string, rows [][]string, width int) string {
	names := 0
	for _, h := range head {
		names = max(names, lipgloss.Width(h))
	}
	var b strings.Builder
	for n, row := range rows {
		fmt.Fprintf(&b, "row %d\n", n+1)
		for i, cell := range row {
			if cell == "" {
				continue
			}
			indent := strings.Repeat(" ", names+4)
			lines := strings.ReplaceAll(whole.Replace(lipgloss.Wrap(joined.Replace(cell), max(20, width-len(indent)), " ")), "\n", "\n"+indent)
			fmt.Fprintf(&b, "  %-*s  %s\n", names, head[i], lines)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// plural is a count with its noun.
func plural(n int, noun string) string {
	if stem, y := strings.CutSuffix(noun, "y"); n != 1 && y {
		noun = stem + "ies"
	} else if n != 1 {
		noun += "s"
	}
	return counted(int64(n)) + " " + noun
}

// firsts names the first of many.
func firsts(all []string) string {
	const most = 3
	if more := len(all) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), more)
	}
	return strings.Join(all, ", ")
}
