package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/view"
)

// step is a command that asks one or several views and prints what they answer.
type step struct {
	name, short, long string
	parts             []string // the views <name>.<part>, in the order in which they are shown
	whole             bool     // shows all parts unless one is asked for; otherwise the first
}

// steps are the single steps of an investigation.
var steps = []step{
	{
		"coverage", "What the evidence covers, and what it cannot show",
		`coverage says which tables, users and days are in the evidence, where it has gaps, how many non-interactive rows there
are for each interactive one, how often the columns are empty on which hunts rest, of whom little can be said, and what is missing.`,
		[]string{"warnings", "tables", "days", "gaps", "columns", "users", "unassessed"},
		true,
	},
	{
		"timeline", "When and from where each user was active",
		`timeline lists the addresses of each user with first and last event, duration, volume and what they reached; with
--part hours the activity by hour, with --part events every sign-in.`,
		[]string{"addresses", "hours", "events"},
		false,
	},
	{
		"baseline", "What is usual for each user",
		`baseline describes what each user does: days, volume, addresses, devices, applications, hours of the day. Limit the time
with --until to the days before the suspicion.`,
		[]string{"users", "days"},
		false,
	},
	{
		"sessions", "The sessions: where they began and where they were used",
		`sessions lists each session with the interactive sign-in that it began with and everything that used it.`,
		[]string{"sessions"},
		false,
	},
}

const allParts = "all"

// maxRows is how many rows of a part a terminal shows; the other formats and -v have all.
const maxRows = 30

type stepFlags struct {
	evidenceFlags
	filterFlags
	step
	format, part string
}

func newStep(s Streams, def step) *cobra.Command {
	f := &stepFlags{step: def}
	cmd := &cobra.Command{
		Use:   def.name + " PATH... | --case DIR",
		Short: def.short,
		Long:  def.long + "\n\nThe questions are KQL; query can ask others.",
		Example: fmt.Sprintf(`  replaytrace %[1]s ./export
  replaytrace %[1]s --case case-2026-031 --user r.williams@example.com --since 2026-03-18
  replaytrace %[1]s ./export --format json`, def.name),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), s, args) },
	}
	f.evidenceFlags.add(cmd)
	f.filterFlags.add(cmd, &f.evidenceFlags)
	rowFormatFlag(cmd, &f.format)
	if choice := def.parts; len(choice) > 1 {
		if def.whole {
			choice = append([]string{allParts}, choice...)
		}
		wordFlag(cmd, &f.part, "part", "show", choice...)
	}
	return cmd
}

func (f *stepFlags) run(ctx context.Context, s Streams, paths []string) error {
	if err := f.check(); err != nil {
		return err
	}
	parts := []string{cmp.Or(f.part, f.parts[0])}
	if f.part == allParts {
		parts = f.parts
	}
	one := len(parts) == 1
	if !one && f.format != "table" && f.format != "json" {
		return &exit{exitUsage, fmt.Errorf("--format %s prints one part: choose it with --part", f.format)}
	}
	c, partial, err := f.openGiven(ctx, s, paths)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	engine, err := f.engine(ctx, c)
	if err != nil {
		return &exit{exitInternal, err}
	}
	if _, err := f.tell(ctx, s, engine); err != nil {
		return err
	}
	var answers []answered
	for _, part := range parts {
		v, err := view.Load(f.name + "." + part)
		if err != nil {
			return &exit{exitInternal, err}
		}
		rows, err := v.Run(ctx, engine, f.filter())
		if err != nil {
			return err
		}
		answers = append(answers, answered{v, part, rows})
	}
	switch {
	case f.format == "json":
		err = printParts(s, c, answers)
	case f.format == "table":
		err = f.print(s, answers)
	default:
		asOf, _ := c.AsOf()
		err = printRows(s.Out, f.format, answers[0].rows, asOf)
	}
	return ended(err, partial)
}

// answered is a view with its answer.
type answered struct {
	*view.View
	part string
	rows *kql.Rows
}

// objects are the rows as a JSON list of objects.
func (a *answered) objects() []byte {
	b := []byte{'['}
	for i, row := range a.rows.Rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendObject(b, a.rows.Columns, row)
	}
	return append(b, ']')
}

// shown are the columns that the view names and up to most rows, as people read them.
func (a *answered) shown(most int, cell func(schema.Type, schema.Value) string) (head []string, rows [][]string) {
	var at []int
	for i, c := range a.rows.Columns {
		if a.Columns == nil || slices.Contains(a.Columns, c.Name) {
			at = append(at, i)
			head = append(head, c.Name)
		}
	}
	for _, row := range a.rows.Rows[:min(most, len(a.rows.Rows))] {
		cells := make([]string, len(at))
		for k, i := range at {
			cells[k] = cell(a.rows.Columns[i].Type, row[i])
		}
		rows = append(rows, cells)
	}
	return head, rows
}

// printParts prints one document with a list of objects for each part, keyed by the part's name.
func printParts(s Streams, c *casefile.Case, answers []answered) error {
	asOf, source := c.AsOf()
	b := []byte(`{"schema_version":1,"as_of":`)
	b = schema.AppendJSON(b, schema.Datetime, asOf)
	b = append(b, `,"as_of_source":`...)
	b = schema.AppendJSON(b, schema.String, source)
	for _, a := range answers {
		b = append(b, ',')
		b = schema.AppendJSON(b, schema.String, a.part)
		b = append(b, ':')
		b = append(b, a.objects()...)
	}
	return escape.Document(s.Out, json.RawMessage(append(b, '}')))
}

func (f *stepFlags) print(s Streams, answers []answered) error {
	p := &page{width: columns(s.Out)}
	for _, a := range answers {
		if a.part == "warnings" {
			if err := p.warnings(a.rows); err != nil {
				return err
			}
			continue
		}
		if len(answers) > 1 {
			p.text("", bold.Render(a.Title))
		}
		p.rows(a, f.verbose)
		p.b.WriteByte('\n')
	}
	return write(s.Out, p.b.String())
}

// warn prints what nobody may overlook.
func (p *page) warn(message string) {
	p.text("", warning.Bold(true).Render("WARNING:")+" "+escape.Terminal(message))
}

// warnings prints each on a line of its own.
func (p *page) warnings(rows *kql.Rows) error {
	err := rows.Each(func(r *kql.Row) {
		p.warn(r.Text("Message"))
	})
	if len(rows.Rows) > 0 {
		p.b.WriteByte('\n')
	}
	return err
}

// rows prints the columns that the view names for a terminal.
func (p *page) rows(a answered, all bool) {
	most := maxRows
	if all {
		most = len(a.rows.Rows)
	}
	head, rows := a.shown(most, brief)
	if len(rows) == 0 {
		p.text("  ", dim.Render("none in the evidence"))
		return
	}
	p.table(head, rows)
	if n := len(a.rows.Rows) - len(rows); n > 0 {
		p.text("  ", dim.Render(fmt.Sprintf("%s more rows: -v or another --format shows them.", counted(int64(n)))))
	}
}

// brief is a cell as a terminal shows it: times to the minute, lists by their first members.
func brief(t schema.Type, v schema.Value) string {
	const most = 2
	return escape.Terminal(readable(t, v, minute, most, shortened))
}

// full is a cell as a page shows it.
func full(t schema.Type, v schema.Value) string {
	return readable(t, v, "2006-01-02 15:04:05Z", math.MaxInt, func(s string) string { return s })
}

// readable is a cell for people: up to most members of a list, texts as fit makes them.
func readable(t schema.Type, v schema.Value, clock string, most int, fit func(string) string) string {
	switch v := v.(type) {
	case schema.Ticks:
		if t == schema.Datetime {
			return v.Time().Format(clock)
		}
		return finding.Length(int64(v / schema.Second))
	case int64:
		return counted(v)
	case json.RawMessage:
		var list []any
		if json.Unmarshal(v, &list) != nil {
			break
		}
		var words []string
		for _, x := range list[:min(most, len(list))] {
			words = append(words, fit(fmt.Sprint(x)))
		}
		if n := len(list) - most; n > 0 {
			words = append(words, fmt.Sprintf("and %d more", n))
		}
		return strings.Join(words, ", ")
	}
	return fit(text(t, v))
}

// shortened is a text as a column shows it: ids by their first digits. What else is long wraps.
func shortened(s string) string {
	if guid.MatchString(s) {
		return s[:8] + "\u2026"
	}
	return s
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
