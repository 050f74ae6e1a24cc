package casefile

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// EventTimes are the columns that say when something happened, the best first.
var EventTimes = []string{"CreatedDateTime", "ActivityDateTime", "TimeGenerated"}

// eventTime is the SQL of a row's event time.
func eventTime(t *schema.Table) string {
	parts := []string{}
	for _, name := range EventTimes {
		if _, has := t.Column(name); has {
			parts = append(parts, quoteName(name))
		}
	}
	return "coalesce(" + strings.Join(append(parts, "CAST(NULL AS BIGINT)"), ", ") + ")"
}

// Anchor is what `latest` means for now().
type Anchor struct {
	Time    schema.Ticks
	Source  string // where it was taken from, in words
	Warning string // why a later value does not count, "" where none was passed over
}

// Latest is the newest event time in the evidence. A value that is more than 24 hours after all others is a clock gone
// wrong and does not count. ok is false when there is no event at all.
func (c *Case) Latest(ctx context.Context) (a Anchor, ok bool, err error) {
	var parts []string
	for _, t := range c.canonical() {
		parts = append(parts, "SELECT "+eventTime(t)+" AS t, "+quoteText(t.Name)+" AS source FROM "+quoteName(t.Name))
	}
	events := "(" + strings.Join(parts, " UNION ALL ") + ")"
	// The newest of all, and the newest of those before it: two passes over a column, instead of a sort.
	newest := "SELECT max(t) FROM " + events
	rows, err := c.Select(ctx, "SELECT t, min(source) FROM "+events+" WHERE t = ("+newest+") OR t = ("+newest+" WHERE t < ("+newest+")) GROUP BY t ORDER BY t DESC",
		[]schema.Column{{Name: "t", Type: schema.Datetime}, {Name: "source", Type: schema.String}})
	if err != nil || len(rows) == 0 {
		return Anchor{}, false, err
	}
	at := func(i int) (schema.Ticks, string) {
		t, _ := rows[i][0].(schema.Ticks)
		table, _ := rows[i][1].(string)
		return t, table
	}
	first, table := at(0)
	if len(rows) == 2 {
		if second, before := at(1); first-second > schema.Day {
			return Anchor{second, "the newest event, in " + before, fmt.Sprintf("an event in %s at %s is more than a day after all others: it is taken for a wrong clock's, and now() means the newest event before it; --as-of says otherwise", table, first.RFC3339())}, true, nil
		}
	}
	return Anchor{Time: first, Source: "the newest event, in " + table}, true, nil
}

// An Earlier is the case as questions see it to which now() is an earlier time, so that what they take from a number of
// days back is all that is there.
type Earlier struct {
	c   *Case
	Now schema.Ticks
}

// Query answers KQL like the case's own.
func (e *Earlier) Query(ctx context.Context, request kql.Request) (*kql.Rows, error) {
	return e.c.queryAt(ctx, request, e.Now)
}

// Reaching is the case to questions that look back for the given time, or nil where they see all events anyway. What is
// from before 1970 is a clock gone wrong and does not count.
func (c *Case) Reaching(ctx context.Context, back schema.Ticks) (*Earlier, error) {
	var parts []string
	for _, t := range c.canonical() {
		parts = append(parts, "SELECT "+eventTime(t)+" AS t FROM "+quoteName(t.Name))
	}
	epoch := schema.TicksOf(time.Unix(0, 0))
	rows, err := c.Select(ctx, fmt.Sprintf("SELECT min(t) FROM (%s) WHERE t >= %d", strings.Join(parts, " UNION ALL "), epoch), []schema.Column{{Name: "t", Type: schema.Datetime}})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	// A day less: what lies exactly as far back as a question looks is not looked at.
	if first, ok := rows[0][0].(schema.Ticks); ok && first <= c.asOf-back {
		return &Earlier{c, first + back - schema.Day}, nil
	}
	return nil, nil
}
