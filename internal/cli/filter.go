package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/view"
)

// filterFlags limit what a command looks at.
type filterFlags struct {
	users        []string
	since, until moment
}

// add adds the flags; the shell completes users from the case that e opens.
func (f *filterFlags) add(cmd *cobra.Command, e *evidenceFlags) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.users, "user", nil, "only this user (UPN or object id); repeatable")
	f.until.ends = true
	flags.Var(&f.since, "since", "only what happened at this time or later, such as 2026-03-18 or 2026-03-18T14:00:00Z")
	flags.Var(&f.until, "until", "only what happened at this time or before; a day is taken whole")
	_ = cmd.RegisterFlagCompletionFunc("user", e.completeUsers) // fails for unknown flags only
}

func (f *filterFlags) empty() bool { return len(f.users) == 0 && f.since.IsZero() && f.until.IsZero() }

func (f *filterFlags) filter() view.Filter {
	return view.Filter{Users: f.users, Since: f.since.Time, Until: f.until.Time}
}

// completeUsers completes the users of the case that --case names.
func (f *evidenceFlags) completeUsers(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	if f.caseDir == "" || !casefile.Exists(f.caseDir) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	f.meter = &meter{}
	c, err := f.openCase(cmd.Context(), true)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer func() { _ = c.Close() }()
	rows, err := view.Ask(cmd.Context(), c, "coverage.users", view.Filter{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var users []string
	if rows.Each(func(r *kql.Row) {
		if name := r.Text("Name"); name != "" {
			users = append(users, name)
		}
	}) != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return users, cobra.ShellCompDirectiveNoFileComp
}

// moment is a flag that takes a time; a time without a zone is UTC.
type moment struct {
	time.Time
	ends bool // something: a day is its last moment
}

// String, Set and Type make it a flag.
func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Set takes what KQL's datetime() takes.
func (m *moment) Set(s string) error {
	parse := schema.ParseDatetime
	if m.ends {
		parse = schema.ParseEnd
	}
	t, ok := parse(s)
	if !ok {
		return fmt.Errorf("takes a time such as 2026-03-18T14:00:00Z, not %q", s)
	}
	m.Time = t.Time()
	return nil
}

// Type names the value in the help.
func (m *moment) Type() string { return "time" }
