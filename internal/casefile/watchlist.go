package casefile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// watchlistColumns are those that Sentinel adds to every list.
var watchlistColumns = []schema.Column{
	{Name: "_DTItemId", Type: schema.String},
	{Name: "LastUpdatedTimeUTC", Type: schema.Datetime},
	{Name: "SearchKey", Type: schema.String},
	{Name: "WatchlistItem", Type: schema.Dynamic},
}

// AddWatchlist makes what _GetWatchlist(alias) returns: the columns that Sentinel adds and the list's own, as text.
func (c *Case) AddWatchlist(ctx context.Context, alias string, columns []string, rows [][]string) error {
	if err := c.forget(ctx); err != nil {
		return err
	}
	t := &schema.Table{Name: "_Watchlist_" + alias, Columns: slices.Clone(watchlistColumns)}
	for _, name := range columns {
		t.Columns = append(t.Columns, schema.Column{Name: name, Type: schema.String})
	}
	if err := c.makeTemporary(ctx, t); err != nil {
		return err
	}
	c.watchlists[strings.ToLower(alias)] = t.Name
	for batch := range slices.Chunk(rows, 500) { // statements of a bounded length
		tuples := make([]string, len(batch))
		for i, row := range batch {
			values := []string{"''", "NULL", "''", "NULL"}
			for _, cell := range row {
				values = append(values, quoteText(cell))
			}
			tuples[i] = "(" + strings.Join(values, ", ") + ")"
		}
		if err := c.Exec(ctx, "INSERT INTO "+quoteName(t.Name)+" VALUES "+strings.Join(tuples, ", ")); err != nil {
			return fmt.Errorf("watchlist %s: %w", alias, err)
		}
	}
	return nil
}
