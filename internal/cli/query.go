package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

type queryFlags struct {
	evidenceFlags
	format  string
	file    string
	batch   string
	data    []string
	params  []string
	explain bool

	tables []namedFile       // that --data names
	values map[string]string // of --param, by name
}

// namedFile is a file and the table that it is loaded as.
type namedFile struct{ name, path string }

func newQuery(s Streams) *cobra.Command {
	f := &queryFlags{}
	cmd := &cobra.Command{
		Use:   "query [KQL] [PATH...]",
		Short: "Run any KQL over evidence, offline",
		Long: `query runs KQL over files and folders of evidence, a case, or the files named with --data. Beside the tables of Azure
Monitor there are EvidenceFiles and RejectedRows, the account of what was read, and the hidden columns _SourceFile and
_SourceLine. What is not supported is refused with its place; docs/kql.md lists what is.

--batch reads lines {"id": ..., "query": "..."} and prints one line for each, in order: {"id", "columns", "rows"} or
{"id", "error": {"message", "line", "column", "kind"}}.`,
		Example: `  replaytrace query 'SigninLogs | where ResultType == 0 | summarize count() by UserPrincipalName' ./export
  replaytrace query --file hunt.kql ./export --format csv
  replaytrace query --data Users=users.csv 'Users | take 5'
  replaytrace query 'RejectedRows | summarize count() by File, Code, Reason' ./export
  replaytrace query --param who=ann 'declare query_parameters(who: string); SigninLogs | where UserPrincipalName has who' ./export`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), s, args) },
	}
	f.evidenceFlags.add(cmd)
	flags := cmd.Flags()
	rowFormatFlag(cmd, &f.format)
	flags.StringVar(&f.file, "file", "", "read the KQL from `FILE`")
	flags.StringVar(&f.batch, "batch", "", "run the {id, query} lines of `FILE`")
	flags.StringArrayVar(&f.data, "data", nil, "NAME=PATH: load a CSV, TSV, JSON or Parquet file as table NAME, or as what externaldata reads under that name")
	flags.StringArrayVar(&f.params, "param", nil, "name=value for declare query_parameters")
	flags.BoolVar(&f.explain, "explain", false, "print the plan, as comments, and the SQL instead of running it")
	return cmd
}

func (f *queryFlags) run(ctx context.Context, s Streams, args []string) error {
	source := &diag.Source{Name: "query"}
	var batch io.Reader
	switch {
	case f.batch != "":
		file, err := os.Open(f.batch)
		if err != nil {
			return &exit{exitUsage, fmt.Errorf("read the batch: %w", err)}
		}
		defer func() { _ = file.Close() }()
		batch = file
	case f.file != "":
		text, err := os.ReadFile(f.file)
		if err != nil {
			return &exit{exitUsage, fmt.Errorf("read the query: %w", err)}
		}
		source.Name, source.Text = f.file, string(text)
	case len(args) > 0:
		source.Text, args = args[0], args[1:]
	default:
		return &exit{exitUsage, errors.New("no query given: pass the KQL as the first argument, or --file or --batch")}
	}
	if err := f.named(); err != nil {
		return &exit{exitUsage, err}
	}
	if batch != nil && f.format != "table" && !strings.HasPrefix(f.format, "json") {
		return &exit{exitUsage, fmt.Errorf("--batch prints JSON lines and takes no --format %s", f.format)}
	}
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		if batch == nil && !kql.Declares(source, name) {
			return &exit{exitUsage, fmt.Errorf("--param %s: the query declares no such parameter", name)}
		}
	}
	c, partial, err := f.open(ctx, s, args)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for _, d := range f.tables {
		if _, err := c.LoadNamed(ctx, d.name, d.path); err != nil {
			return &exit{exitPartial, err}
		}
	}
	if batch != nil {
		return ended(f.runBatch(ctx, s, c, batch), partial)
	}
	if err := f.one(ctx, s, c, source); err != nil {
		if _, missing := os.Stat(source.Text); f.file == "" && missing == nil {
			say(s.Err, "note: %s is a path; the KQL comes before the paths, or in a file with --file\n", escape.Terminal(source.Text))
		}
		return err
	}
	return partial
}

// named reads what --data and --param name.
func (f *queryFlags) named() error {
	for _, d := range f.data {
		name, path, ok := strings.Cut(d, "=")
		if at := strings.LastIndex(d, "="); strings.HasPrefix(d, "http") { // an address may hold the sign too
			name, path = d[:at], d[at+1:]
		}
		if !ok {
			return fmt.Errorf("--data takes NAME=PATH, this is %q", d)
		}
		f.tables = append(f.tables, namedFile{name, path})
	}
	f.values = map[string]string{}
	for _, p := range f.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return fmt.Errorf("--param takes name=value, this is %q", p)
		}
		f.values[name] = value
	}
	return nil
}

func (f *queryFlags) one(ctx context.Context, s Streams, c *casefile.Case, source *diag.Source) error {
	request := kql.Request{Source: source, Params: f.values}
	if f.explain {
		compiled, err := c.Compile(ctx, request)
		if err != nil {
			return err
		}
		var text strings.Builder
		for step := range strings.Lines(compiled.Plan()) {
			text.WriteString("-- " + escape.Terminal(strings.TrimSuffix(step, "\n")) + "\n")
		}
		for line := range strings.Lines(compiled.SQL()) {
			text.WriteString(escape.Terminal(strings.TrimSuffix(line, "\n")) + "\n")
		}
		_, err = io.WriteString(s.Out, text.String())
		return err
	}
	rows, err := c.Query(ctx, request)
	if err != nil {
		return err
	}
	asOf, why := c.AsOf()
	if !f.quiet {
		notes := rows.Notes
		if absent := f.absent(c, rows.Tables); len(absent) > 0 {
			if f.caseDir == "" && len(f.reports) == 0 && len(f.tables) == 0 {
				notes = append(notes, "no evidence was given: name files or folders behind the KQL, or a case with --case")
			}
			notes = append(notes, "the evidence has no rows of "+strings.Join(absent, ", "))
		}
		for _, n := range notes {
			say(s.Err, "note: %s\n", n)
		}
		if f.format == "table" {
			say(s.Err, "now() is %s (%s)\n", asOf.RFC3339(), why)
		}
	}
	return printRows(s.Out, f.format, rows, asOf)
}

// absent are those of the tables that the evidence has nothing of: an answer that is empty for that reason says nothing of
// what happened.
func (f *queryFlags) absent(c *casefile.Case, tables []string) []string {
	var out []string
	for _, name := range tables {
		t, ok := c.Table(name)
		if !ok || t.Source == "" {
			continue
		}
		if !slices.ContainsFunc(f.reports, func(r *casefile.FileReport) bool { return r.Tables[name] > 0 }) {
			out = append(out, name)
		}
	}
	return out
}

// answer is one line of `query --batch`.
type answer struct {
	ID      json.RawMessage `json:"id"`
	Columns []columnJSON    `json:"columns,omitzero"`
	Rows    json.RawMessage `json:"rows,omitempty"`
	Error   *answerError    `json:"error,omitempty"`
}

type columnJSON struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type answerError struct {
	Message string    `json:"message"`
	Line    int       `json:"line"`
	Column  int       `json:"column"`
	Kind    diag.Kind `json:"kind"`
}

func (f *queryFlags) runBatch(ctx context.Context, s Streams, c *casefile.Case, in io.Reader) error {
	lines := bufio.NewReader(in)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(strings.TrimSpace(string(line))) > 0 {
			if err := f.batchLine(ctx, s, c, n, line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the batch: %w", err)
		}
	}
}

func (f *queryFlags) batchLine(ctx context.Context, s Streams, c *casefile.Case, n int, line []byte) error {
	var q struct {
		ID    json.RawMessage `json:"id"`
		Query string          `json:"query"`
	}
	err := json.Unmarshal(line, &q)
	a := answer{ID: q.ID}
	if err != nil { // the lines behind it are answered all the same
		a.Error = &answerError{Message: fmt.Sprintf("%s:%d is no line of the form {\"id\":..., \"query\":...}: %v", f.batch, n, err), Line: 1, Column: 1, Kind: diag.Syntax}
		return a.write(s.Out)
	}
	request := kql.Request{Source: &diag.Source{Name: fmt.Sprintf("%s:%d", f.batch, n), Text: q.Query}, Params: f.values}
	limited, cancel := context.WithTimeout(ctx, batchTimeout)
	rows, err := c.Query(limited, request)
	cancel()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		a.Error = errorOf(err)
	default:
		a.Columns = columnsOf(rows)
		a.Rows = rowsJSON(rows)
	}
	return a.write(s.Out)
}

// write writes the answer's line.
func (a *answer) write(w io.Writer) error {
	if err := escape.Lines(w).Encode(a); err != nil {
		return fmt.Errorf("render the answer %s: %w", a.ID, err)
	}
	return nil
}

// batchTimeout bounds one query of a batch, so that a runaway one does not end the others.
const batchTimeout = 60 * time.Second

func errorOf(err error) *answerError {
	list, ok := diag.AsList(err)
	if !ok || len(list.Items) == 0 {
		return &answerError{Message: err.Error(), Kind: diag.Runtime}
	}
	d := list.Items[0]
	pos := list.Source.Position(d.Span.Start)
	return &answerError{Message: d.Message, Line: pos.Line, Column: pos.Column, Kind: d.Kind}
}

func columnsOf(rows *kql.Rows) []columnJSON {
	out := make([]columnJSON, len(rows.Columns))
	for i, c := range rows.Columns {
		out[i] = columnJSON{c.Name, c.Type.String()}
	}
	return out
}

func rowsJSON(rows *kql.Rows) json.RawMessage {
	b := []byte{'['}
	for i, row := range rows.Rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendRow(b, rows.Columns, row)
	}
	return append(b, ']')
}

func appendRow(b []byte, columns []schema.Column, row []schema.Value) []byte {
	b = append(b, '[')
	for k, v := range row {
		if k > 0 {
			b = append(b, ',')
		}
		b = schema.AppendJSON(b, columns[k].Type, v)
	}
	return append(b, ']')
}
