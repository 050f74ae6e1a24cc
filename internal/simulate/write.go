package simulate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// shape is a form in which evidence is exported.
type shape struct {
	name, folder, extension string
	head                    func(b []byte, l *layout) []byte
	row                     func(b []byte, r *row, first bool) []byte
}

// shapes are all of them; the first two are written unless others are asked for.
var shapes = []shape{
	{"jsonl", "evidence", ".jsonl", nil, jsonLine},
	{"portal-csv", "portal-csv", ".csv", portalHead, portalRow},
}

// Shapes are the names of the forms in which evidence can be written.
func Shapes() []string {
	var names []string
	for _, s := range shapes {
		names = append(names, s.name)
	}
	return names
}

// file is one table in one shape.
type file struct {
	shape shape
	f     *os.File
	w     *bufio.Writer
	buf   []byte
}

// WriteTo writes the evidence below dir, in the shapes that are named or in all, and beside it answer_key.json,
// tenant.yaml and README.txt. Rows are made as they are written.
func (t *Tenant) WriteTo(dir string, names ...string) (err error) {
	w := &writer{dir: dir, tenant: t}
	if w.shapes, err = shapesOf(names); err != nil {
		return err
	}
	for _, s := range w.shapes {
		if err := os.MkdirAll(filepath.Join(dir, s.folder), 0o750); err != nil {
			return fmt.Errorf("write the tenant: %w", err)
		}
	}
	err = t.world.each(w.add)
	if err := errors.Join(err, w.close()); err != nil {
		return fmt.Errorf("write the tenant: %w", err)
	}
	key, err := json.MarshalIndent(t.Key, "", "  ")
	if err != nil {
		return fmt.Errorf("write the answer key: %w", err)
	}
	note := "This is generated evidence of a tenant that does not exist.\nThe folders hold the same rows in different shapes; answer_key.json says what is in them.\n"
	for name, content := range map[string]string{"answer_key.json": string(key) + "\n", "tenant.yaml": t.context(), "README.txt": note} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("write the tenant: %w", err)
		}
	}
	return nil
}

func shapesOf(names []string) ([]shape, error) {
	if len(names) == 0 {
		return shapes, nil
	}
	var out []shape
	for _, name := range names {
		at := -1
		for i, s := range shapes {
			if s.name == name {
				at = i
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("no shape is called %q: there are %s", name, strings.Join(Shapes(), ", "))
		}
		out = append(out, shapes[at])
	}
	return out, nil
}

// context is the tenant file: what the tenant knows about itself.
func (t *Tenant) context() string {
	var b strings.Builder
	w := t.world
	fmt.Fprintf(&b, "name: %s\ncorporate_networks:\n", t.Domain)
	for i, s := range w.offices {
		for _, cidr := range s.net.cidrs() {
			fmt.Fprintf(&b, "  - {name: Office %d, cidr: %q}\n", i+1, cidr)
		}
	}
	b.WriteString("vpn_networks:\n")
	for _, cidr := range w.vpn.cidrs() {
		fmt.Fprintf(&b, "  - {name: Remote access, cidr: %q}\n", cidr)
	}
	if len(w.sanctioned) > 0 {
		b.WriteString("automation:\n")
		for _, s := range w.sanctioned {
			bits := 32
			if strings.Contains(s.address, ":") {
				bits = 128
			}
			fmt.Fprintf(&b, "  - {user: %s, app_id: %s, cidr: \"%s/%d\"}\n", s.user, s.app, s.address, bits)
		}
	}
	return b.String()
}

// writer renders events into the files of their tables.
type writer struct {
	dir    string
	tenant *Tenant
	shapes []shape
	rows   [tableCount]*row
	files  [tableCount][]*file
}

func (w *writer) add(e *event) error {
	r := w.rows[e.table]
	if r == nil {
		var err error
		if r, err = w.open(e.table); err != nil {
			return err
		}
	}
	r.render(w.tenant.world, e)
	for _, f := range w.files[e.table] {
		f.buf = f.shape.row(f.buf[:0], r, false)
		if _, err := f.w.Write(f.buf); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) open(t table) (*row, error) {
	at := -1
	for i, s := range w.tenant.tables {
		if s.Name == tableNames[t] {
			at = i
		}
	}
	if at < 0 {
		return nil, fmt.Errorf("table %s has no schema", tableNames[t])
	}
	r := &row{layout: newLayout(t, w.tenant.tables[at])}
	w.rows[t] = r
	for _, s := range w.shapes {
		f, err := os.Create(filepath.Join(w.dir, s.folder, tableNames[t]+s.extension))
		if err != nil {
			return nil, err
		}
		out := &file{shape: s, f: f, w: bufio.NewWriterSize(f, 1<<20)}
		w.files[t] = append(w.files[t], out)
		if s.head != nil {
			if _, err := out.w.Write(s.head(nil, r.layout)); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func (w *writer) close() error {
	var errs []error
	for _, files := range w.files {
		for _, f := range files {
			errs = append(errs, f.w.Flush(), f.f.Close())
		}
	}
	return errors.Join(errs...)
}

// jsonLine renders a row as Log Analytics exports it: columns in the table's order, dynamic ones as nested JSON.
func jsonLine(b []byte, r *row, _ bool) []byte {
	sep := byte('{')
	for i, c := range r.layout.columns {
		cell := r.cell(i)
		if len(cell) == 0 && c.Type != schema.String {
			continue
		}
		b = append(append(append(b, sep, '"'), c.Name...), `":`...)
		sep = ','
		if c.Type == schema.String || c.Type == schema.Datetime {
			b = appendQuoted(b, cell)
		} else {
			b = append(b, cell...)
		}
	}
	return append(b, "}\n"...)
}

// appendQuoted writes a JSON string. Our texts hold no control characters.
func appendQuoted(b, text []byte) []byte {
	b = append(b, '"')
	for {
		n := bytes.IndexAny(text, `"\`)
		if n < 0 {
			return append(append(b, text...), '"')
		}
		b = append(append(b, text[:n]...), '\\', text[n])
		text = text[n+1:]
	}
}

// portalHead and portalRow are the portal's export: a byte order mark, US dates, CRLF, doubled quotes.
func portalHead(b []byte, l *layout) []byte {
	b = append(b, "\ufeff"...)
	for i, c := range l.columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, c.Name...)
		if c.Type == schema.Datetime {
			b = append(b, " [UTC]"...)
		}
	}
	return append(b, "\r\n"...)
}

func portalRow(b []byte, r *row, _ bool) []byte {
	for i, c := range r.layout.columns {
		if i > 0 {
			b = append(b, ',')
		}
		cell := r.cell(i)
		if c.Type == schema.Datetime && len(cell) > 0 {
			if t, err := time.Parse("2006-01-02T15:04:05.0000000Z", string(cell)); err == nil {
				b = append(t.AppendFormat(append(b, '"'), "1/2/2006, 3:04:05.000 PM"), '"')
				continue
			}
		}
		if !bytes.ContainsAny(cell, "\",\r\n") {
			b = append(b, cell...)
			continue
		}
		b = append(append(append(b, '"'), bytes.ReplaceAll(cell, []byte(`"`), []byte(`""`))...), '"')
	}
	return append(b, "\r\n"...)
}
