package hunt

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// column is one that the rows of a signal, an explanation or a link have, and what of a Signal it is.
type column struct {
	schema.Column
	optional bool
	of       func(*Signal) any
}

// columns are all of them: Lint holds a rule to them, and Run reads them.
var columns = []column{
	{schema.Column{Name: "HomeTenantId", Type: schema.String}, false, func(s *Signal) any { return &s.HomeTenantID }},
	{schema.Column{Name: "UserId", Type: schema.String}, false, func(s *Signal) any { return &s.UserID }},
	{schema.Column{Name: "UserPrincipalName", Type: schema.String}, false, func(s *Signal) any { return &s.User }},
	{schema.Column{Name: "IPAddress", Type: schema.String}, false, func(s *Signal) any { return &s.IP }},
	{schema.Column{Name: "FirstSeen", Type: schema.Datetime}, false, func(s *Signal) any { return &s.First }},
	{schema.Column{Name: "LastSeen", Type: schema.Datetime}, false, func(s *Signal) any { return &s.Last }},
	{schema.Column{Name: "EventCount", Type: schema.Long}, false, func(s *Signal) any { return &s.Count }},
	{schema.Column{Name: "Evidence", Type: schema.String}, false, func(s *Signal) any { return &s.Evidence }},
	{schema.Column{Name: "Spots", Type: schema.Dynamic}, true, func(s *Signal) any { return &s.Spots }},
	{schema.Column{Name: "EventIds", Type: schema.Dynamic}, true, func(s *Signal) any { return &s.EventIDs }},
	{schema.Column{Name: "Strength", Type: schema.String}, true, func(s *Signal) any { return &s.Strength }},
	{schema.Column{Name: "SessionIds", Type: schema.Dynamic}, true, func(s *Signal) any { return &s.SessionIDs }},
	{schema.Column{Name: "AppIds", Type: schema.Dynamic}, true, func(s *Signal) any { return &s.AppIDs }},
	{schema.Column{Name: "Resources", Type: schema.Dynamic}, true, func(s *Signal) any { return &s.Resources }},
	{schema.Column{Name: "UserAgents", Type: schema.Dynamic}, true, func(s *Signal) any { return &s.UserAgents }},
}

// misfits says which columns of an answer the hunt's rows cannot be read from. One of the wrong type would read as empty, and
// a signal without its spots is another one: about the user as a whole.
func (h *Hunt) misfits(have []schema.Column) []string {
	var out []string
	for _, want := range columns {
		switch at := slices.IndexFunc(have, func(c schema.Column) bool { return c.Name == want.Name }); {
		case at < 0 && !want.optional:
			out = append(out, fmt.Sprintf("the result has no column %s, which the rows of a %s have", want.Name, h.Role))
		case at >= 0 && have[at].Type != want.Type:
			out = append(out, fmt.Sprintf("the column %s is of type %s and should be %s", want.Name, have[at].Type, want.Type))
		}
	}
	return out
}

// signal reads a row of an answer without misfits.
func (h *Hunt) signal(r *kql.Row) (s Signal, err error) {
	s = Signal{Hunt: h, Strength: h.Strength}
	for _, c := range columns {
		if c.optional && !r.Has(c.Name) {
			continue
		}
		switch to := c.of(&s).(type) {
		case *string:
			*to = r.Text(c.Name)
		case *Strength: // the file's, where the row says none
			*to = cmp.Or(Strength(r.Text(c.Name)), *to)
		case *int64:
			*to = r.Number(c.Name)
		case *time.Time:
			*to = r.Time(c.Name)
		case *[]string:
			list, wrong := list(r.JSON(c.Name))
			if wrong != nil {
				err = cmp.Or(err, fmt.Errorf("the column %s: %w", c.Name, wrong))
			}
			*to = list
		}
	}
	return s, cmp.Or(err, h.Role.admits(s.Strength))
}

// list reads an array of strings, sorted, without empty ones; none of null.
func list(text json.RawMessage) (out []string, err error) {
	var all []string
	if len(text) > 0 {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("a cell is no list of texts: %w", err)
	}
	for _, s := range all {
		if s != "" {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out, nil
}
