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

// AddWatchlist makes what _GetWatchlist(alias) returns: the columns that Sentinel adds and the list's own, as text. Those that
// Sentinel adds are left out of a list that Sentinel made, as are those without a name; two of one name are an error, and case
// does not tell them apart.
func (c *Case) AddWatchlist(ctx context.Context, alias string, columns []string, rows [][]string) error {
	if err := c.forget(ctx); err != nil {
		return err
	}
	t := &schema.Table{Name: "_Watchlist_" + alias, Columns: slices.Clone(watchlistColumns)}
	added := map[string]bool{"": true} // names in lower case, as giveWatchlist tells them apart
	for _, col := range t.Columns {
		added[strings.ToLower(col.Name)] = true
	}
	var own []int // of the columns
	seen := map[string]bool{}
	for i, name := range columns {
		lower := strings.ToLower(name)
		if added[lower] {
			continue
		}
		if seen[lower] {
			return fmt.Errorf("watchlist %s: two of its columns are called %s", alias, name)
		}
		seen[lower] = true
		t.Columns, own = append(t.Columns, schema.Column{Name: name, Type: schema.String}), append(own, i)
	}
	if err := c.makeTemporary(ctx, t); err != nil {
		return err
	}
	c.watchlists[strings.ToLower(alias)] = t.Name
	for batch := range slices.Chunk(rows, 500) { // statements of a bounded length
		tuples := make([]string, len(batch))
		for i, row := range batch {
			values := []string{"''", "NULL", "''", "NULL"}
			for _, k := range own {
				values = append(values, quoteText(row[k]))
			}
			tuples[i] = "(" + strings.Join(values, ", ") + ")"
		}
		if err := c.Exec(ctx, "INSERT INTO "+quoteName(t.Name)+" VALUES "+strings.Join(tuples, ", ")); err != nil {
			return fmt.Errorf("watchlist %s: %w", alias, err)
		}
	}
	return nil
}
