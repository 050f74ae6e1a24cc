package investigation

import (
	"slices"
	"sort"
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
)

// profile is what was normal before the activity, and the deviation during it.
func (b *builder) profile(f *finding.Finding, rows []signIn, his []bool) Profile {
	p := Profile{FindingID: f.ID, User: f.User, UserID: f.UserID, Apps: []string{}, Resources: []string{}, UserAgents: []string{}, Networks: []string{}, Timeline: []Point{}}
	before, during := newTally(), newTally()
	points := map[string]*Point{}
	var order []string
	for i, r := range rows {
		hour := r.at.Truncate(time.Hour)
		key := hour.Format(time.RFC3339) + r.ip
		pt := points[key]
		if pt == nil {
			pt = &Point{Hour: hour, IP: r.ip}
			points[key] = pt
			order = append(order, key)
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
		if r.at.Before(f.FirstSeen) {
			before.add(r)
			if !r.interactive() {
				p.Hours[r.at.Hour()]++
			}
		} else if !r.at.After(f.LastSeen) {
			during.add(r)
		}
	}
	sort.Strings(order)
	for _, k := range order {
		p.Timeline = append(p.Timeline, *points[k])
	}
	p.DailyMedian, p.DailyMax = before.daily()
	p.Apps, p.Resources, p.UserAgents, p.Networks = keys(before.apps), keys(before.resources), keys(before.agents), keys(before.ips)
	_, most := during.daily()
	p.Deviation = []Deviation{
		{"silent sign-ins a day", p.DailyMedian, float64(most)},
		{"applications", float64(len(before.apps)), float64(len(union(before.apps, during.apps)))},
		{"resources", float64(len(before.resources)), float64(len(union(before.resources, during.resources)))},
		{"addresses", float64(len(before.ips)), float64(len(union(before.ips, during.ips)))},
		{"user agents", float64(len(before.agents)), float64(len(union(before.agents, during.agents)))},
	}
	return p
}

// tally counts the rows of a time.
type tally struct {
	days                         map[string]int64
	apps, resources, agents, ips map[string]bool
}

func newTally() *tally {
	m := func() map[string]bool { return map[string]bool{} }
	return &tally{map[string]int64{}, m(), m(), m(), m()}
}

func (t *tally) add(r signIn) {
	if !r.interactive() {
		t.days[r.at.Format("2006-01-02")]++
	}
	t.apps[r.appID] = true
	t.resources[r.resource] = true
	t.agents[r.agent] = true
	t.ips[r.ip] = true
}

// daily returns the median and the greatest count of a day.
func (t *tally) daily() (median float64, most int64) {
	var counts []int64
	for _, n := range t.days {
		counts = append(counts, n)
	}
	if len(counts) == 0 {
		return 0, 0
	}
	slices.Sort(counts)
	return float64(counts[len(counts)/2]), counts[len(counts)-1]
}

func union(a, b map[string]bool) map[string]bool {
	out := map[string]bool{}
	for k := range a {
		out[k] = true
	}
	for k := range b {
		out[k] = true
	}
	return out
}
