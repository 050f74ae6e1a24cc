// Package calibrate owns the fitting of the fusion's weights: from activities of synthetic tenants, each labelled an
// attack or not, to weights under which a score is a probability. A weight is counted: how much more often a hunt speaks
// of victims than of others, starting at the catalogue's word.
package calibrate

import (
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/quality"
)

// belief is the catalogue's word in people: so many victims are imagined of whom a hunt spoke, and as many others as its
// word says to a like number of people. Counts of a handful move a weight a little, counts of hundreds as far as they must.
const belief = 7.0

// Set is the people of several tenants with their activities, in the fusion's own terms. The prior is about people, so
// people are what is counted: a person is as suspicious as the worst of the activities.
type Set struct {
	Users, Incidents int
	people           []person
}

// person is one user: of a victim the activities of attackers, of anybody else all of them.
type person struct {
	attack bool
	acts   []activity
}

// activity is what was said for and against.
type activity struct{ signals, benign []hunt.Signal }

// Load makes a set of samples. Hunts are those whose statements the samples hold; statements of others are left out. A
// victim of whose attack nothing was weighed teaches nothing about weights.
func Load(samples []quality.Sample, hunts []hunt.Hunt, w *finding.Weights) Set {
	byID := map[string]*hunt.Hunt{}
	for i := range hunts {
		byID[hunts[i].Signal] = &hunts[i]
	}
	var set Set
	for _, s := range samples {
		set.Users += s.Users
		set.Incidents += s.Incidents
		set.people = append(set.people, people(&s, byID, w)...)
	}
	return set
}

func people(s *quality.Sample, hunts map[string]*hunt.Hunt, w *finding.Weights) []person {
	attacked := map[string]bool{}
	for i := range s.Candidates {
		c := &s.Candidates[i]
		attacked[c.UserID] = attacked[c.UserID] || c.Attack
	}
	index := map[string]int{}
	var out []person
	for i := range s.Candidates {
		c := &s.Candidates[i]
		if attacked[c.UserID] != c.Attack || !c.Attack && slices.Contains(s.Victims, c.User) {
			continue
		}
		at, known := index[c.UserID]
		if !known {
			at = len(out)
			index[c.UserID] = at
			out = append(out, person{attack: c.Attack})
		}
		out[at].acts = append(out[at].acts, read(c, hunts, w))
	}
	return out
}

// grain is into how many spots an activity is divided to say which share of it an explanation covers.
const grain = 20

func read(c *quality.Candidate, hunts map[string]*hunt.Hunt, w *finding.Weights) activity {
	var out activity
	var spots []string
	for i := range grain {
		spots = append(spots, strconv.Itoa(i))
	}
	for _, s := range c.Signals {
		if h := hunts[s.ID]; h != nil {
			out.signals = append(out.signals, hunt.Signal{Hunt: h, UserID: "u", Strength: hunt.Strength(s.Strength), Spots: spots})
		}
	}
	for _, s := range c.Benign {
		h, full := hunts[s.ID], w.Explanations[hunt.Strength(s.Strength)]
		if h == nil || full == 0 {
			continue
		}
		covered := int(math.Round(grain * max(0, min(1, s.Weight/full))))
		if covered > 0 {
			out.benign = append(out.benign, hunt.Signal{Hunt: h, UserID: "u", Strength: hunt.Strength(s.Strength), Spots: spots[:covered]})
		}
	}
	return out
}

// People are how many people the set can teach of: victims and others.
func (s *Set) People() (victims, others int) {
	for i := range s.people {
		if s.people[i].attack {
			victims++
		} else {
			others++
		}
	}
	return victims, others
}

// odds is the log-odds that a person of the set was attacked.
func (s *Set) odds() float64 {
	return math.Log(float64(max(s.Incidents, 1)) / float64(max(s.Users-s.Incidents, 1)))
}

// probability is what the fusion says of a person in a world in which attacks are as frequent as in the set.
func (s *Set) probability(p *person, w *finding.Weights) float64 {
	worst := math.Inf(-1)
	for i := range p.acts {
		for _, c := range finding.Weigh(p.acts[i].signals, p.acts[i].benign, nil, *w) {
			worst = max(worst, c.LogOdds-w.Prior)
		}
	}
	return finding.Probability(max(worst, 0) + s.odds())
}

// loss is the surprise of the truth, in nats, over some people.
func (s *Set) loss(people []int, w *finding.Weights) float64 {
	sum := 0.0
	for _, i := range people {
		p := s.probability(&s.people[i], w)
		if !s.people[i].attack {
			p = 1 - p
		}
		sum -= math.Log(max(p, 1e-12))
	}
	return sum
}

// LogLoss is the mean surprise per person.
func (s *Set) LogLoss(w *finding.Weights) float64 {
	all := make([]int, len(s.people))
	for i := range all {
		all[i] = i
	}
	return s.loss(all, w) / float64(max(len(s.people), 1))
}

// Count is of how many people hunts spoke: victims and others.
type Count struct{ Victims, Others int }

// Counts are of how many people each signal spoke, by its id and strength, and of how many each family spoke twice or more.
type Counts struct{ Signals, Twice map[string]Count }

// Counts counts them.
func (s *Set) Counts() Counts {
	out := Counts{Signals: map[string]Count{}, Twice: map[string]Count{}}
	for i := range s.people {
		said, twice := map[string]bool{}, map[string]bool{}
		for k := range s.people[i].acts {
			families := map[string]int{}
			for _, signal := range s.people[i].acts[k].signals {
				families[signal.Hunt.Family]++
				said[finding.Graded(signal.Hunt.Signal, signal.Strength)] = true
			}
			for family, n := range families {
				if n > 1 {
					twice[family] = true
				}
			}
		}
		s.people[i].count(said, out.Signals)
		s.people[i].count(twice, out.Twice)
	}
	return out
}

// count adds the person to the counts of what was said of them.
func (p *person) count(said map[string]bool, counts map[string]Count) {
	for name := range said {
		c := counts[name]
		if p.attack {
			c.Victims++
		} else {
			c.Others++
		}
		counts[name] = c
	}
}

// weight is the log of how much more often something is said of victims than of as many others, the catalogue's word
// counting as [belief] people. It never speaks for innocence.
func (s *Set) weight(c Count, catalogue float64) float64 {
	victims, others := s.People()
	alike := float64(c.Others) * float64(victims) / float64(max(others, 1))
	return max(0, math.Log((float64(c.Victims)+belief)/(alike+belief*math.Exp(-catalogue))))
}

// Fit counts the weights of signals and the caps of families. The same samples give the same weights. What hunts say twice
// is the fusion's to discount, by families: a factor for all would trade every quiet attack for a few false alarms.
func Fit(s *Set, hunts []hunt.Hunt, catalogue finding.Weights) finding.Weights {
	return s.counted(s.Counts(), hunts, catalogue)
}

// counted are the weights that the counts give. Families that spoke twice cannot say more than twice has been seen to mean,
// but as much as their weightiest hunt.
func (s *Set) counted(counts Counts, hunts []hunt.Hunt, catalogue finding.Weights) finding.Weights {
	w := catalogue
	w.Signals, w.Caps = maps.Clone(catalogue.Signals), maps.Clone(catalogue.Caps)
	if w.Signals == nil {
		w.Signals = map[string]float64{}
	}
	for family, limit := range catalogue.Caps {
		if c, counted := counts.Twice[family]; counted {
			w.Caps[family] = rounded(s.weight(c, limit))
		}
	}
	for i := range hunts {
		h := &hunts[i]
		if h.Role != hunt.RoleSignal {
			continue
		}
		for strength, word := range catalogue.Strengths {
			graded := finding.Graded(h.Signal, strength)
			c, counted := counts.Signals[graded]
			if !counted || word == 0 {
				continue
			}
			w.Signals[graded] = rounded(s.weight(c, word))
			w.Caps[h.Family] = max(w.Caps[h.Family], w.Signals[graded])
		}
	}
	return w
}

func rounded(x float64) float64 { return math.Round(x*100) / 100 }

// acts are all activities, each with the index of its person.
func (s *Set) acts() iter.Seq2[int, *activity] {
	return func(yield func(int, *activity) bool) {
		for i := range s.people {
			for k := range s.people[i].acts {
				if !yield(i, &s.people[i].acts[k]) {
					return
				}
			}
		}
	}
}
