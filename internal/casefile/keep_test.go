package casefile

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
)

// Two queries that materialize the same thing share one table, whatever stands around it and however its columns are
// numbered there; another literal, or new evidence, does not.
func TestMaterializedOnce(t *testing.T) {
	ctx := context.Background()
	c, err := Open(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	ask := func(text string) int64 {
		t.Helper()
		rows, err := c.Query(ctx, kql.Request{Source: &diag.Source{Name: "test", Text: text}})
		if err != nil {
			t.Fatal(err)
		}
		n, _ := rows.Rows[0][0].(int64)
		return n
	}
	const materialized = `let A = materialize(range x from 1 to 5 step 1 | extend y = "c1_x"); `
	if got := ask(materialized + `A | where x > 3 | count`); got != 2 {
		t.Errorf("first reading: %d, want 2", got)
	}
	if got := ask(`let T = range z from 1 to 9 step 1 | extend w = z; ` + materialized + `T | join kind=inner A on $left.w == $right.x | count`); got != 5 {
		t.Errorf("second reading: %d, want 5", got)
	}
	if len(c.kept) != 1 {
		t.Fatalf("%d tables are kept, want 1", len(c.kept))
	}
	if ask(`let A = materialize(range x from 1 to 5 step 1 | extend y = "c2_x"); A | where y == "c1_x" | count`) != 0 || len(c.kept) != 2 {
		t.Errorf("another literal must be another table; kept: %v", c.kept)
	}
	if _, err := c.Load(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if len(c.kept) != 0 {
		t.Errorf("new evidence must forget what was kept; kept: %v", c.kept)
	}
}

// A table that reads a kept one has the same text whether that one is made for it or was made before.
func TestMaterializedWithin(t *testing.T) {
	c := openTest(t)
	const nested = `let A = materialize(range x from 1 to 5 step 1 | extend y = x + 1, z = "c1_x"); let Twice = A | extend w = y;
		let B = materialize(Twice | join kind=inner (Twice | summarize most = max(w) by z) on z | project z, w, most); `
	for _, last := range []string{`B | count`, `A | join kind=inner B on z | count`} {
		if _, err := c.Query(t.Context(), kql.Request{Source: &diag.Source{Name: "test", Text: nested + last}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.kept) != 2 {
		t.Errorf("%d tables are kept, want A and B", len(c.kept))
	}
}

// Programs that read one case at once spill and keep apart from each other, and leave nothing; what a killed one left is
// gone when the case is next written to, not before.
func TestScratch(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	open := func(readOnly bool) *Case {
		t.Helper()
		c, err := Open(ctx, Options{Dir: dir, ReadOnly: readOnly})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	closed := func(c *Case) {
		t.Helper()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	folders := func(want int) {
		t.Helper()
		all, err := filepath.Glob(filepath.Join(dir, scratchPrefix+"*"))
		if err != nil || len(all) != want {
			t.Errorf("scratch folders: %v (%v), want %d", all, err, want)
		}
	}
	closed(open(false))
	folders(0)
	if err := os.Mkdir(filepath.Join(dir, scratchPrefix+"killed"), 0o700); err != nil {
		t.Fatal(err)
	}
	one, other := open(true), open(true)
	for _, c := range []*Case{one, other} {
		rows, err := c.Query(ctx, kql.Request{Source: &diag.Source{Name: "test", Text: "let A = materialize(range x from 1 to 5 step 1); A | where x > 3"}})
		if err != nil || len(rows.Rows) != 2 {
			t.Errorf("%v, %v; want two rows", rows, err)
		}
		if _, err := os.Stat(filepath.Join(c.scratch, keptDatabase+".duckdb")); err != nil {
			t.Error(err)
		}
	}
	folders(3)
	closed(one)
	closed(other)
	folders(1)
	closed(open(false))
	folders(0)
}
