package tenant

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// workingHours are those of the organisation, in the time zone that the file names.
type workingHours struct {
	Days  []string `yaml:"days"`
	Start string   `yaml:"start"`
	End   string   `yaml:"end"`
}

// weekdays are the names of days, in the order of Kusto's dayofweek().
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

const (
	clock    = "15:04"
	midnight = "24:00" // the end of a day
)

// workingHours makes the watchlist WorkingHours: a row for each day, two where the hours go on beyond midnight.
func (c *Context) workingHours(h workingHours, zone string) error {
	if zone == "" {
		zone = "UTC"
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		return fmt.Errorf("timezone: %q is not the name of a time zone, such as Europe/London", zone)
	}
	if len(h.Days) == 0 && h.Start == "" && h.End == "" {
		return nil
	}
	if len(h.Days) == 0 {
		return errors.New("working_hours: days are missing, such as [mon, tue, wed, thu, fri]")
	}
	start, err := timeOfDay(h.Start)
	if err != nil {
		return err
	}
	end, err := timeOfDay(h.End)
	if err != nil {
		return err
	}
	t := Table{Columns: []string{"day", "start", "end", "timezone"}}
	for _, name := range h.Days {
		day := slices.Index(weekdays, strings.ToLower(name))
		if day < 0 {
			return fmt.Errorf("working_hours: %q is not a day: it is one of %s", name, strings.Join(weekdays, ", "))
		}
		until := end
		if end <= start {
			t.Rows = append(t.Rows, []string{weekdays[(day+1)%len(weekdays)], "00:00", end, zone})
			until = midnight
		}
		t.Rows = append(t.Rows, []string{weekdays[day], start, until, zone})
	}
	c.Watchlists["WorkingHours"] = t
	return nil
}

// timeOfDay is a time of day with two digits each, so that texts compare as times do.
func timeOfDay(text string) (string, error) {
	if text == midnight {
		return text, nil
	}
	at, err := time.Parse(clock, text)
	if err != nil {
		return "", fmt.Errorf("working_hours: %q is not a time of day, such as \"07:00\"", text)
	}
	return at.Format(clock), nil
}
