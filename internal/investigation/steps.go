package investigation

import (
	"context"

	"github.com/replaytrace/replaytrace/internal/view"
)

// steps are those of the investigation of a user, in the order in which one takes them: the views that answer each. What is
// missing here is the findings' own: the conclusion (S16) stands before them all.
var steps = []struct {
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

// steps answers them for the users and the time asked for.
func (b *builder) steps(ctx context.Context) error {
	if !b.in.Steps {
		return nil
	}
	for _, step := range steps {
		for _, name := range step.views {
			v, err := view.Load(name)
			if err != nil {
				return err
			}
			rows, err := v.Run(ctx, b.in.Engine, view.Filter{Users: b.in.Users, Since: b.in.Since, Until: b.in.Until})
			if err != nil {
				return err
			}
			b.inv.Steps = append(b.inv.Steps, Step{ID: step.id, View: name, Title: v.Title, Question: v, Answer: rows})
		}
	}
	return nil
}
