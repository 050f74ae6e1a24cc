package schema

import (
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
)

// Load reads every *.yaml file of fsys as a table, sorted by name.
func Load(fsys fs.FS) ([]Table, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	tables := make([]Table, 0, len(names))
	for _, name := range names {
		t, err := load(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("load table %s: %w", name, err)
		}
		tables = append(tables, t)
	}
	sort.Slice(tables, func(i, j int) bool { return tables[i].Name < tables[j].Name })
	return tables, nil
}

func load(fsys fs.FS, name string) (Table, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return Table{}, err
	}
	var file struct {
		Name, Source, Key string
		Names             []string
		KnownBy           [][]string `yaml:"known_by"`
		Unlike, Addresses []string
		Derive            []Derivation
		Fills             Filling
		Members           []Members
		Columns           []struct{ Name, Type string }
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		return Table{}, err
	}
	t := Table{Name: file.Name, Source: file.Source, Members: file.Members, Intake: Intake{
		Key: file.Key, Names: file.Names, KnownBy: file.KnownBy, Unlike: file.Unlike, Addresses: file.Addresses, Derive: file.Derive,
		Fills: file.Fills,
	}}
	for _, c := range file.Columns {
		typ, ok := ParseType(c.Type)
		if !ok {
			return Table{}, fmt.Errorf("column %s has unknown type %q", c.Name, c.Type)
		}
		t.Columns = append(t.Columns, Column{Name: c.Name, Type: typ})
	}
	if err := t.checkMembers(); err != nil {
		return Table{}, err
	}
	return t, t.checkIntake()
}

// checkMembers refuses members of what holds no JSON.
func (t *Table) checkMembers() error {
	for _, m := range t.Members {
		c, ok := t.Column(m.Column)
		if !ok || c.Type != String && c.Type != Dynamic {
			return fmt.Errorf("members: no column %s of text or JSON", m.Column)
		}
		for _, key := range m.Keys {
			if strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsLetter(r) && r != '_' }) {
				return fmt.Errorf("members: %s.%s is no plain name", m.Column, key)
			}
		}
	}
	return nil
}

// checkIntake refuses names of columns that the table does not have.
func (t *Table) checkIntake() error {
	names := append(append([]string{}, t.Intake.Addresses...), t.Intake.Unlike...)
	for _, group := range t.Intake.KnownBy {
		names = append(names, group...)
	}
	for _, d := range t.Intake.Derive {
		names = append(names, d.Column, d.From)
	}
	if f := t.Intake.Fills; f.Column != "" {
		names = append(names, f.From)
		for _, m := range f.Object {
			names = append(names, m.Column)
		}
	}
	if t.Intake.Key != "" {
		names = append(names, t.Intake.Key)
	}
	for _, name := range names {
		if _, ok := t.Column(name); !ok && !slices.Contains(t.Intake.Unlike, name) {
			return fmt.Errorf("no column %s", name)
		}
	}
	return nil
}
