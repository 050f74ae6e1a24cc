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

	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Manifest says what went into a case and what became of it. The same evidence, given in the same order, makes the same
// bytes: it holds no clock's time but those of the files and their events.
type Manifest struct {
	SchemaVersion int          `json:"schema_version"`
	ToolVersion   string       `json:"tool_version"`
	CaseVersion   int          `json:"case_version"`
	Files         []FileReport `json:"files"` // in the order they came
	Tables        []TableCount `json:"tables"`
	Rejects       RejectsFile  `json:"rejects"`
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

// Manifest reads the manifest from the books of the case; the part about rejects.jsonl is left empty.
func (c *Case) Manifest(ctx context.Context) (*Manifest, error) {
	files, err := c.Files(ctx)
	if err != nil {
		return nil, err
	}
	m := &Manifest{SchemaVersion: 1, ToolVersion: c.opt.ToolVersion, CaseVersion: layoutVersion, Files: []FileReport{}, Tables: []TableCount{}}
	for _, r := range files {
		m.Files = append(m.Files, *r)
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
