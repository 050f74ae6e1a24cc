package casefile

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// givenWatchlists makes _GetWatchlist answer from the lists that were given as evidence. A list of the tenant file of the
// same alias goes before.
func (c *Case) givenWatchlists(ctx context.Context) error {
	text := schema.Column{Type: schema.String}
	rows, err := c.Select(ctx, "SELECT WatchlistAlias, CAST(WatchlistItem AS VARCHAR) FROM Watchlist WHERE WatchlistAlias <> '' AND WatchlistItem IS NOT NULL ORDER BY lower(WatchlistAlias), _SourceNumber, _SourceLine", []schema.Column{text, text})
	if err != nil {
		return fmt.Errorf("read the watchlists: %w", err)
	}
	for len(rows) > 0 {
		alias, _ := rows[0][0].(string)
		n := slices.IndexFunc(rows, func(r []schema.Value) bool { s, _ := r[0].(string); return !strings.EqualFold(s, alias) })
		if n < 0 {
			n = len(rows)
		}
		if _, known := c.watchlists[strings.ToLower(alias)]; !known || c.given[strings.ToLower(alias)] {
			if err := c.giveWatchlist(ctx, alias, rows[:n]); err != nil {
				return fmt.Errorf("watchlist %s: %w", alias, err)
			}
		}
		rows = rows[n:]
	}
	return nil
}

// giveWatchlist makes one list of its items. The columns are those of all items, in the order in which they come.
func (c *Case) giveWatchlist(ctx context.Context, alias string, items [][]schema.Value) error {
	index := map[string]int{}
	for _, own := range watchlistColumns {
		index[strings.ToLower(own.Name)] = -1
	}
	var columns []string
	list := make([][]string, len(items))
	for i, item := range items {
		text, _ := item[1].(string)
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		if _, err := d.Token(); err != nil {
			return err
		}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return err
			}
			var value json.RawMessage
			if err := d.Decode(&value); err != nil {
				return err
			}
			name, _ := key.(string)
			at, known := index[strings.ToLower(name)]
			if !known {
				at = len(columns)
				index[strings.ToLower(name)] = at
				columns = append(columns, name)
			}
			if at < 0 {
				continue
			}
			for len(list[i]) <= at {
				list[i] = append(list[i], "")
			}
			if json.Unmarshal(value, &list[i][at]) != nil {
				list[i][at] = string(value)
			}
		}
	}
	for i := range list {
		list[i] = append(list[i], make([]string, len(columns)-len(list[i]))...)
	}
	c.given[strings.ToLower(alias)] = true
	return c.AddWatchlist(ctx, alias, columns, list)
}
