package cli

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/investigation"
)

func newInvestigate(s Streams) *cobra.Command {
	f := &huntFlags{steps: true}
	cmd := &cobra.Command{
		Use:   "investigate PATH... --user UPN",
		Short: "Everything about one user: findings, networks, sessions, applications, what persists, what to ask",
		Long: `investigate hunts as hunt does, keeps to the users named, and answers the steps of an investigation: what the evidence has,
what is usual, strange networks and their sign-ins, sessions and how they began, renewals, applications, consents, added
methods and devices, mailbox rules, what was done against it and who succeeded afterwards, Microsoft's detections, what was
read, the order of events, and what to ask the user. In JSON the answers are the document's "steps".`,
		Example: `  replaytrace investigate ./export --user r.williams@example.com
  replaytrace investigate --case case-2026-031 --user r.williams@example.com --report r.williams.html
  replaytrace investigate --case case-2026-031 --user r.williams@example.com --since 2026-03-18 --format json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(f.users) == 0 {
				return &exit{exitUsage, errors.New("--user is missing: name the user by UPN or object id")}
			}
			return f.run(cmd.Context(), s, args)
		},
	}
	f.add(cmd, "table")
	return cmd
}

// render makes of the answers what the outputs hold of them. With one user, who a row is about has been said.
func render(steps []investigation.Step, one bool) {
	for i := range steps {
		s := &steps[i]
		if one {
			s.Question.Columns = slices.DeleteFunc(s.Question.Columns, func(c string) bool { return c == "User" })
		}
		a := answered{s.Question, s.ID, s.Answer}
		s.Rows = a.objects()
		s.Head, s.Cells = a.shown(len(s.Answer.Rows), full)
	}
}

// steps prints the answers for people.
func (p *page) steps(steps []investigation.Step, all bool) {
	for i := range steps {
		s := &steps[i]
		p.b.WriteByte('\n')
		p.text("", bold.Render(s.ID+"  "+s.Title))
		p.rows(answered{s.Question, s.ID, s.Answer}, all)
	}
}
