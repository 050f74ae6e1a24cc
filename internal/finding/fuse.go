package finding

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/hunt"
)

// Candidate is one activity with all that speaks for and against it, whatever its score: what a verdict is made of, and
// what the weights are calibrated on.
type Candidate struct {
	HomeTenantID, UserID, User string
	Spots                      []string // the presences it is about, sorted
	First, Last                time.Time
	LogOdds                    float64
	Conclusive                 bool     // one of its signals is conclusive
	Hinted                     bool     // all of its signals only hint
	Signals                    []Signal // what speaks for a replayed token, the weightiest first
	Benign                     []Signal // the explanations that hold, their weights below zero
	named                      *sets
}

// Score is 100 times the probability under the stated prior, rounded.
func (c *Candidate) Score() int { return score(c.LogOdds) }

func score(logOdds float64) int { return int(math.Round(100 * Probability(logOdds))) }

// Weigh makes the candidates of signals: one per user and activity. Links say which spots are one holder's.
func Weigh(signals, explanations, links []hunt.Signal, w Weights) []Candidate {
	var out []Candidate
	for _, a := range activities(signals, explanations, links) {
		out = append(out, weigh(&a, &w))
	}
	return out
}

// Judge splits candidates into findings and those that a benign explanation keeps from being one. What is likely or
// confirmed is so under the stated prior, whatever befell others; what the case makes more probable is worth a call, and
// its score stays below what a likely one has, and near the least of all where nothing but the case raises it over that. What
// only hints speak of needs more than that: every traveller would be next.
func Judge(candidates []Candidate, prior Prior, w Weights) (findings []Finding, explained []Explained) {
	for i := range candidates {
		c := &candidates[i]
		stated, score := c.Score(), score(c.LogOdds+prior.raise())
		switch {
		case stated >= w.Verdicts.Confirmed && c.Conclusive:
			findings = append(findings, c.finding(Confirmed, score))
		case stated >= w.Verdicts.Likely:
			findings = append(findings, c.finding(Likely, score))
		case stated >= w.Verdicts.Suspicious, score >= w.Verdicts.Suspicious && !c.Hinted, score >= w.Hinted:
			if stated < w.Verdicts.Suspicious {
				score = w.lifted(score)
			}
			findings = append(findings, c.finding(Suspicious, min(score, w.Verdicts.Likely-1)))
		case c.without() >= w.Verdicts.Suspicious:
			explained = append(explained, c.explained())
		}
	}
	sort.SliceStable(findings, func(i, j int) bool {
		a, b := &findings[i], &findings[j]
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.User, b.User), a.FirstSeen.Compare(b.FirstSeen), cmp.Compare(a.ID, b.ID)) < 0
	})
	sort.SliceStable(explained, func(i, j int) bool { return explained[i].User < explained[j].User })
	return findings, explained
}

// without is the score that the candidate would have if no explanation held.
func (c *Candidate) without() int {
	odds := c.LogOdds
	for _, b := range c.Benign {
		odds -= b.Weight
	}
	return score(odds)
}

// hints are the strengths that tie nothing together: what only tells a fact does so no more than what only hints.
var hints = map[hunt.Strength]bool{hunt.Contextual: true, hunt.Weak: true, hunt.Moderate: true}

// weigh adds the evidence up. In a family the strongest signal counts in full, further ones a little, and the family as
// a whole not more than its cap. An explanation counts by the share of the rows that it covers, and so, by the root of
// theirs, do signals where all of them only hint (one that excludes what it covers, by its share of what is proved): else what is odd about each of a dozen places adds up to a theft, though
// each place has its own explanation. What a strong signal proves of one place, it proves of whoever holds the others.
func weigh(a *activity, w *Weights) Candidate {
	c := Candidate{HomeTenantID: a.tenant, UserID: a.user, LogOdds: w.Prior, named: newSets()}
	excused := a.excused()
	unexcused := unexcused(a.signals, excused)
	spots, about := a.left(excused)
	c.Spots = spots
	c.First, c.Last = span(about)
	for _, s := range about {
		c.named.add(s)
	}
	all := newSets()
	for _, s := range a.signals {
		all.add(s)
		c.User = cmp.Or(c.User, s.User)
	}
	groups := byHunt(unexcused, w)
	c.Hinted = !slices.ContainsFunc(groups, func(g group) bool { return !hints[g.strength] })
	if c.Hinted {
		for i := range groups {
			groups[i].weight *= math.Sqrt(groups[i].share(all.counted))
		}
		weightiestFirst(groups)
	}
	families := map[string]float64{}
	for _, g := range groups {
		weight := g.weight
		if _, spoken := families[g.hunt.Family]; spoken {
			weight *= w.Repeat
		}
		weight = max(min(weight, w.Caps[g.hunt.Family]-families[g.hunt.Family]), 0)
		families[g.hunt.Family] += weight
		c.LogOdds += weight
		c.Conclusive = c.Conclusive || g.strength == hunt.Conclusive
		c.Signals = append(c.Signals, g.signal(weight))
	}
	proved := proved(unexcused, all.counted)
	for _, g := range byHunt(a.explanations, w) {
		rows := all.counted
		if g.strength == hunt.Excluding {
			rows = proved
		}
		weight := g.weight * g.share(rows)
		c.LogOdds += weight
		c.Benign = append(c.Benign, g.signal(weight))
	}
	return c
}

// excused are the spots that an explanation leaves nothing of.
func (a *activity) excused() map[string]bool {
	excused := map[string]bool{}
	for _, e := range a.explanations {
		for _, spot := range e.Spots {
			excused[spot] = excused[spot] || e.Strength == hunt.Excluding
		}
	}
	return excused
}

// onlyOf says whether a signal speaks of spots, and of these alone.
func onlyOf(s *hunt.Signal, spots map[string]bool) bool {
	return len(s.Spots) > 0 && !slices.ContainsFunc(s.Spots, func(spot string) bool { return !spots[spot] })
}

// unexcused are the signals, of which those are mere context that speak of nothing but excused spots: the shell in the
// portal needs no proof of a stolen code, whatever else its user did elsewhere.
func unexcused(signals []hunt.Signal, excused map[string]bool) []hunt.Signal {
	out := slices.Clone(signals)
	for i := range out {
		if onlyOf(&out[i], excused) {
			out[i].Strength = hunt.Contextual
		}
	}
	return out
}

// left are the spots of an activity that are not excused and the signals that speak of them, for nobody is accused of what
// is explained; where nothing is left, the whole of it.
func (a *activity) left(excused map[string]bool) (spots []string, about []hunt.Signal) {
	spots = slices.DeleteFunc(slices.Clone(a.spots), func(spot string) bool { return excused[spot] })
	about = slices.DeleteFunc(slices.Clone(a.signals), func(s hunt.Signal) bool { return onlyOf(&s, excused) })
	if len(spots) == 0 || len(about) == 0 {
		return a.spots, a.signals
	}
	return spots, about
}

// proved are the rows of the spots of which a signal that is compelling or more speaks, all rows where none is. However
// much an explanation leaves nothing of elsewhere, it says nothing against such a signal here; of hints it does.
func proved(signals []hunt.Signal, rows map[string]int64) map[string]int64 {
	out := map[string]int64{}
	for _, s := range signals {
		if s.Strength != hunt.Compelling && s.Strength != hunt.Conclusive {
			continue
		}
		for _, spot := range s.Spots {
			out[spot] = rows[spot]
		}
	}
	if len(out) == 0 {
		return rows
	}
	return out
}

// group is what one hunt says of one activity.
type group struct {
	hunt     *hunt.Hunt
	strength hunt.Strength
	weight   float64
	signals  []hunt.Signal
}

// byHunt groups signals, the weightiest hunt first.
func byHunt(signals []hunt.Signal, w *Weights) []group {
	index := map[string]int{}
	var out []group
	for _, s := range signals {
		i, ok := index[s.Hunt.Signal]
		if !ok {
			i = len(out)
			index[s.Hunt.Signal] = i
			out = append(out, group{hunt: s.Hunt})
		}
		g := &out[i]
		if weight := w.of(&s); len(g.signals) == 0 || math.Abs(weight) > math.Abs(g.weight) {
			g.weight, g.strength = weight, s.Strength
		}
		g.signals = append(g.signals, s)
	}
	weightiestFirst(out)
	return out
}

func weightiestFirst(groups []group) {
	sort.Slice(groups, func(i, j int) bool {
		if a, b := math.Abs(groups[i].weight), math.Abs(groups[j].weight); a != b {
			return a > b
		}
		return groups[i].hunt.Signal < groups[j].hunt.Signal
	})
}

// share is how much of an activity the group is about, by the rows of its spots.
func (g *group) share(rows map[string]int64) float64 {
	var all, own int64
	about := map[string]bool{}
	for _, s := range g.signals {
		if len(s.Spots) == 0 {
			return 1
		}
		for _, spot := range s.Spots {
			about[spot] = true
		}
	}
	for spot, n := range rows {
		all += n
		if about[spot] {
			own += n
		}
	}
	return float64(own) / float64(max(all, 1))
}

// mostSentences bounds what a signal says about an activity of many spots.
const mostSentences = 3

func (g *group) signal(weight float64) Signal {
	h := g.hunt
	out := Signal{ID: h.Signal, Title: h.Name, Family: h.Family, Weight: math.Round(weight*100) / 100, Strength: string(g.strength), KQL: h.Query, EventIDs: []string{}}
	var sentences []string
	for _, s := range g.signals {
		if !slices.Contains(sentences, s.Evidence) {
			sentences = append(sentences, s.Evidence)
		}
		out.EventIDs = append(out.EventIDs, s.EventIDs...)
		if len(s.EventIDs) == 0 {
			out.spots = append(out.spots, s.Spots...)
		}
	}
	slices.Sort(out.EventIDs)
	out.EventIDs = slices.Compact(out.EventIDs)
	if more := len(sentences) - mostSentences; more > 0 {
		sentences = append(sentences[:mostSentences], fmt.Sprintf("and %d more such", more))
	}
	out.Evidence = strings.Join(sentences, "; ")
	return out
}

func (c *Candidate) finding(v Verdict, score int) Finding {
	f := Finding{
		User: c.User, UserID: c.UserID, HomeTenantID: c.HomeTenantID, Verdict: v, Score: score, Spots: c.Spots,
		FirstSeen: c.First, LastSeen: c.Last, DurationSeconds: int64(c.Last.Sub(c.First).Seconds()), Signals: slices.Clone(c.Signals),
	}
	// Of a family that has reached its cap the later ones count less than their own weight.
	slices.SortStableFunc(f.Signals, func(a, b Signal) int { return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.ID, b.ID)) })
	for _, b := range c.Benign {
		outcome := Undecided
		if b.Strength == string(hunt.Excluding) {
			outcome = Accepted
		}
		f.Considered = append(f.Considered, Considered{Explanation: b.Title, Outcome: outcome, Because: b.Evidence})
	}
	c.named.fill(&f)
	f.ID = c.id()
	return f
}

// id is the same for the same evidence, whatever else is found in it.
func (c *Candidate) id() string {
	key := strings.Join([]string{c.HomeTenantID, c.UserID, strings.Join(c.Spots, ","), c.First.Format(time.RFC3339Nano)}, "|")
	sum := sha256.Sum256([]byte(key))
	return "F-" + hex.EncodeToString(sum[:5])
}

func (c *Candidate) explained() Explained {
	e := Explained{User: c.User, UserID: c.UserID, SourceIPs: sorted(c.named.ips), EventCount: int(c.named.count), Signals: []string{}}
	for _, s := range c.Signals {
		e.Signals = append(e.Signals, s.ID)
	}
	sort.Strings(e.Signals)
	var because []string
	for _, b := range c.Benign {
		because = append(because, b.Title+": "+b.Evidence)
	}
	e.Because = strings.Join(because, "; ")
	return e
}
