package investigation

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/view"
)

// profiles adds what was normal before each activity, and the deviation during it.
func (b *builder) profiles(ctx context.Context, findings []finding.Finding, rows map[string][]signIn, his [][]bool) error {
	type activity struct {
		Finding  int
		UserID   string `json:"UserId"`
		From, To time.Time
	}
	var about []activity
	made := make([]Profile, len(findings))
	for i := range findings {
		f := &findings[i]
		about = append(about, activity{i, f.UserID, f.FirstSeen, f.LastSeen})
		made[i] = Profile{FindingID: f.ID, User: f.User, UserID: f.UserID, Apps: []string{}, Resources: []string{}, UserAgents: []string{}, Networks: []string{}}
		made[i].draw(f, rows[f.UserID], his[i])
	}
	got, err := b.ask(ctx, "finding.profile", view.Filter{Given: about})
	if err != nil {
		return err
	}
	if err := got.Each(func(r *kql.Row) { made[r.Number("Finding")].describe(r) }); err != nil {
		return err
	}
	b.inv.Profiles = append(b.inv.Profiles, made...)
	return nil
}

// describe takes what the evidence says is normal.
func (p *Profile) describe(r *kql.Row) {
	p.DailyMedian, p.DailyMax = float64(r.Number("MedianPerDay")), r.Number("MostPerDay")
	p.Deviation = []Deviation{{"silent sign-ins a day", p.DailyMedian, float64(r.Number("MostDuring"))}}
	for _, x := range []struct {
		measure, column string
		list            *[]string
	}{{"applications", "Applications", &p.Apps}, {"resources", "Resources", &p.Resources}, {"addresses", "Addresses", &p.Networks}, {"user agents", "UserAgents", &p.UserAgents}} {
		_ = json.Unmarshal(r.JSON(x.column), x.list) // a list of texts, as the view makes it
		p.Deviation = append(p.Deviation, Deviation{x.measure, float64(len(*x.list)), float64(r.Number(x.column + "With"))})
	}
}

// draw makes the points of the chart, in which the attacker's rows are told apart, and the hours of the day.
func (p *Profile) draw(f *finding.Finding, rows []signIn, his []bool) {
	type place struct {
		hour time.Time
		ip   string
	}
	points := map[place]*Point{}
	for i := range rows {
		r := &rows[i]
		at := place{r.at.Truncate(time.Hour), r.ip}
		pt := points[at]
		if pt == nil {
			pt = &Point{Hour: at.hour, IP: at.ip}
			points[at] = pt
		}
		switch {
		case r.result != "0":
			pt.Failed++
		case r.interactive():
			pt.Interactive++
		default:
			pt.Silent++
		}
		if his[i] {
			pt.Attacker++
		}
		if !r.interactive() && r.at.Before(f.FirstSeen) {
			p.Hours[r.at.Hour()]++
		}
	}
	p.Timeline = []Point{}
	for _, pt := range points {
		p.Timeline = append(p.Timeline, *pt)
	}
	slices.SortFunc(p.Timeline, func(a, b Point) int { return cmp.Or(a.Hour.Compare(b.Hour), cmp.Compare(a.IP, b.IP)) })
}
