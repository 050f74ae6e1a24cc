package casefile

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/tables"
)

// makeView makes a table of another product that holds the same events as ours: queries for Defender XDR's advanced
// hunting run on any evidence. Views are no tables of evidence, so that nothing counts a row twice: `union *` and `search`
// pass over them. Most runs ask none, so that each is made when it is first named; it may ask others, but not itself. It
// returns nil where there is no view of that name.
func (c *Case) makeView(ctx context.Context, name string) (*schema.Table, error) {
	text, err := fs.ReadFile(tables.Views, "views/"+name+".kql")
	if err != nil { // also of a name that is no path
		return nil, nil
	}
	compiled, err := c.Compile(ctx, kql.Request{Source: &diag.Source{Name: name, Text: string(text)}})
	if err != nil {
		return nil, fmt.Errorf("make the view %s: %w", name, err)
	}
	if err := c.Exec(ctx, "CREATE OR REPLACE TEMP VIEW "+quoteName(name)+" ("+names(compiled.Columns)+") AS "+compiled.KeptSQL); err != nil {
		return nil, fmt.Errorf("make the view %s: %w", name, err)
	}
	view := &schema.Table{Name: name, Columns: compiled.Columns}
	c.tables[name] = view
	return view, nil
}
