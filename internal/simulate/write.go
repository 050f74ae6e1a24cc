package simulate

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// file is one table in one shape.
type file struct {
	shape shape
	f     *os.File
	w     *bufio.Writer
	zip   *zstd.Encoder
	buf   []byte
	rows  int
}

// create opens the file of a table and writes what comes before its rows.
func (s shape) create(dir string, t table, l *layout) (*file, error) {
	path := filepath.Join(dir, s.folder, s.file(t))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	out := &file{shape: s, f: f, w: bufio.NewWriterSize(f, 1<<20)}
	if s.packed {
		if out.zip, err = zstd.NewWriter(f, zstd.WithEncoderConcurrency(1)); err != nil {
			return nil, err
		}
		out.w.Reset(out.zip)
	}
	if s.head != nil {
		_, err = out.w.Write(s.head(nil, l))
	}
	return out, err
}

func (f *file) add(r *row) error {
	f.buf = f.shape.row(f.buf[:0], r, f.rows == 0)
	f.rows++
	_, err := f.w.Write(f.buf)
	return err
}

func (f *file) close() error {
	_, err := f.w.WriteString(f.shape.tail)
	err = errors.Join(err, f.w.Flush())
	if f.zip != nil {
		err = errors.Join(err, f.zip.Close())
	}
	return errors.Join(err, f.f.Close())
}

// WriteTo writes the evidence below dir, in the shapes that are named or in the usual two, and beside it answer_key.json,
// tenant.yaml and README.txt. Rows are made as they are written.
func (t *Tenant) WriteTo(dir string, names ...string) (err error) {
	w := &writer{dir: dir, tenant: t, made: map[string]bool{}}
	if w.shapes, err = shapesOf(names); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("write the tenant: %w", err)
	}
	err = t.each(w.add)
	if err := errors.Join(err, w.close()); err != nil {
		return fmt.Errorf("write the tenant: %w", err)
	}
	for _, s := range w.shapes {
		if !w.made[s.name] {
			return fmt.Errorf("the shape %s holds none of the tables that this tenant fills: name another shape, or attacks that fill one", s.name)
		}
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

// Stream writes the evidence as JSON lines, the rows of all tables as they are made. Memory does not grow with the days.
func (t *Tenant) Stream(to io.Writer) error {
	w := bufio.NewWriterSize(to, 1<<20)
	var rows [tableCount]*row
	var line []byte
	err := t.each(func(e *event) (err error) {
		if rows[e.table] == nil {
			if rows[e.table], err = t.row(e.table); err != nil {
				return err
			}
		}
		rows[e.table].render(t.world, e)
		line = jsonLine(line[:0], rows[e.table], false)
		_, err = w.Write(line)
		return err
	})
	if err := errors.Join(err, w.Flush()); err != nil {
		return fmt.Errorf("write the tenant: %w", err)
	}
	return nil
}

// each shows the events that are written.
func (t *Tenant) each(show func(*event) error) error {
	only := t.world.opt.Table
	return t.world.each(func(e *event) error {
		if only != "" && tableNames[e.table] != only {
			return nil
		}
		return show(e)
	})
}

// row makes the renderer of a table's rows.
func (t *Tenant) row(of table) (*row, error) {
	for i := range t.tables {
		if t.tables[i].Name == tableNames[of] {
			return &row{layout: newLayout(of, t.tables[i])}, nil
		}
	}
	return nil, fmt.Errorf("table %s has no schema", tableNames[of])
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
	made   map[string]bool // shapes that hold a table of the tenant
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
		if err := f.add(r); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) open(t table) (*row, error) {
	r, err := w.tenant.row(t)
	if err != nil {
		return nil, err
	}
	w.rows[t] = r
	for _, s := range w.shapes {
		if s.file(t) == "" {
			continue
		}
		f, err := s.create(w.dir, t, r.layout)
		if err != nil {
			return nil, err
		}
		w.files[t] = append(w.files[t], f)
		w.made[s.name] = true
	}
	return r, nil
}

func (w *writer) close() error {
	var errs []error
	for _, files := range w.files {
		for _, f := range files {
			errs = append(errs, f.close())
		}
	}
	return errors.Join(errs...)
}
