package kqltest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Engine is what a script runs on.
type Engine interface {
	// Query answers KQL. An error in the user's text is a *diag.List.
	Query(ctx context.Context, request kql.Request) (*kql.Rows, error)
	// Store keeps what a query returns as a table, as Kusto's `.set-or-replace Name <| query` does.
	Store(ctx context.Context, name string, request kql.Request) error
}

// Run runs every case of a script in its order and reports each with nil, or with how the engine differs.
func (s *Script) Run(ctx context.Context, e Engine, report func(Case, error)) error {
	loaded := 0
	for _, c := range s.Cases {
		for ; loaded < c.tables; loaded++ {
			t := &s.Tables[loaded]
			if err := e.Store(ctx, t.Name, kql.Request{Source: &diag.Source{Name: s.Name, Text: t.KQL(), FirstLine: t.Line}}); err != nil {
				return fmt.Errorf("%s:%d: load %s: %w", s.Name, t.Line, t.Name, err)
			}
		}
		report(c, c.run(ctx, e, s.Name))
	}
	return nil
}

func (c *Case) run(ctx context.Context, e Engine, script string) error {
	source := &diag.Source{Name: script, Text: c.Query, FirstLine: c.Line}
	got, err := e.Query(ctx, kql.Request{Source: source, AsOf: c.AsOf})
	if c.Want.Fail != "" {
		return c.Want.failure(err)
	}
	if err != nil {
		var list *diag.List
		if errors.As(err, &list) {
			var b strings.Builder
			diag.Render(&b, list, false)
			return errors.New(b.String())
		}
		return err
	}
	return c.Want.check(got)
}

func (w *Want) failure(err error) error {
	list, ok := diag.AsList(err)
	if !ok {
		return fmt.Errorf("got %v, want a %s error", err, w.Fail)
	}
	var seen []string
	for _, d := range list.Items {
		covers := list.Source.Text[max(0, d.Span.Start):min(int(d.Span.End), len(list.Source.Text))]
		if d.Kind == w.Fail && (w.At == "" || covers == w.At) && strings.Contains(d.Message, w.Message) {
			return nil
		}
		seen = append(seen, fmt.Sprintf("%s at %q: %s", d.Kind, covers, d.Message))
	}
	return fmt.Errorf("got %s\nwant %s at %q: %s", strings.Join(seen, "; "), w.Fail, w.At, w.Message)
}

func (w *Want) check(got *kql.Rows) error {
	if w.Columns != nil {
		if g, want := schema.Declaration(got.Columns), schema.Declaration(w.Columns); g != want {
			return fmt.Errorf("got the columns %s\nwant %s", g, want)
		}
	}
	rows := make([][]any, len(got.Rows))
	for i, row := range got.Rows {
		for k, v := range row {
			rows[i] = append(rows[i], decode(schema.AppendJSON(nil, got.Columns[k].Type, v)))
		}
	}
	wanted := make([][]any, len(w.Rows))
	for i, row := range w.Rows {
		for _, cell := range row {
			wanted[i] = append(wanted[i], decode(cell))
		}
	}
	need := len(wanted)
	if w.Some > 0 {
		need = w.Some
	}
	if len(rows) != need || !w.match(rows, wanted) {
		return fmt.Errorf("got %d rows\n%swant %d\n%s", len(rows), lines(rows), need, lines(wanted))
	}
	return nil
}

// match finds for each row one of the wanted rows that no other row has taken.
func (w *Want) match(rows, wanted [][]any) bool {
	taken := make([]bool, len(wanted))
	for i, row := range rows {
		found := false
		for k := range wanted {
			if taken[k] || w.Ordered && k != i || !same(row, wanted[k]) {
				continue
			}
			taken[k], found = true, true
			break
		}
		if !found {
			return false
		}
	}
	return true
}

func lines(rows [][]any) string {
	var b strings.Builder
	for _, row := range rows {
		text, err := json.Marshal(row)
		if err != nil {
			text = []byte(err.Error())
		}
		fmt.Fprintf(&b, "  %s\n", text)
	}
	return b.String()
}

// decode reads a cell with its numbers as they are written.
func decode(cell []byte) any {
	d := json.NewDecoder(bytes.NewReader(cell))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "not JSON: " + string(cell)
	}
	return v
}

// same compares as values: a bag has no order, and a real may differ in its last digits.
func same(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k := range a {
			if other, ok := b[k]; !ok || !same(a[k], other) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumber(string(a), string(b))
	}
	return a == b
}

func sameNumber(a, b string) bool {
	if !strings.ContainsAny(a+b, ".eE") {
		return a == b // integers are exact
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && math.Abs(x-y) <= 1e-9*max(math.Abs(x), math.Abs(y), 1e-300)
}
