package casefile

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/kqltest"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// openTest opens a case that vanishes with the test.
func openTest(t testing.TB) *Case {
	t.Helper()
	c, err := Open(context.Background(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// storer is a case into which tests store the rows of queries.
type storer struct{ *Case }

// Store keeps what a query returns as a table.
func (s storer) Store(ctx context.Context, name string, request kql.Request) error {
	compiled, err := kql.Compile(request, s.Case, schema.UnixEpoch)
	if err != nil {
		return err
	}
	var columns []string
	for _, c := range compiled.Columns {
		columns = append(columns, quoteName(c.Name))
	}
	s.add(&schema.Table{Name: name, Columns: compiled.Columns})
	if err := s.forget(ctx); err != nil {
		return err
	}
	return s.Exec(ctx, fmt.Sprintf("CREATE OR REPLACE TABLE %s AS SELECT * FROM (%s) AS t(%s)", quoteName(name), compiled.SQL(), strings.Join(columns, ", ")))
}

// traps is how many semantic traps of the language are known; each is a case of a script.
const traps = 40

// TestConformance runs the scripts that say what the language reference says.
func TestConformance(t *testing.T) {
	ctx := context.Background()
	trapped := map[int]bool{}
	for _, script := range conformanceScripts(t) {
		t.Run(strings.TrimSuffix(script.Name, ".kqltest"), func(t *testing.T) {
			err := script.Run(ctx, storer{openTest(t)}, func(c kqltest.Case, err error) {
				trapped[c.Trap] = true
				if err != nil {
					t.Errorf("%s:%d: %s%s\n%s\n%v", script.Name, c.Line, kqltest.Reference, c.Page, c.Query, err)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for n := 1; n <= traps; n++ {
		if !trapped[n] {
			t.Errorf("trap %d has no case", n)
		}
	}
}
