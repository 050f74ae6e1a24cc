package casefile

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Manifest says what went into a case and what became of it. The same evidence, given in the same order, makes the same
// bytes: it holds no clock's time but those of the files and their events.
type Manifest struct {
	SchemaVersion int            `json:"schema_version"`
	ToolVersion   string         `json:"tool_version"`
	CaseVersion   int            `json:"case_version"`
	Files         []ManifestFile `json:"files"` // in the order they came
	Tables        []TableCount   `json:"tables"`
	Rejects       RejectsFile    `json:"rejects"`
}

// ManifestFile is one file of evidence: rows_read = rows_loaded + rows_duplicate + rows_rejected.
type ManifestFile struct {
	Number         int64            `json:"number"`
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
	SameAs         int64            `json:"same_as,omitempty"` // number of the file that has the same bytes
	UnknownColumns []string         `json:"unknown_columns,omitempty"`
	ToolVersion    string           `json:"tool_version"` // that read it
	Error          string           `json:"error,omitempty"`
	NextPage       string           `json:"next_page,omitempty"` // the address of the page that the file says follows
	Failure        string           `json:"failure,omitempty"`   // what the service says went wrong with the query
}

// RejectCount counts the rejected rows of one kind in a file: of one code, and of one table where the table is what is
// unsupported.
type RejectCount struct {
	Code      string `json:"code"`
	Reason    string `json:"reason"` // of the first one
	Rows      int64  `json:"rows"`
	FirstLine int64  `json:"first_line"`
}

// TableCount is how many rows a table holds.
type TableCount struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
}

// RejectsFile describes rejects.jsonl.
type RejectsFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"`
}

func moment(t schema.Ticks) *time.Time {
	if t == 0 {
		return nil
	}
	at := t.Time()
	return &at
}

// Manifest reads the manifest from the books of the case; the part about rejects.jsonl is left empty.
func (c *Case) Manifest(ctx context.Context) (*Manifest, error) {
	files, err := c.Files(ctx)
	if err != nil {
		return nil, err
	}
	m := &Manifest{SchemaVersion: 1, ToolVersion: c.opt.ToolVersion, CaseVersion: layoutVersion, Files: []ManifestFile{}, Tables: []TableCount{}}
	for _, r := range files {
		f := ManifestFile{
			Number: r.Number, Path: r.Path, SHA256: r.SHA256, Bytes: r.Bytes, Modified: moment(r.Modified), Shape: r.Shape,
			FirstEvent: moment(r.First), LastEvent: moment(r.Last), Tables: r.Tables, RowsRead: r.RowsRead, RowsLoaded: r.RowsLoaded,
			RowsDuplicate: r.RowsDuplicate, RowsRejected: r.RowsRejected, SameAs: r.SameAs, Rejects: r.Rejects, UnknownColumns: r.UnknownColumns,
			ToolVersion: r.ToolVersion, Error: r.Error, NextPage: r.NextPage, Failure: r.Failure,
		}
		if f.Tables == nil {
			f.Tables = map[string]int64{}
		}
		m.Files = append(m.Files, f)
	}
	for _, t := range c.canonical() {
		n, err := c.count(ctx, quoteName(t.Name))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			m.Tables = append(m.Tables, TableCount{t.Name, n})
		}
	}
	return m, nil
}

// count counts the rows of a table or of what else stands behind FROM.
func (c *Case) count(ctx context.Context, from string) (int64, error) {
	rows, err := c.Select(ctx, "SELECT count(*) FROM "+from, []schema.Column{{Type: schema.Long}})
	if err != nil {
		return 0, err
	}
	n, _ := rows[0][0].(int64)
	return n, nil
}

// WriteBooks writes rejects.jsonl and the manifest into the case's folder. They are made from the database, which alone
// is changed in transactions: a run that is killed before this leaves older ones, and the next ingest writes them anew.
func (c *Case) WriteBooks(ctx context.Context) error {
	m, err := c.Manifest(ctx)
	if err != nil {
		return err
	}
	m.Rejects.Path = RejectsName
	sum := sha256.New()
	err = WriteFile(filepath.Join(c.opt.Dir, RejectsName), func(w io.Writer) (err error) {
		m.Rejects.Rows, err = c.WriteRejects(ctx, io.MultiWriter(w, sum))
		return err
	})
	if err != nil {
		return err
	}
	m.Rejects.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return WriteFile(filepath.Join(c.opt.Dir, ManifestName), func(w io.Writer) error { return escape.Document(w, m) })
}

// rejectLine is one line of rejects.jsonl.
type rejectLine struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Line   int64  `json:"line"`
	Offset *int64 `json:"offset,omitempty"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
	Raw    string `json:"raw"`
}

// WriteRejects writes the rejected rows, one JSON object per line, in the order of files and lines, and returns how
// many they are.
func (c *Case) WriteRejects(ctx context.Context, w io.Writer) (n int64, err error) {
	rows, err := c.conn.QueryContext(ctx, `SELECT File, Sha256, Line, "Offset", Code, Reason, Raw FROM RejectedRows JOIN EvidenceFiles USING (Number) ORDER BY Number, Line, "Offset", Code, Reason, Raw`)
	if err != nil {
		return 0, fmt.Errorf("read the rejected rows: %w", err)
	}
	defer func() { _ = rows.Close() }()
	buffered := bufio.NewWriter(w)
	lines := escape.Lines(buffered)
	for ; rows.Next(); n++ {
		var l rejectLine
		if err := rows.Scan(&l.File, &l.SHA256, &l.Line, &l.Offset, &l.Code, &l.Reason, &l.Raw); err != nil {
			return n, fmt.Errorf("read the rejected rows: %w", err)
		}
		if err := lines.Encode(l); err != nil {
			return n, err
		}
	}
	return n, errors.Join(rows.Err(), buffered.Flush())
}

// WriteFile writes beside the target first, so that a broken run leaves no half a file. The error is a *Full where there is no
// room for it.
func WriteFile(path string, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".replaytrace-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if err := errors.Join(write(tmp), tmp.Close()); noRoom(err) {
		return &Full{dir: filepath.Dir(path)}
	} else if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp.Name(), path)
}
