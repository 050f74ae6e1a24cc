package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/view"
)

// investigated are the steps that follow the findings on a user.
var investigated = []string{"timeline.addresses", "sessions.sessions", "baseline.users", "coverage.days"}

func newInvestigate(s Streams) *cobra.Command {
	f := &huntFlags{}
	f.also = func(ctx context.Context, p *page, c *casefile.Case) error {
		for _, name := range investigated {
			v, err := view.Load(name)
			if err != nil {
				return err
			}
			rows, err := v.Run(ctx, c, f.filter())
			if err != nil {
				return err
			}
			p.b.WriteByte('\n')
			p.text("", bold.Render(v.Title))
			p.rows(answered{v, name, rows}, f.verbose)
		}
		return nil
	}
	cmd := &cobra.Command{
		Use:   "investigate PATH... --user UPN",
		Short: "Everything about one user: findings, addresses, sessions, what is usual",
		Long: `investigate hunts as hunt does, keeps to the users named, and adds the single steps about them. In other formats than
table it prints the same document as hunt.`,
		Example: `  replaytrace investigate ./export --user r.williams@example.com
  replaytrace investigate --case case-2026-031 --user r.williams@example.com --report r.williams.html`,
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
