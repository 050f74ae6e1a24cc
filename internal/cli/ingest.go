package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/escape"
)

type ingestFlags struct {
	evidenceFlags
	format string
}

func newIngest(s Streams) *cobra.Command {
	f := &ingestFlags{}
	cmd := &cobra.Command{
		Use:   "ingest PATH... --case DIR",
		Short: "Build or extend a case from evidence",
		Long: `ingest loads evidence into a case: a folder with the database, a manifest of every file with its SHA-256 and the
account of its rows, and the rows that were set aside with their reasons. The folder can be archived and handed over.

A case is as before or after a file at any moment. An ingest that was interrupted goes on when the same command is given
again: what the case has already is passed over, and copies of a row count once.`,
		Example: `  replaytrace ingest ./export --case case-2026-031
  replaytrace hunt --case case-2026-031
  replaytrace verify --case case-2026-031`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), s, args) },
	}
	f.evidenceFlags.add(cmd)
	f.asksNothing(cmd)
	formatFlag(cmd, &f.format, "table", "json")
	return cmd
}

func (f *ingestFlags) run(ctx context.Context, s Streams, paths []string) error {
	if f.caseDir == "" {
		return &exit{exitUsage, errors.New("--case is missing: name the folder of the case")}
	}
	if len(paths) == 0 {
		return &exit{exitUsage, errors.New("no evidence given: name files or folders of exports")}
	}
	return f.manifest(ctx, s, paths, func(_ *casefile.Case, m *casefile.Manifest) error {
		if f.format == "json" {
			return escape.Document(s.Out, m)
		}
		return f.summary(s.Out, m)
	})
}

// mostFiles are the files that are told one by one; of more, only those that somebody has to look at.
const mostFiles = 100

// summary says what this run added and what the case holds now.
func (f *ingestFlags) summary(w io.Writer, m *casefile.Manifest) error {
	p := &page{width: columns(w)}
	p.table([]string{"file", "path", "shape", "read", "loaded", "duplicate", "rejected"}, fileRows(f.given))
	for i := range m.Files {
		if m.Files[i].Cut() {
			p.warn(m.Files[i].Path + " ends in the middle: what came after is lost, and nobody knows how much it was. Export it again.")
		}
	}
	var total int64
	for _, t := range m.Tables {
		total += t.Rows
	}
	p.text("", fmt.Sprintf("The case %s holds %s and %s.", escape.Terminal(f.caseDir), plural(len(m.Files), "file"), plural(int(total), "row")))
	return write(w, p.b.String())
}

// fileRows are the accounts of files, one by one; where they are many, those in which nothing went wrong come as one of
// each kind, at the end, and its manifest has each.
func fileRows(files []*casefile.FileReport) [][]string {
	type sums struct{ files, read, loaded, duplicate, rejected int64 }
	var rows [][]string
	row := func(number, path, what string, n sums) {
		rows = append(rows, []string{number, path, what, counted(n.read), counted(n.loaded), counted(n.duplicate), counted(n.rejected)})
	}
	var kinds []string
	gathered := map[string]*sums{}
	for _, r := range files {
		what := escape.Terminal(r.Shape)
		switch {
		case r.Error != "":
			what = escape.Terminal("not read: " + r.Error)
		case r.Present:
			what = "in the case already"
		case r.SameAs > 0:
			what = fmt.Sprintf("the same bytes as file %d", r.SameAs)
		}
		n := sums{1, r.RowsRead, r.RowsLoaded, r.RowsDuplicate, r.RowsRejected}
		if len(files) <= mostFiles || (r.Error != "" || r.RowsRejected > 0) && len(rows) < mostFiles {
			row(fmt.Sprint(r.Number), escape.Terminal(r.Path), what, n)
			continue
		}
		switch {
		case r.Error != "":
			what = "not read"
		case r.SameAs > 0:
			what = "the same bytes as another file"
		}
		g := gathered[what]
		if g == nil {
			g = &sums{}
			gathered[what], kinds = g, append(kinds, what)
		}
		*g = sums{g.files + 1, g.read + n.read, g.loaded + n.loaded, g.duplicate + n.duplicate, g.rejected + n.rejected}
	}
	slices.Sort(kinds)
	for _, what := range kinds {
		row("", plural(int(gathered[what].files), "file"), what, *gathered[what])
	}
	return rows
}
