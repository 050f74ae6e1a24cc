package view_test

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/view"
	"github.com/replaytrace/replaytrace/tables"
)

// TestViewsRun asks every view of an empty case, with and without a filter: it compiles, runs and has a title.
func TestViewsRun(t *testing.T) {
	c, err := casefile.Open(t.Context(), casefile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	files, err := fs.Glob(hunts.Views, "views/*.kql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no views: %v", err)
	}
	// A name that ends a string and begins a query must stay a name.
	hostile := view.Filter{Users: []string{`a"]); SigninLogs | count //`, `b'\`}, Since: time.Unix(0, 0), Until: time.Unix(1, 1)}
	for _, file := range files {
		v, err := view.Load(strings.TrimSuffix(strings.TrimPrefix(file, "views/"), ".kql"))
		if err != nil {
			t.Fatal(err)
		}
		if v.Title == "" || strings.HasPrefix(v.Title, "functions:") {
			t.Errorf("%s has no title", file)
		}
		for _, f := range []view.Filter{{}, hostile} {
			if _, err := v.Run(t.Context(), c, f); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// TestEvidenceIsWhole: coverage that passes over a table is a lie. A watchlist is no evidence of what happened.
func TestEvidenceIsWhole(t *testing.T) {
	text, err := fs.ReadFile(hunts.Functions, "functions/Evidence.part")
	if err != nil {
		t.Fatal(err)
	}
	all, err := schema.Load(tables.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range all {
		if table.Name != "Watchlist" && !strings.Contains(string(text), "    ("+table.Name+" | project Table = \""+table.Name+"\", Time = ") {
			t.Errorf("Evidence.part does not count the table %s", table.Name)
		}
	}
}
