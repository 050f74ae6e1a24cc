package cli

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/investigation"
	"github.com/replaytrace/replaytrace/internal/view"
)

// investigated are the steps about a user, in the order in which an investigation takes them: the views that answer each.
// What is missing here is the findings' own: the conclusion (S16) stands before them all.
var investigated = []struct {
	id    string
	views []string
}{
	{"S00", []string{"coverage.tables", "coverage.columns"}},
	{"S01", []string{"coverage.days"}},
	{"S02", []string{"baseline.users"}},
	{"S03", []string{"investigate.networks", "timeline.addresses"}},
	{"S04", []string{"investigate.rows"}},
	{"S05", []string{"investigate.sessions"}},
	{"S06", []string{"investigate.roots"}},
	{"S07", []string{"investigate.renewals"}},
	{"S08", []string{"investigate.applications"}},
	{"S09", []string{"investigate.consents"}},
	{"S10", []string{"investigate.credentials"}},
	{"S11", []string{"investigate.mailbox"}},
	{"S12", []string{"investigate.controls"}},
	{"S13", []string{"investigate.risks"}},
	{"S14", []string{"investigate.access"}},
	{"S15", []string{"investigate.timeline"}},
	{"S17", []string{"investigate.questions"}},
}

func newInvestigate(s Streams) *cobra.Command {
	f := &huntFlags{}
	var answers []answered
	f.further = func(ctx context.Context, engine hunt.Engine, inv *investigation.Investigation) error {
		for _, step := range investigated {
			for _, name := range step.views {
				v, err := view.Load(name)
				if err != nil {
					return err
				}
				if len(f.users) == 1 { // who it is about has been said
					v.Columns = slices.DeleteFunc(v.Columns, func(c string) bool { return c == "User" })
				}
				rows, err := v.Run(ctx, engine, f.filter())
				if err != nil {
					return err
				}
				a := answered{v, step.id, rows}
				answers = append(answers, a)
				head, cells := a.shown(len(rows.Rows), full)
				inv.Steps = append(inv.Steps, investigation.Step{ID: step.id, View: name, Title: v.Title, Rows: json.RawMessage(a.objects()), Head: head, Cells: cells})
			}
		}
		return nil
	}
	f.also = func(p *page) {
		for _, a := range answers {
			p.b.WriteByte('\n')
			p.text("", bold.Render(a.part+"  "+a.Title))
			p.rows(a, f.verbose)
		}
	}
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
