package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/view"
)

type inspectFlags struct {
	evidenceFlags
	format string
}

func newInspect(s Streams) *cobra.Command {
	f := &inspectFlags{}
	cmd := &cobra.Command{
		Use:   "inspect PATH...",
		Short: "What each file is: shape, tables, records, time span, rejects",
		Long:  `inspect reads files as ingest would, says what each is and what is missing among them, and keeps nothing.`,
		Example: `  replaytrace inspect ./export
  replaytrace inspect ./export --format json`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), s, args) },
	}
	f.evidenceFlags.add(cmd)
	f.asksNothing(cmd)
	_ = cmd.Flags().MarkHidden("case") // that it is refused says where a case is described
	formatFlag(cmd, &f.format, "table", "json")
	return cmd
}

func (f *inspectFlags) run(ctx context.Context, s Streams, paths []string) error {
	if f.caseDir != "" {
		return &exit{exitUsage, &hinted{errors.New("inspect looks at files and keeps nothing"), "replaytrace coverage --case " + f.caseDir + " describes a case, and manifest.json in it its files"}}
	}
	return f.manifest(ctx, s, paths, func(c *casefile.Case, m *casefile.Manifest) error {
		engine, err := f.engine(ctx, c)
		if err != nil {
			return &exit{exitInternal, err}
		}
		warnings, err := view.Ask(ctx, engine, "coverage.warnings", view.Filter{})
		if err != nil {
			return &exit{exitInternal, err}
		}
		if f.format == "json" {
			list := []coverageWarning{}
			if err := warnings.Each(func(r *kql.Row) {
				list = append(list, coverageWarning{r.Text("Code"), r.Text("Where"), r.Text("Message")})
			}); err != nil {
				return &exit{exitInternal, err}
			}
			return escape.Document(s.Out, inspection{documentVersion, list, m.Files})
		}
		p := &page{width: columns(s.Out), verbose: f.verbose}
		if err := p.warnings(warnings); err != nil {
			return &exit{exitInternal, err}
		}
		p.files(m.Files)
		return write(s.Out, p.b.String())
	})
}

// mostColumns are named of those that no table has; -v names all.
const mostColumns = 10

// isWatchlist reports whether a file holds the rows of watchlists alone, which keep every column.
func isWatchlist(r *casefile.FileReport) bool { return len(r.Tables) == 1 && r.Tables["Watchlist"] > 0 }

// files prints a block for each file.
func (p *page) files(files []casefile.FileReport) {
	for i := range files {
		r := &files[i]
		if r.Error != "" {
			p.text("", bold.Render(escape.Terminal(r.Path))+"  "+warning.Render("not read: ")+escape.Terminal(r.Error))
			continue
		}
		p.text("", bold.Render(escape.Terminal(r.Path))+"  "+escape.Terminal(r.Shape))
		var tables []string
		for _, name := range slices.Sorted(maps.Keys(r.Tables)) {
			tables = append(tables, counted(r.Tables[name])+" "+name)
		}
		tables = append(tables, counted(r.RowsDuplicate)+" of them duplicate", counted(r.RowsRejected)+" rejected")
		p.text("  ", counted(r.RowsRead)+" records: "+strings.Join(tables, ", "))
		if r.FirstEvent != nil && r.LastEvent != nil {
			p.text("  ", fmt.Sprintf("from %s to %s", r.FirstEvent.Format(time.RFC3339), r.LastEvent.Format(time.RFC3339)))
		}
		for _, x := range r.Rejects {
			p.text("  ", warning.Render("rejected:")+fmt.Sprintf(" %s %s, first at line %d: %s", counted(x.Rows), x.Code, x.FirstLine, escape.Terminal(x.Reason)))
		}
		if names := r.UnknownColumns; len(names) > 0 && len(r.Tables) > 0 && !isWatchlist(r) {
			more := ""
			if n := len(names) - mostColumns; n > 0 && !p.verbose {
				names, more = names[:mostColumns], fmt.Sprintf(" and %s more (-v)", counted(int64(n)))
			}
			p.text("  ", "columns that no table has: "+escape.Terminal(strings.Join(names, ", "))+more)
		}
		p.text("  ", dim.Render(fmt.Sprintf("%s bytes, SHA-256 %s", counted(r.Bytes), r.SHA256)))
	}
}
