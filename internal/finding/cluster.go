package finding

import (
	"slices"
	"sort"
	"time"

	"github.com/replaytrace/replaytrace/internal/hunt"
)

// identity is a user: the name is only a label.
type identity struct{ tenant, user string }

// activity is what hunts say of one holder of one user's tokens.
type activity struct {
	identity
	spots        []string
	signals      []hunt.Signal
	explanations []hunt.Signal
}

// slack is how far apart in time a signal about a user and an activity may lie and still belong together.
const slack = 2 * time.Hour

// activities gathers the signals of each user by what they are about: those that share a spot belong together, and so
// do spots that a link names. Signals about the user as a whole join the activities of their time. The order of the
// input does not matter.
func activities(signals, explanations, links []hunt.Signal) []activity {
	users := map[identity]*grouping{}
	var order []identity
	add := func(list []hunt.Signal, put func(*grouping, hunt.Signal)) {
		for _, s := range list {
			id := identity{s.HomeTenantID, s.UserID}
			if users[id] == nil {
				users[id] = &grouping{parent: map[string]string{}}
				order = append(order, id)
			}
			put(users[id], s)
		}
	}
	add(signals, (*grouping).signal)
	add(links, (*grouping).link)
	add(explanations, func(g *grouping, s hunt.Signal) { g.explanations = append(g.explanations, s) })
	sort.Slice(order, func(i, j int) bool {
		return order[i].user < order[j].user || order[i].user == order[j].user && order[i].tenant < order[j].tenant
	})
	var out []activity
	for _, id := range order {
		out = append(out, users[id].activities(id)...)
	}
	return out
}

// grouping is a union-find over the spots of one user.
type grouping struct {
	parent       map[string]string
	spotted      []hunt.Signal
	whole        []hunt.Signal
	explanations []hunt.Signal
}

func (g *grouping) root(spot string) string {
	for g.parent[spot] != spot {
		g.parent[spot] = g.parent[g.parent[spot]]
		spot = g.parent[spot]
	}
	return spot
}

// join makes spots one; the least name is the root, so that the order of joins does not matter.
func (g *grouping) join(spots []string) {
	for _, s := range spots {
		if _, ok := g.parent[s]; !ok {
			g.parent[s] = s
		}
		a, b := g.root(spots[0]), g.root(s)
		g.parent[max(a, b)] = min(a, b)
	}
}

func (g *grouping) signal(s hunt.Signal) {
	if len(s.Spots) == 0 {
		g.whole = append(g.whole, s)
		return
	}
	g.join(s.Spots)
	g.spotted = append(g.spotted, s)
}

// link joins spots; it makes none, because what no signal speaks of is no activity.
func (g *grouping) link(s hunt.Signal) { g.join(s.Spots) }

func (g *grouping) activities(id identity) []activity {
	byRoot := map[string]*activity{}
	var roots []string
	for _, s := range g.spotted {
		root := g.root(s.Spots[0])
		if byRoot[root] == nil {
			byRoot[root] = &activity{identity: id}
			roots = append(roots, root)
		}
		byRoot[root].signals = append(byRoot[root].signals, s)
	}
	sort.Strings(roots)
	var out []activity
	for _, root := range roots {
		a := byRoot[root]
		a.spots = spotsOf(a.signals)
		for _, e := range g.explanations {
			if a.concerns(e) {
				a.explanations = append(a.explanations, e)
			}
		}
		out = append(out, *a)
	}
	return attach(out, id, g.whole)
}

// concerns reports whether an explanation is about the activity: about one of its spots, or about the user then.
func (a *activity) concerns(e hunt.Signal) bool {
	if len(e.Spots) == 0 {
		return a.meets(e)
	}
	return slices.ContainsFunc(a.spots, func(spot string) bool { return slices.Contains(e.Spots, spot) })
}

// meets reports whether a signal about the user as a whole falls into the activity's time.
func (a *activity) meets(s hunt.Signal) bool {
	first, last := span(a.signals)
	return !s.First.After(last.Add(slack)) && !s.Last.Before(first.Add(-slack))
}

// attach puts signals about a user as a whole to the activities of their time; what meets none is one of its own.
func attach(all []activity, id identity, whole []hunt.Signal) []activity {
	var alone []hunt.Signal
	for _, s := range whole {
		met := false
		for i := range all {
			if all[i].meets(s) {
				all[i].signals = append(all[i].signals, s)
				met = true
			}
		}
		if !met {
			alone = append(alone, s)
		}
	}
	if len(alone) > 0 {
		all = append(all, activity{identity: id, signals: alone})
	}
	return all
}

func spotsOf(signals []hunt.Signal) []string {
	seen := map[string]bool{}
	for _, s := range signals {
		for _, spot := range s.Spots {
			seen[spot] = true
		}
	}
	return sorted(seen)
}

// span is the time from the first to the last row that signals about spots name, or any signals where none is.
func span(signals []hunt.Signal) (first, last time.Time) {
	for _, wanted := range []bool{true, false} {
		for _, s := range signals {
			if wanted && len(s.Spots) == 0 {
				continue
			}
			if first.IsZero() || s.First.Before(first) {
				first = s.First
			}
			if s.Last.After(last) {
				last = s.Last
			}
		}
		if !first.IsZero() {
			break
		}
	}
	return first, last
}
