package cli

import (
	"errors"
	"io"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/finding"
)

// candidate is one line of --candidates: an activity with all that speaks for and against it, whatever its score.
type candidate struct {
	User       string      `json:"user"`
	UserID     string      `json:"user_id"`
	Spots      []string    `json:"spots"` // the presences that it is about
	First      string      `json:"first"`
	Last       string      `json:"last"`
	Score      int         `json:"score"`
	LogOdds    float64     `json:"log_odds"`
	Conclusive bool        `json:"conclusive"`
	Signals    []statement `json:"signals"`
	Benign     []statement `json:"benign"`
}

// statement is what one hunt says of a candidate.
type statement struct {
	ID       string   `json:"id"`
	Family   string   `json:"family"`
	Strength string   `json:"strength"`
	Weight   float64  `json:"weight"`
	Evidence string   `json:"evidence"`
	EventIDs []string `json:"event_ids"`
}

func statements(signals []finding.Signal) []statement {
	out := []statement{}
	for _, s := range signals {
		out = append(out, statement{s.ID, s.Family, s.Strength, s.Weight, s.Evidence, s.EventIDs})
	}
	return out
}

// keepCandidates returns what writes the candidates of a run to the file that --candidates names, and the error of it.
func (f *huntFlags) keepCandidates() (func([]finding.Candidate), func() error) {
	if f.candidates == "" {
		return nil, func() error { return nil }
	}
	err := errors.New("the run made no candidates")
	return func(all []finding.Candidate) {
		err = casefile.WriteFile(f.candidates, func(w io.Writer) error {
			lines := escape.Lines(w)
			for i := range all {
				c := &all[i]
				if err := lines.Encode(candidate{
					c.User, c.UserID, c.Spots, c.First.Format(timeFormat), c.Last.Format(timeFormat), c.Score(), c.LogOdds, c.Conclusive, statements(c.Signals), statements(c.Benign),
				}); err != nil {
					return err
				}
			}
			return nil
		})
	}, func() error { return err }
}

// timeFormat is RFC 3339 with as many digits as there are.
const timeFormat = "2006-01-02T15:04:05.9999999Z07:00"
