package casefile

import (
	"context"
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// eventTimes are the columns that say when something happened, the best first.
var eventTimes = []string{"CreatedDateTime", "ActivityDateTime", "TimeGenerated"}

// Latest is the newest event time in the evidence. A value that is more than 24 hours after all others is a clock gone
// wrong and does not count. ok is false when there is no event at all.
func (c *Case) Latest(ctx context.Context) (t schema.Ticks, source string, ok bool, err error) {
	var parts []string
	for _, name := range c.TableNames() {
		table := c.tables[name]
		if table.Source == "" {
			continue
		}
		var found []string
		for _, col := range eventTimes {
			if _, has := table.Column(col); has {
				found = append(found, quoteName(col))
			}
		}
		if len(found) > 0 {
			parts = append(parts, "SELECT coalesce("+strings.Join(found, ", ")+") AS t, "+quoteText(name)+" AS source FROM "+quoteName(name))
		}
	}
	rows, err := c.Select(ctx, "SELECT t, source FROM ("+strings.Join(parts, " UNION ALL ")+") WHERE t IS NOT NULL ORDER BY t DESC, source LIMIT 2",
		[]schema.Column{{Name: "t", Type: schema.Datetime}, {Name: "source", Type: schema.String}})
	if err != nil || len(rows) == 0 {
		return 0, "", false, err
	}
	first := rows[0][0].(schema.Ticks)
	if len(rows) == 2 {
		if second := rows[1][0].(schema.Ticks); first-second > schema.Day {
			return second, fmt.Sprintf("the newest event, in %s; one at %s is more than a day after all others and does not count", rows[1][1], first.RFC3339()), true, nil
		}
	}
	return first, fmt.Sprintf("the newest event, in %s", rows[0][1]), true, nil
}
