package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/hunt"
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
	flags.StringArrayVar(&f.users, "user", nil, "only the user of this `UPN` or object id; repeatable")
	f.until.ends = true
	flags.Var(&f.since, "since", "only what happened at this time or later, such as 2026-03-18 or 2026-03-18T14:00:00Z")
	flags.Var(&f.until, "until", "only what happened at this time or before; a day is taken whole")
	_ = cmd.RegisterFlagCompletionFunc("user", e.completeUsers) // fails for unknown flags only
}

func (f *filterFlags) empty() bool { return len(f.users) == 0 && f.since.IsZero() && f.until.IsZero() }

// check refuses a time that ends before it begins.
func (f *filterFlags) check() error {
	if !f.since.IsZero() && !f.until.IsZero() && f.until.Before(f.since.Time) {
		return &exit{exitUsage, fmt.Errorf("--until %s is before --since %s", f.until.String(), f.since.String())}
	}
	return nil
}

// absent are the users asked for who do not occur in the evidence, each with those who may be meant. Of them nothing is found,
// and that says nothing.
func (f *filterFlags) absent(ctx context.Context, engine hunt.Engine) (absent []string, near map[string][]string, err error) {
	if len(f.users) == 0 {
		return nil, nil, nil
	}
	rows, err := view.Ask(ctx, engine, "tenant.names", view.Filter{})
	if err != nil {
		return nil, nil, err
	}
	var names []string
	if err := rows.Each(func(r *kql.Row) { names = append(names, r.Text("Named")) }); err != nil {
		return nil, nil, err
	}
	near = map[string][]string{}
	for _, user := range f.users {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, user) }) {
			absent, near[user] = append(absent, user), meant(user, names)
		}
	}
	return absent, near, nil
}

// meant are up to three users whose names are near what was typed, or have it as a part.
func meant(typed string, names []string) (near []string) {
	const most = 3
	if name := diag.Suggest(typed, names); name != "" {
		near = append(near, name)
	}
	part, _, _ := strings.Cut(strings.ToLower(typed), "@")
	for _, name := range names {
		if len(near) < most && len(part) > 2 && strings.Contains(strings.ToLower(name), part) && !slices.Contains(near, name) {
			near = append(near, name)
		}
	}
	return near
}

// tell says which of the users asked for do not occur, and reports whether none does.
func (f *filterFlags) tell(ctx context.Context, s Streams, engine hunt.Engine) (nobody bool, err error) {
	absent, near, err := f.absent(ctx, engine)
	for _, user := range absent {
		hint := ""
		if len(near[user]) > 0 {
			hint = ": did you mean " + strings.Join(near[user], ", ") + "?"
		}
		say(s.Err, "%s does not occur in the evidence%s\n", user, hint)
	}
	return len(absent) > 0 && len(absent) == len(f.users), err
}

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
		return errors.New("takes a day or a time, such as 2026-03-18 or 2026-03-18T14:00:00Z")
	}
	m.Time = t.Time()
	return nil
}

// Type names the value in the help.
func (m *moment) Type() string { return "time" }
