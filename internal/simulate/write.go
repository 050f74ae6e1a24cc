package simulate

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// file is one table in one shape.
type file struct {
	shape shape
	f     *os.File
	w     *bufio.Writer
	zip   *zstd.Encoder
	begun bool // it has a row
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

// add writes rows that are rendered, with what stands between them.
func (f *file) add(rows []byte) (err error) {
	if f.begun {
		_, err = f.w.WriteString(f.shape.between)
	}
	f.begun = true
	_, err2 := f.w.Write(rows)
	return errors.Join(err, err2)
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
	if w.layouts, err = t.layouts(); err != nil {
		return err
	}
	err = inOrder(t.world.each, w.renderer, w.add)
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
	layouts, err := t.layouts()
	if err != nil {
		return err
	}
	var used sync.Pool // lines that are written
	renderer := func() func([]due) *[]byte {
		rows := rowsIn(layouts)
		return func(run []due) *[]byte {
			lines, _ := used.Get().(*[]byte)
			if lines == nil {
				lines = new([]byte)
			}
			*lines = (*lines)[:0]
			for _, e := range run {
				rows[e.table].render(t.world, e.event)
				*lines = jsonLine(*lines, &rows[e.table])
			}
			return lines
		}
	}
	err = inOrder(t.world.each, renderer, func(lines *[]byte) error {
		_, err := to.Write(*lines)
		used.Put(lines)
		return err
	})
	if err != nil {
		return fmt.Errorf("write the tenant: %w", err)
	}
	return nil
}

// layouts are those of all tables.
func (t *Tenant) layouts() (all [tableCount]*layout, err error) {
	for of := range tableCount {
		at := slices.IndexFunc(t.tables, func(s schema.Table) bool { return s.Name == tableNames[of] })
		if at < 0 {
			return all, fmt.Errorf("table %s has no schema", tableNames[of])
		}
		all[of] = newLayout(of, t.tables[at])
	}
	return all, nil
}

// rowsIn are rows to render into, one of each table.
func rowsIn(layouts [tableCount]*layout) (rows [tableCount]row) {
	for t, l := range layouts {
		rows[t].layout = l
	}
	return rows
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
	dir     string
	tenant  *Tenant
	shapes  []shape
	layouts [tableCount]*layout
	files   [tableCount][]*file // by shape; nil where nothing is written
	made    map[string]bool     // shapes that hold a table of the tenant
	used    sync.Pool           // rendered runs that are written
}

// rendered are the rows of a run of events, by table and shape.
type rendered [tableCount][][]byte

func (w *writer) renderer() func([]due) *rendered {
	rows := rowsIn(w.layouts)
	var held [tableCount][]int // the shapes that hold a table
	for t := range held {
		for i, s := range w.shapes {
			if s.file(table(t)) != "" {
				held[t] = append(held[t], i)
			}
		}
	}
	return func(run []due) *rendered {
		out, _ := w.used.Get().(*rendered)
		if out == nil {
			out = new(rendered)
			for t := range out {
				out[t] = make([][]byte, len(w.shapes))
			}
		}
		for _, e := range run {
			r := &rows[e.table]
			r.render(w.tenant.world, e.event)
			for _, i := range held[e.table] {
				text := out[e.table][i]
				if len(text) > 0 {
					text = append(text, w.shapes[i].between...)
				}
				out[e.table][i] = w.shapes[i].row(text, r)
			}
		}
		return out
	}
}

func (w *writer) add(run *rendered) error {
	for t, texts := range run {
		for i, text := range texts {
			if len(text) == 0 {
				continue
			}
			f, err := w.file(table(t), i)
			if err == nil {
				err = f.add(text)
			}
			if err != nil {
				return err
			}
			texts[i] = text[:0]
		}
	}
	w.used.Put(run)
	return nil
}

// file is that of a table in a shape, which begins with its first row.
func (w *writer) file(t table, shape int) (*file, error) {
	if w.files[t] == nil {
		w.files[t] = make([]*file, len(w.shapes))
	}
	if f := w.files[t][shape]; f != nil {
		return f, nil
	}
	s := w.shapes[shape]
	f, err := s.create(w.dir, t, w.layouts[t])
	if err != nil {
		return nil, err
	}
	w.files[t][shape], w.made[s.name] = f, true
	return f, nil
}

func (w *writer) close() error {
	var errs []error
	for _, files := range w.files {
		for _, f := range files {
			if f != nil {
				errs = append(errs, f.close())
			}
		}
	}
	return errors.Join(errs...)
}
