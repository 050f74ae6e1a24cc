// Package kqltest owns the language of the conformance scripts, and runs them on anything that answers KQL: the case,
// or a cluster. A script says what Kusto's documentation says; nothing in it comes from an engine's output.
//
// A script is read by lines. A line that begins in the first column is a directive, the indented lines below belong to
// it; a line whose first character is # is a comment:
//
//	page null-values                     what follows is defined on this page of the language reference
//	trap 2                               and is one of the known traps, until the next page or trap
//	differs dcount is exact              the engine's own answer to the next case, where it is not Kusto's
//	at 2024-05-01T12:00:00Z              what now() means from here on
//
//	load People (Name:string, Age:long)  a table, with its rows as JSON cells
//	  "Ann", 42
//	  "Bob", null
//
//	eval                                 a query, on the line or below it
//	  People | where Age != 42
//	expect Name:string, Age:long         its columns, which may be left out, and its rows in any order
//	  "Bob", null
//
//	value 1/2 => long 0                  the type and the value of one scalar expression
//
// Instead of the rows, `expect ordered` demands them in that order, `expect some N` demands any N of those that are
// listed (for what the language leaves open, such as take), and
//
//	expect fail semantic at "Agee"       demands a diagnostic of that kind whose span covers that text;
//	  unknown name                       one of its lines may be given, which its message must contain
package kqltest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Reference is where the pages of a script lie.
const Reference = "https://learn.microsoft.com/kusto/query/"

// Script is a script that has been read.
type Script struct {
	Name   string
	Tables []Table
	Cases  []Case
}

// Table is what `load` makes. Rows are JSON cells as the query contract prints them.
type Table struct {
	Line int
	schema.Table
	Rows [][]json.RawMessage
}

// Case is one query with what is expected of it.
type Case struct {
	Line int
	Page string // relative to Reference
	Trap int    // 0 for none
	// Differs says how the engine is known to differ from Kusto; the case shows the engine's answer.
	Differs string
	AsOf    time.Time
	Query   string
	Want    Want
	// tables is how many of the script's tables are loaded when the case runs.
	tables int
}

// Want is the expectation of a case.
type Want struct {
	Columns []schema.Column // nil when they do not matter
	Rows    [][]json.RawMessage
	Ordered bool
	Some    int // how many of Rows are wanted, 0 for all
	// Fail is the kind of the diagnostic that is wanted instead of rows.
	Fail    diag.Kind
	At      string // what its span covers, "" when it does not matter
	Message string // what its message contains
}

// directive is a line in the first column with the lines that belong to it.
type directive struct {
	line       int
	word, rest string
	body       []string
}

// Parse reads a script.
func Parse(name, text string) (*Script, error) {
	p := &parser{script: &Script{Name: name}}
	for _, d := range directives(text) {
		if err := p.directive(d); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, d.line, err)
		}
	}
	if p.open {
		return nil, fmt.Errorf("%s: the last eval has no expect", name)
	}
	return p.script, nil
}

func directives(text string) []directive {
	var out []directive
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if len(out) > 0 {
				out[len(out)-1].body = append(out[len(out)-1].body, line)
			}
		default:
			word, rest, _ := strings.Cut(line, " ")
			out = append(out, directive{line: i + 1, word: word, rest: strings.TrimSpace(rest)})
		}
	}
	return out
}

type parser struct {
	script  *Script
	page    string
	trap    int
	differs string
	asOf    time.Time
	open    bool // an eval waits for its expect
}

func (p *parser) directive(d directive) (err error) {
	if p.open && d.word != "expect" {
		return fmt.Errorf("the eval before has no expect")
	}
	switch d.word {
	case "page":
		p.page, p.trap = d.rest, 0
	case "trap":
		p.trap, err = strconv.Atoi(d.rest)
	case "differs":
		p.differs = d.rest
	case "at":
		p.asOf, err = time.Parse(time.RFC3339, d.rest)
	case "load":
		err = p.load(d)
	case "eval":
		p.open = true
		err = p.add(d.line, strings.TrimSpace(d.rest+"\n"+strings.Join(d.body, "\n")))
	case "value":
		err = p.value(d)
	case "expect":
		if !p.open {
			return fmt.Errorf("no eval stands before this expect")
		}
		p.open = false
		err = p.expect(d, &p.script.Cases[len(p.script.Cases)-1].Want)
	default:
		err = fmt.Errorf("unknown directive %q", d.word)
	}
	return err
}

func (p *parser) add(line int, query string) error {
	if p.page == "" {
		return fmt.Errorf("no page says where this is defined")
	}
	p.script.Cases = append(p.script.Cases, Case{Line: line, Page: p.page, Trap: p.trap, Differs: p.differs, AsOf: p.asOf, Query: query, tables: len(p.script.Tables)})
	p.differs = ""
	return nil
}

// value reads `value EXPRESSION => TYPE JSON`.
func (p *parser) value(d directive) error {
	text := strings.TrimSpace(d.rest + "\n" + strings.Join(d.body, "\n"))
	k := strings.LastIndex(text, "=>")
	if k < 0 {
		return fmt.Errorf("value needs `=> TYPE VALUE`")
	}
	name, cell, _ := strings.Cut(strings.TrimSpace(text[k+2:]), " ")
	t, ok := schema.ParseType(name)
	if !ok {
		return fmt.Errorf("%q is no type", name)
	}
	row, err := cells(cell)
	if err != nil {
		return err
	}
	if err := p.add(d.line, "print value = "+text[:k]); err != nil {
		return err
	}
	p.script.Cases[len(p.script.Cases)-1].Want = Want{Columns: []schema.Column{{Name: "value", Type: t}}, Rows: [][]json.RawMessage{row}}
	return nil
}

var loadForm = regexp.MustCompile(`^(\w+) \((.*)\)$`)

func (p *parser) load(d directive) error {
	m := loadForm.FindStringSubmatch(d.rest)
	if m == nil {
		return fmt.Errorf("load needs NAME (COLUMN:TYPE, ...)")
	}
	columns, err := columns(m[2])
	if err != nil {
		return err
	}
	t := Table{Line: d.line, Table: schema.Table{Name: m[1], Columns: columns}}
	if t.Rows, err = rows(d.body, len(columns)); err != nil {
		return err
	}
	p.script.Tables = append(p.script.Tables, t)
	return nil
}

func (p *parser) expect(d directive, w *Want) (err error) {
	word, rest, _ := strings.Cut(d.rest, " ")
	switch word {
	case "fail":
		kind, at, _ := strings.Cut(rest, " ")
		w.Fail = diag.Kind(kind)
		w.Message = strings.TrimSpace(strings.Join(d.body, " "))
		if at = strings.TrimSpace(at); at != "" {
			if w.At, err = strconv.Unquote(strings.TrimPrefix(at, "at ")); err != nil {
				return fmt.Errorf("the place must be written as at \"text\"")
			}
		}
		return nil
	case "ordered":
		w.Ordered = true
		d.rest = rest
	case "some":
		n, more, _ := strings.Cut(rest, " ")
		if w.Some, err = strconv.Atoi(n); err != nil || w.Some < 1 {
			return fmt.Errorf("some needs the number of rows")
		}
		d.rest = more
	}
	if d.rest != "" {
		if w.Columns, err = columns(d.rest); err != nil {
			return err
		}
	}
	w.Rows, err = rows(d.body, len(w.Columns))
	return err
}

// columns reads `Name:type, ['odd name']:type`.
func columns(text string) ([]schema.Column, error) {
	out := []schema.Column{}
	for part := range strings.SplitSeq(text, ",") {
		k := strings.LastIndex(part, ":")
		if k < 0 {
			return nil, fmt.Errorf("%q is not NAME:TYPE", part)
		}
		name := strings.TrimSpace(part[:k])
		if inner, ok := strings.CutPrefix(name, "['"); ok {
			name = strings.TrimSuffix(inner, "']")
		}
		t, ok := schema.ParseType(strings.TrimSpace(part[k+1:]))
		if !ok {
			return nil, fmt.Errorf("%q is no type", part[k+1:])
		}
		out = append(out, schema.Column{Name: name, Type: t})
	}
	return out, nil
}

// rows reads one row of JSON cells a line; width 0 takes any.
func rows(lines []string, width int) ([][]json.RawMessage, error) {
	var out [][]json.RawMessage
	for _, line := range lines {
		row, err := cells(line)
		if err != nil {
			return nil, err
		}
		if width > 0 && len(row) != width {
			return nil, fmt.Errorf("the row %s has %d cells, not %d", strings.TrimSpace(line), len(row), width)
		}
		out = append(out, row)
	}
	return out, nil
}

func cells(line string) ([]json.RawMessage, error) {
	var out []json.RawMessage
	if err := json.Unmarshal([]byte("["+line+"]"), &out); err != nil {
		return nil, fmt.Errorf("the row %s is not JSON cells: %w", strings.TrimSpace(line), err)
	}
	return out, nil
}

// KQL is the table as a datatable.
func (t *Table) KQL() string {
	var names, values []string
	for _, c := range t.Columns {
		names = append(names, "['"+c.Name+"']:"+c.Type.String())
	}
	for _, row := range t.Rows {
		for i, cell := range row {
			values = append(values, literal(t.Columns[i].Type, cell))
		}
	}
	return "datatable(" + strings.Join(names, ", ") + ") [" + strings.Join(values, ", ") + "]"
}

// literal is a cell as KQL writes it.
func literal(t schema.Type, cell json.RawMessage) string {
	var text string
	if json.Unmarshal(cell, &text) != nil {
		text = string(cell)
	}
	if string(cell) == "null" {
		text = "null"
	}
	switch {
	case t == schema.Dynamic:
		return "dynamic(" + string(cell) + ")"
	case t == schema.String && string(cell) != "null":
		return string(cell) // JSON's escapes are KQL's
	case t == schema.String:
		return `""`
	}
	return t.String() + "(" + text + ")"
}
