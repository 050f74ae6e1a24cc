package casefile

import (
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
			if err := c.giveWatchlist(ctx, asName(alias), rows[:n]); err != nil {
				return fmt.Errorf("watchlist %s: %w", alias, err)
			}
		}
		rows = rows[n:]
	}
	return nil
}

// giveWatchlist makes one list of its items. The columns are those of all items, in the order in which they come.
func (c *Case) giveWatchlist(ctx context.Context, alias string, items [][]schema.Value) error {
	index := map[string]int{} // of the columns, by their names in lower case
	var columns []string
	var list [][]string
	for _, item := range items {
		text, _ := item[1].(string)
		members, ok := membersOf(text)
		if !ok { // it stands in the table Watchlist, for who looks for it
			continue
		}
		row := make([]string, len(columns))
		for _, m := range members {
			at, known := index[strings.ToLower(m.name)]
			if !known {
				at = len(columns)
				index[strings.ToLower(m.name)] = at
				columns, row = append(columns, m.name), append(row, "")
			}
			if json.Unmarshal(m.value, &row[at]) != nil {
				row[at] = string(m.value)
			}
		}
		list = append(list, row)
	}
	for i := range list {
		list[i] = append(list[i], make([]string, len(columns)-len(list[i]))...)
	}
	c.given[strings.ToLower(alias)] = true
	return c.AddWatchlist(ctx, alias, columns, list)
}

// member is a name of a JSON object and its value.
type member struct {
	name  string
	value json.RawMessage
}

// asName is a text as SQL can have it for a name.
func asName(text string) string { return strings.ReplaceAll(text, "\x00", "\ufffd") }

// membersOf are the members of an object in their order; ok is false for a text that is none.
func membersOf(text string) (members []member, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, false
		}
		text, _ := name.(string)
		members = append(members, member{asName(text), value})
	}
	return members, true
}
