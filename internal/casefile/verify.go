package casefile

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/replaytrace/replaytrace/internal/evidence"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Fault is something in a case that is not as its manifest says.
type Fault struct {
	// What was checked: manifest, file, rows or rejects.
	What string `json:"what"`
	// Path is the file of evidence, or of the case, that the fault is in.
	Path string `json:"path"`
	// Problem says what is wrong.
	Problem string `json:"problem"`
}

// Verification is the outcome of Verify.
type Verification struct {
	SchemaVersion int     `json:"schema_version"`
	Files         int     `json:"files"`         // in the manifest
	FilesChecked  int     `json:"files_checked"` // whose bytes were read and compared
	Rows          int64   `json:"rows"`          // in the tables
	Faults        []Fault `json:"faults"`
}

func (v *Verification) add(what, path, format string, args ...any) {
	v.Faults = append(v.Faults, Fault{what, path, fmt.Sprintf(format, args...)})
}

// Verify checks the manifest of a case: against its database, the rows in its tables file by file, rejects.jsonl and,
// unless locate is nil, the files of evidence, which locate finds by the path in the manifest.
func (c *Case) Verify(ctx context.Context, locate func(path string) string) (*Verification, error) {
	v := &Verification{SchemaVersion: 1, Faults: []Fault{}}
	m := v.manifest(filepath.Join(c.opt.Dir, ManifestName))
	if m == nil {
		return v, nil
	}
	v.Files = len(m.Files)
	now, err := c.Manifest(ctx)
	if err != nil {
		return nil, err
	}
	v.compare(m, now)
	if err := c.verifyRows(ctx, v); err != nil {
		return nil, err
	}
	files := &evidence.Files{Scratch: c.scratch}
	defer func() { _ = files.Close() }()
	if sum, err := files.Hash(filepath.Join(c.opt.Dir, RejectsName)); err != nil || sum != m.Rejects.SHA256 {
		v.add("rejects", RejectsName, "it is missing or not as it was written: SHA-256 %s, the manifest has %s", orNone(sum), m.Rejects.SHA256)
	}
	var read, total int64
	for _, f := range m.Files {
		total += f.Bytes
	}
	for _, f := range m.Files {
		if c.opt.Progress != nil && locate != nil {
			c.opt.Progress(read, total, f.Path)
		}
		read += f.Bytes
		if locate != nil && f.SHA256 != "" && f.Path != evidence.Stdin { // standard input cannot be read again
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			v.file(f, files, locate(f.Path))
		}
	}
	return v, nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (v *Verification) manifest(path string) *Manifest {
	text, err := os.ReadFile(path)
	if err != nil {
		v.add("manifest", ManifestName, "it cannot be read: %s", err)
		return nil
	}
	m := &Manifest{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		v.add("manifest", ManifestName, "it is no manifest of this version: %s", err)
		return nil
	}
	return m
}

// compare finds where the manifest and the database say different things.
func (v *Verification) compare(m, now *Manifest) {
	for _, t := range now.Tables {
		v.Rows += t.Rows
	}
	if len(m.Files) != len(now.Files) {
		v.add("manifest", ManifestName, "it lists %d files, the case has %d: an ingest was interrupted, or one of them was exchanged; run the ingest again", len(m.Files), len(now.Files))
	}
	for i := range min(len(m.Files), len(now.Files)) {
		if a, b := asJSON(m.Files[i]), asJSON(now.Files[i]); a != b {
			v.add("manifest", m.Files[i].Path, "the manifest says %s, the case %s", a, b)
		}
	}
	if a, b := asJSON(m.Tables), asJSON(now.Tables); a != b {
		v.add("manifest", ManifestName, "the manifest counts the tables as %s, the case holds %s", a, b)
	}
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (v *Verification) file(f FileReport, files *evidence.Files, path string) {
	sum, err := files.Hash(path)
	if err != nil {
		v.add("file", f.Path, "it cannot be read: %s", err)
		return
	}
	v.FilesChecked++
	if sum != f.SHA256 {
		v.add("file", f.Path, "it has changed: its SHA-256 is %s, the manifest has %s", sum, f.SHA256)
	}
}

// verifyRows counts every file's rows where they stand: in the tables, among the copies and among the rejects.
func (c *Case) verifyRows(ctx context.Context, v *Verification) error {
	files, err := c.Files(ctx)
	if err != nil {
		return err
	}
	var standing, copies, kept []string
	for _, t := range c.canonical() {
		name, beside := quoteName(t.Name), quoteName(copiesOf(t))
		standing = append(standing, "SELECT _SourceNumber AS number FROM "+name)
		folded, err := c.hasCopies(ctx, t)
		if err != nil {
			return err
		}
		if folded {
			copies = append(copies, "SELECT _SourceNumber AS number FROM "+beside)
			if key := quoteName(t.Intake.Key); t.Intake.Key != "" { // twins without a key are among the copies only
				kept = append(kept, "SELECT _SourceNumber AS number FROM "+name+" WHERE "+key+" <> '' AND "+key+" IN (SELECT "+key+" FROM "+beside+")")
			}
		}
	}
	counts := map[string]map[int64]int64{}
	for name, parts := range map[string][]string{"standing": standing, "copies": copies, "kept": kept, "rejected": {"SELECT Number AS number FROM RejectedRows"}} {
		if counts[name], err = c.countByFile(ctx, parts); err != nil {
			return err
		}
	}
	for _, r := range files {
		duplicate := counts["copies"][r.Number] - counts["kept"][r.Number]
		if r.SameAs > 0 {
			duplicate = r.RowsRead
		}
		for _, x := range []struct {
			what       string
			books, has int64
		}{
			{"loaded", r.RowsLoaded, counts["standing"][r.Number]},
			{"duplicate", r.RowsDuplicate, duplicate},
			{"rejected", r.RowsRejected, counts["rejected"][r.Number]},
			{"read", r.RowsRead, r.RowsLoaded + r.RowsDuplicate + r.RowsRejected},
		} {
			if x.books != x.has {
				v.add("rows", r.Path, "the books have %d rows %s, the tables %d", x.books, x.what, x.has)
			}
		}
	}
	return nil
}

func (c *Case) countByFile(ctx context.Context, parts []string) (map[int64]int64, error) {
	out := map[int64]int64{}
	if len(parts) == 0 {
		return out, nil
	}
	long := schema.Column{Type: schema.Long}
	rows, err := c.Select(ctx, "SELECT number, count(*) FROM ("+strings.Join(parts, " UNION ALL ")+") GROUP BY 1", []schema.Column{long, long})
	for _, r := range rows {
		number, _ := r[0].(int64)
		out[number], _ = r[1].(int64)
	}
	return out, err
}
