package casefile

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/tables"
)

// makeViews makes the tables of other products that hold the same events as ours: queries for Defender XDR's advanced
// hunting run on any evidence. They are no tables of evidence, so that nothing counts a row twice: `union *` and `search`
// pass over them. A view may ask those that come before it in the order of [viewNames].
func (c *Case) makeViews(ctx context.Context) error {
	all, err := viewNames()
	if err != nil {
		return err
	}
	for _, name := range all {
		text, err := fs.ReadFile(tables.Views, "views/"+name+".kql")
		if err != nil {
			return err
		}
		compiled, err := kql.Compile(kql.Request{Source: &diag.Source{Name: name, Text: string(text)}}, session{c, ctx}, c.asOf)
		if err != nil {
			return fmt.Errorf("make the view %s: %w", name, err)
		}
		if err := c.Exec(ctx, "CREATE OR REPLACE TEMP VIEW "+quoteName(name)+" ("+names(compiled.Columns)+") AS "+compiled.KeptSQL); err != nil {
			return fmt.Errorf("make the view %s: %w", name, err)
		}
		c.tables[name] = &schema.Table{Name: name, Columns: compiled.Columns}
	}
	return nil
}

// viewNames lists the views, the newest name of a table first: older ones are made of it.
func viewNames() ([]string, error) {
	files, err := fs.Glob(tables.Views, "views/*.kql")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	slices.Reverse(files)
	for i, file := range files {
		files[i] = strings.TrimSuffix(path.Base(file), ".kql")
	}
	return files, nil
}
