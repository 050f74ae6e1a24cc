package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/view"
)

// filterFlags limit what a command looks at.
type filterFlags struct {
	users        []string
	since, until moment
}

func (f *filterFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.users, "user", nil, "only this user (UPN or object id); repeatable")
	flags.Var(&f.since, "since", "only what happened at this time or later, such as 2026-03-18 or 2026-03-18T14:00:00Z")
	flags.Var(&f.until, "until", "only what happened at this time or before")
}

func (f *filterFlags) empty() bool { return len(f.users) == 0 && f.since.IsZero() && f.until.IsZero() }

func (f *filterFlags) filter() view.Filter {
	return view.Filter{Users: f.users, Since: f.since.Time, Until: f.until.Time}
}

// moment is a flag that takes a time; a time without a zone is UTC.
type moment struct{ time.Time }

// String, Set and Type make it a flag.
func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Set takes what KQL's datetime() takes.
func (m *moment) Set(s string) error {
	t, ok := schema.ParseDatetime(s)
	if !ok {
		return fmt.Errorf("takes a time such as 2026-03-18T14:00:00Z, not %q", s)
	}
	m.Time = t.Time()
	return nil
}

// Type names the value in the help.
func (m *moment) Type() string { return "time" }
