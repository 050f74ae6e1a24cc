package casefile

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/replaytrace/replaytrace/internal/evidence"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// FileReport accounts for one file of evidence: rows_read = rows_loaded + rows_duplicate + rows_rejected.
type FileReport struct {
	Number         int64            `json:"number"` // in the order in which files came to the case
	Path           string           `json:"path"`
	SHA256         string           `json:"sha256"`
	Bytes          int64            `json:"bytes"`
	Modified       *time.Time       `json:"modified,omitempty"` // of the file, when it was read
	Shape          string           `json:"shape"`
	FirstEvent     *time.Time       `json:"first_event,omitempty"`
	LastEvent      *time.Time       `json:"last_event,omitempty"`
	Tables         map[string]int64 `json:"tables"` // rows by table, before copies are folded
	RowsRead       int64            `json:"rows_read"`
	RowsLoaded     int64            `json:"rows_loaded"`
	RowsDuplicate  int64            `json:"rows_duplicate"`
	RowsRejected   int64            `json:"rows_rejected"`
	Rejects        []RejectCount    `json:"rejects,omitempty"`
	SameAs         int64            `json:"same_as,omitempty"` // number of the file before it that has the same bytes
	UnknownColumns []string         `json:"unknown_columns,omitempty"`
	ToolVersion    string           `json:"tool_version"`        // that read it
	Error          string           `json:"error,omitempty"`     // why the file as a whole could not be read
	NextPage       string           `json:"next_page,omitempty"` // the address of the page that the file says follows
	Failure        string           `json:"failure,omitempty"`   // what the service says went wrong with the query

	Help    string `json:"-"` // what to do about Error
	Present bool   `json:"-"` // the case had it before it was given again
}

// Cut reports whether the file ends in the middle: how much of it is missing, nobody knows.
func (r *FileReport) Cut() bool {
	return slices.ContainsFunc(r.Rejects, func(x RejectCount) bool { return x.Code == evidence.CodeTruncatedFile })
}

// moment is a time as the optional ones of a FileReport are kept.
func moment(t schema.Ticks) *time.Time {
	at := t.Time()
	return &at
}

// fileEntries are the columns of EvidenceFiles, each with the field that it holds. An older case gets columns that it does not
// have at its end, so what is written and read is named.
var fileEntries = []entry[*FileReport]{
	{schema.Column{Name: "Number", Type: schema.Long}, func(r *FileReport) any { return &r.Number }},
	{schema.Column{Name: "Path", Type: schema.String}, func(r *FileReport) any { return &r.Path }},
	{schema.Column{Name: "Sha256", Type: schema.String}, func(r *FileReport) any { return &r.SHA256 }},
	{schema.Column{Name: "Bytes", Type: schema.Long}, func(r *FileReport) any { return &r.Bytes }},
	{schema.Column{Name: "Modified", Type: schema.Datetime}, func(r *FileReport) any { return &r.Modified }},
	{schema.Column{Name: "Shape", Type: schema.String}, func(r *FileReport) any { return &r.Shape }},
	{schema.Column{Name: "FirstEvent", Type: schema.Datetime}, func(r *FileReport) any { return &r.FirstEvent }},
	{schema.Column{Name: "LastEvent", Type: schema.Datetime}, func(r *FileReport) any { return &r.LastEvent }},
	{schema.Column{Name: "Tables", Type: schema.Dynamic}, func(r *FileReport) any { return &r.Tables }},
	{schema.Column{Name: "UnknownColumns", Type: schema.Dynamic}, func(r *FileReport) any { return &r.UnknownColumns }},
	{schema.Column{Name: "RowsRead", Type: schema.Long}, func(r *FileReport) any { return &r.RowsRead }},
	{schema.Column{Name: "RowsLoaded", Type: schema.Long}, func(r *FileReport) any { return &r.RowsLoaded }},
	{schema.Column{Name: "RowsDuplicate", Type: schema.Long}, func(r *FileReport) any { return &r.RowsDuplicate }},
	{schema.Column{Name: "RowsRejected", Type: schema.Long}, func(r *FileReport) any { return &r.RowsRejected }},
	{schema.Column{Name: "SameAs", Type: schema.Long}, func(r *FileReport) any { return &r.SameAs }},
	{schema.Column{Name: "ToolVersion", Type: schema.String}, func(r *FileReport) any { return &r.ToolVersion }},
	{schema.Column{Name: "Error", Type: schema.String}, func(r *FileReport) any { return &r.Error }},
	{schema.Column{Name: "Help", Type: schema.String}, func(r *FileReport) any { return &r.Help }},
	{schema.Column{Name: "NextPage", Type: schema.String}, func(r *FileReport) any { return &r.NextPage }},
	{schema.Column{Name: "Failure", Type: schema.String}, func(r *FileReport) any { return &r.Failure }},
}

// Files lists the files of the case in the order in which they came.
func (c *Case) Files(ctx context.Context) ([]*FileReport, error) {
	table := c.tables["EvidenceFiles"]
	rows, err := c.Select(ctx, "SELECT "+names(table.Columns)+" FROM EvidenceFiles ORDER BY Number", table.Columns)
	if err != nil {
		return nil, fmt.Errorf("read the books: %w", err)
	}
	byNumber := map[int64]*FileReport{}
	out := make([]*FileReport, len(rows))
	for i, row := range rows {
		r := &FileReport{}
		for k, e := range fileEntries {
			if err := read(e.of(r), row[k]); err != nil {
				return nil, fmt.Errorf("read the books: column %s: %w", e.Name, err)
			}
		}
		if r.Tables == nil { // of a file that could not be read
			r.Tables = map[string]int64{}
		}
		out[i], byNumber[r.Number] = r, r
	}
	return out, c.rejectReasons(ctx, byNumber)
}

// read puts a value of the database into a field.
func read(field any, v schema.Value) error {
	switch field := field.(type) {
	case *string:
		*field, _ = v.(string)
	case *int64:
		*field, _ = v.(int64)
	case **time.Time:
		if at, ok := v.(schema.Ticks); ok {
			*field = moment(at)
		}
	default:
		if text, ok := v.(json.RawMessage); ok {
			return json.Unmarshal(text, field)
		}
	}
	return nil
}

// written is what the database gets for a field.
func written(field any) (any, error) {
	switch field := field.(type) {
	case *string:
		return *field, nil
	case *int64:
		return *field, nil
	case **time.Time:
		if *field == nil {
			return nil, nil
		}
		return int64(schema.TicksOf(**field)), nil
	}
	text, err := json.Marshal(field)
	return string(text), err
}

// rejectReasons counts the rejected rows of each file by their kind.
func (c *Case) rejectReasons(ctx context.Context, files map[int64]*FileReport) error {
	long, text := schema.Column{Type: schema.Long}, schema.Column{Type: schema.String}
	rows, err := c.Select(ctx, "SELECT Number, Code, arg_min(Reason, (Line, Reason)), count(*), min(Line) AS line FROM RejectedRows"+
		" GROUP BY Number, Code, CASE WHEN Code = "+quoteText(evidence.CodeUnsupportedTable)+" THEN Reason END ORDER BY Number, line, Code, 3",
		[]schema.Column{long, text, text, long, long})
	if err != nil {
		return fmt.Errorf("read the rejected rows: %w", err)
	}
	for _, row := range rows {
		number, _ := row[0].(int64)
		if r := files[number]; r != nil {
			x := RejectCount{}
			for k, field := range []any{&x.Code, &x.Reason, &x.Rows, &x.FirstLine} {
				if err := read(field, row[k+1]); err != nil {
					return err
				}
			}
			r.Rejects = append(r.Rejects, x)
		}
	}
	return nil
}

// account writes the reports of new files to EvidenceFiles, folds the copies of rows and brings the books of all files
// up to date. first is the number of the first new file.
func (c *Case) account(ctx context.Context, first int64, reports []*FileReport, copies []sought) error {
	if err := c.checkLoaded(ctx, first, reports, c.touched(reports)); err != nil {
		return err
	}
	if err := c.enter(ctx, first, reports); err != nil {
		return err
	}
	if err := c.fold(ctx, copies); err != nil {
		return err
	}
	if err := c.gather(ctx); err != nil {
		return err
	}
	return c.balance(ctx)
}

// enter writes the reports of new files to EvidenceFiles, all at once: what a statement for each takes is kept until the end
// of the transaction, and a container has thousands of blobs.
func (c *Case) enter(ctx context.Context, first int64, reports []*FileReport) error {
	if err := c.forgetUnread(ctx, first, reports); err != nil {
		return err
	}
	last := map[string]*FileReport{}
	for _, r := range reports {
		last[r.Path] = r
	}
	return c.appendTo("EvidenceFiles", func(a *duckdb.Appender) error {
		for _, r := range reports {
			if r.Number < first || r.Error != "" && last[r.Path] != r {
				continue // it is in the books, or what could not be read was readable later
			}
			var values []driver.Value
			for _, e := range fileEntries {
				v, err := written(e.of(r))
				if err != nil {
					return fmt.Errorf("account for %s: %w", r.Path, err)
				}
				values = append(values, v)
			}
			if err := a.AppendRow(values...); err != nil {
				return fmt.Errorf("account for %s: %w", r.Path, err)
			}
		}
		return nil
	})
}

// forgetUnread takes files out of the books that could not be read before and are given again: they may be readable now.
func (c *Case) forgetUnread(ctx context.Context, first int64, reports []*FileReport) error {
	rows, err := c.Select(ctx, "SELECT DISTINCT Path FROM EvidenceFiles WHERE Error <> ''", []schema.Column{{Type: schema.String}})
	if err != nil {
		return fmt.Errorf("account for the files: %w", err)
	}
	for _, row := range rows {
		path, _ := row[0].(string)
		if !slices.ContainsFunc(reports, func(r *FileReport) bool { return r.Number >= first && r.Path == path }) {
			continue
		}
		if _, err := c.conn.ExecContext(ctx, "DELETE FROM EvidenceFiles WHERE Path = ? AND Error <> ''", path); err != nil {
			return fmt.Errorf("account for %s: %w", path, err)
		}
	}
	return nil
}

// appendTo hands out an appender to a table of the books, which takes the values of its columns in the order of their entries.
func (c *Case) appendTo(table string, fill func(*duckdb.Appender) error) error {
	return c.conn.Raw(func(dc any) error {
		conn, ok := dc.(driver.Conn)
		if !ok {
			return fmt.Errorf("unexpected connection %T", dc)
		}
		var columns []string
		for _, col := range c.tables[table].Columns {
			columns = append(columns, col.Name)
		}
		a, err := duckdb.NewAppenderWithColumns(conn, "", "", table, columns)
		if err != nil {
			return err
		}
		return errors.Join(fill(a), a.Close())
	})
}

// touched lists the tables that got rows of the files.
func (c *Case) touched(reports []*FileReport) []*schema.Table {
	var out []*schema.Table
	for _, t := range c.canonical() {
		if slices.ContainsFunc(reports, func(r *FileReport) bool { return r.Tables[t.Name] > 0 }) {
			out = append(out, t)
		}
	}
	return out
}

// checkLoaded compares what the readers of the new files say they loaded with what lies in the tables, and takes the
// span of their events from there.
func (c *Case) checkLoaded(ctx context.Context, first int64, reports []*FileReport, touched []*schema.Table) error {
	byNumber := map[int64]*FileReport{}
	left := map[int64]int64{}
	for _, r := range reports {
		if r.Number >= first {
			byNumber[r.Number], left[r.Number] = r, r.RowsLoaded
		}
	}
	long, when := schema.Column{Type: schema.Long}, schema.Column{Type: schema.Datetime}
	for _, t := range touched {
		rows, err := c.Select(ctx, fmt.Sprintf("SELECT _SourceNumber, count(*), min(%[1]s), max(%[1]s) FROM %[2]s WHERE _SourceNumber >= %[3]d GROUP BY 1", eventTime(t), quoteName(t.Name), first),
			[]schema.Column{long, long, when, when})
		if err != nil {
			return fmt.Errorf("count the rows of %s: %w", t.Name, err)
		}
		for _, row := range rows {
			number, _ := row[0].(int64)
			n, _ := row[1].(int64)
			left[number] -= n
			r := byNumber[number]
			from, dated := row[2].(schema.Ticks)
			to, _ := row[3].(schema.Ticks)
			if r == nil || !dated {
				continue
			}
			if first := moment(from); r.FirstEvent == nil || first.Before(*r.FirstEvent) {
				r.FirstEvent = first
			}
			if last := moment(to); r.LastEvent == nil || last.After(*r.LastEvent) {
				r.LastEvent = last
			}
		}
	}
	for number, n := range left {
		if r := byNumber[number]; n != 0 || r == nil {
			return fmt.Errorf("the books do not balance: file %d: %d rows are missing from the tables", number, n)
		}
	}
	return nil
}

// balance counts the rows of each file that stand in the tables; the others that were read and not rejected are copies.
func (c *Case) balance(ctx context.Context) error {
	var parts []string
	for _, t := range c.canonical() {
		parts = append(parts, "SELECT _SourceNumber FROM "+quoteName(t.Name))
	}
	standing := "(SELECT count(*) FROM (" + strings.Join(parts, " UNION ALL ") + ") WHERE _SourceNumber = Number)"
	return c.Exec(ctx, "UPDATE EvidenceFiles SET RowsLoaded = "+standing+", RowsDuplicate = RowsRead - RowsRejected - "+standing+" WHERE SameAs = 0")
}

// rejects accounts for the rejected rows of files and stores them.
func (l *loader) rejects(parts ...*part) error {
	some := false
	for _, p := range parts {
		sort.Slice(p.rejected, func(i, j int) bool {
			a, b := &p.rejected[i], &p.rejected[j]
			if a.Line != b.Line {
				return a.Line < b.Line
			}
			return a.Code+a.Reason+a.Raw < b.Code+b.Reason+b.Raw
		})
		p.report.RowsRejected += int64(len(p.rejected))
		p.report.RowsRead += int64(len(p.rejected))
		p.report.UnknownColumns = slices.Sorted(maps.Keys(p.unknown))
		some = some || len(p.rejected) > 0
	}
	if !some {
		return nil
	}
	err := l.c.appendTo("RejectedRows", func(a *duckdb.Appender) error {
		for _, p := range parts {
			if err := p.storeRejects(a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store the rejected rows: %w", err)
	}
	return nil
}

// rejected is a rejected row of a file.
type rejected struct {
	*evidence.Reject
	file *FileReport
}

// rejectEntries are the columns of RejectedRows. The text of a row may be anything; what is not UTF-8 is replaced, because the
// driver would store it as null.
var rejectEntries = []entry[rejected]{
	{schema.Column{Name: "File", Type: schema.String}, func(x rejected) any { return x.file.Path }},
	{schema.Column{Name: "Line", Type: schema.Long}, func(x rejected) any { return x.Line }},
	{schema.Column{Name: "Code", Type: schema.String}, func(x rejected) any { return x.Code }},
	{schema.Column{Name: "Reason", Type: schema.String}, func(x rejected) any { return text(x.Reason) }},
	{schema.Column{Name: "Raw", Type: schema.String}, func(x rejected) any { return text(x.Raw) }},
	{schema.Column{Name: "Number", Type: schema.Long, Hidden: true}, func(x rejected) any { return x.file.Number }},
	{schema.Column{Name: "Offset", Type: schema.Long}, func(x rejected) any { return offset(x.Place) }}, // bytes before the record in the unpacked text
}

// storeRejects writes the rejected rows of a file to RejectedRows.
func (p *part) storeRejects(a *duckdb.Appender) error {
	values := make([]driver.Value, len(rejectEntries))
	for i := range p.rejected {
		for k, e := range rejectEntries {
			values[k] = e.of(rejected{&p.rejected[i], p.report})
		}
		if err := a.AppendRow(values...); err != nil {
			return fmt.Errorf("%s: %w", p.report.Path, err)
		}
	}
	return nil
}

// offset is what the database gets for a record's offset: null where the file has no text.
func offset(at evidence.Place) any {
	if at.Offset < 0 {
		return nil
	}
	return at.Offset
}

// names lists columns for SQL.
func names(columns []schema.Column) string {
	list := make([]string, len(columns))
	for i, col := range columns {
		list[i] = quoteName(col.Name)
	}
	return strings.Join(list, ", ")
}
