package finding

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"sort"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/replaytrace/replaytrace/internal/hunt"
)

// Weights are the numbers of the fusion.
type Weights struct {
	Prior     float64
	Strengths map[string]float64
	Repeat    float64
	Verdicts  struct{ Confirmed, Likely, Suspicious int }
}

//go:embed weights.yaml
var weightsYAML []byte

// DefaultWeights are the weights that ship.
func DefaultWeights() (Weights, error) {
	var w Weights
	if err := yaml.UnmarshalWithOptions(weightsYAML, &w, yaml.Strict()); err != nil {
		return w, fmt.Errorf("read the weights: %w", err)
	}
	return w, nil
}

// Fuse weighs signals into findings: one per user and activity. Signals of one address belong together, and so do
// addresses of one user that share a session or an agent; signals about the user as a whole join where the times meet.
// What the explanations cover is returned apart.
func Fuse(signals, explanations []hunt.Signal, w Weights) (findings []Finding, explained []Explained) {
	for _, group := range cluster(signals) {
		f, conclusive := weigh(group, w)
		because := explain(group, explanations)
		if because != "" && !conclusive {
			explained = append(explained, explainedOf(group, because))
			continue
		}
		switch {
		case f.Score >= w.Verdicts.Confirmed && conclusive:
			f.Verdict = Confirmed
		case f.Score >= w.Verdicts.Likely:
			f.Verdict = Likely
		case f.Score >= w.Verdicts.Suspicious:
			f.Verdict = Suspicious
		default:
			explained = append(explained, explainedOf(group, "the signals are too weak: "+titles(group)))
			continue
		}
		findings = append(findings, f)
	}
	sort.SliceStable(findings, func(i, j int) bool {
		a, b := &findings[i], &findings[j]
		if a.Score != b.Score {
			return a.Score > b.Score
		}
		if a.User != b.User {
			return a.User < b.User
		}
		return a.FirstSeen.Before(b.FirstSeen)
	})
	sort.SliceStable(explained, func(i, j int) bool { return explained[i].User < explained[j].User })
	return findings, explained
}

type identity struct{ tenant, user string }

// cluster groups signals into activities.
func cluster(signals []hunt.Signal) [][]hunt.Signal {
	users := map[identity][]hunt.Signal{}
	var order []identity
	for _, s := range signals {
		id := identity{s.HomeTenantID, s.UserID}
		if _, ok := users[id]; !ok {
			order = append(order, id)
		}
		users[id] = append(users[id], s)
	}
	sort.Slice(order, func(i, j int) bool {
		return order[i].user < order[j].user || order[i].user == order[j].user && order[i].tenant < order[j].tenant
	})
	var out [][]hunt.Signal
	for _, id := range order {
		out = append(out, activities(users[id])...)
	}
	return out
}

func activities(signals []hunt.Signal) [][]hunt.Signal {
	var groups [][]hunt.Signal
	var whole []hunt.Signal
	for _, s := range signals {
		if s.IP == "" {
			whole = append(whole, s)
			continue
		}
		merged := []hunt.Signal{s}
		var rest [][]hunt.Signal
		for _, g := range groups {
			if related(g, s) {
				merged = append(g, merged...)
			} else {
				rest = append(rest, g)
			}
		}
		groups = append(rest, merged)
	}
	for _, s := range whole {
		for i, g := range groups {
			if first, last := span(g); !s.First.After(last) && !s.Last.Before(first) {
				groups[i] = append(g, s)
			}
		}
	}
	if len(groups) == 0 && len(whole) > 0 {
		groups = append(groups, whole)
	}
	return groups
}

// related reports whether a signal belongs to a group: the same address, or an agent or application that the group's
// conclusive signals have on another one.
func related(g []hunt.Signal, s hunt.Signal) bool {
	for _, o := range g {
		if o.IP == s.IP {
			return true
		}
		if o.Hunt.Strength == "conclusive" && s.Hunt.Strength == "conclusive" && overlap(o.UserAgents, s.UserAgents) {
			return true
		}
	}
	return false
}

func overlap(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}

func span(g []hunt.Signal) (first, last time.Time) {
	for _, s := range g {
		if first.IsZero() || s.First.Before(first) {
			first = s.First
		}
		if s.Last.After(last) {
			last = s.Last
		}
	}
	return first, last
}

// weigh adds the evidence up: per family the strongest signal counts in full, further ones a little.
func weigh(group []hunt.Signal, w Weights) (f Finding, conclusive bool) {
	byHunt := map[string][]hunt.Signal{}
	var ids []string
	for _, s := range group {
		if byHunt[s.Hunt.Signal] == nil {
			ids = append(ids, s.Hunt.Signal)
		}
		byHunt[s.Hunt.Signal] = append(byHunt[s.Hunt.Signal], s)
	}
	sort.Slice(ids, func(i, j int) bool {
		a, b := byHunt[ids[i]][0].Hunt, byHunt[ids[j]][0].Hunt
		if wa, wb := w.Strengths[a.Strength], w.Strengths[b.Strength]; wa != wb {
			return wa > wb
		}
		return a.Signal < b.Signal
	})
	total := w.Prior
	families := map[string]bool{}
	sets := newSets()
	for _, id := range ids {
		same := byHunt[id]
		h := same[0].Hunt
		weight := w.Strengths[h.Strength]
		if families[h.Family] {
			weight *= w.Repeat
		}
		families[h.Family] = true
		total += weight
		conclusive = conclusive || h.Strength == "conclusive"
		f.Signals = append(f.Signals, signalOf(same, weight))
		for _, s := range same {
			sets.add(s)
		}
	}
	f.User, f.UserID, f.HomeTenantID = group[0].User, group[0].UserID, group[0].HomeTenantID
	f.FirstSeen, f.LastSeen = spanOfRows(group)
	f.DurationSeconds = int64(f.LastSeen.Sub(f.FirstSeen).Seconds())
	f.Score = int(math.Round(100 / (1 + math.Exp(-total))))
	sets.fill(&f)
	key := sha256.Sum256([]byte(f.HomeTenantID + "|" + f.UserID + "|" + strings.Join(f.SourceIPs, ",") + "|" + f.FirstSeen.Format(time.RFC3339Nano)))
	f.ID = "F-" + hex.EncodeToString(key[:5])
	return f, conclusive
}

// spanOfRows is the time of the sign-in rows; signals about a user as a whole have wider times.
func spanOfRows(group []hunt.Signal) (first, last time.Time) {
	var rows []hunt.Signal
	for _, s := range group {
		if s.IP != "" {
			rows = append(rows, s)
		}
	}
	if len(rows) == 0 {
		rows = group
	}
	return span(rows)
}

func signalOf(same []hunt.Signal, weight float64) Signal {
	h := same[0].Hunt
	out := Signal{ID: h.Signal, Title: h.Name, Family: h.Family, Weight: math.Round(weight*100) / 100, Strength: h.Strength, KQL: h.Query, EventIDs: []string{}}
	seen := map[string]bool{}
	var sentences []string
	for _, s := range same {
		sentences = append(sentences, s.Evidence)
		for _, id := range s.EventIDs {
			if !seen[id] {
				seen[id] = true
				out.EventIDs = append(out.EventIDs, id)
			}
		}
	}
	sort.Strings(out.EventIDs)
	out.Evidence = strings.Join(sentences, "; ")
	return out
}

// sets collects what the signals name, each once.
type sets struct{ ips, sessions, apps, resources, agents, ids map[string]bool }

func newSets() *sets {
	m := func() map[string]bool { return map[string]bool{} }
	return &sets{m(), m(), m(), m(), m(), m()}
}

func (s *sets) add(x hunt.Signal) {
	if _, err := netip.ParseAddr(x.IP); err == nil {
		s.ips[x.IP] = true
	}
	aftermath := x.Hunt.Family == "aftermath"
	for _, v := range x.SessionIDs {
		s.sessions[v] = true
	}
	for _, v := range x.AppIDs {
		s.apps[v] = s.apps[v] || !aftermath
	}
	for _, v := range x.Resources {
		s.resources[v] = true
	}
	for _, v := range x.UserAgents {
		s.agents[v] = true
	}
	if !aftermath { // the rows of an audit log are proof, but no sign-ins
		for _, v := range x.EventIDs {
			s.ids[v] = true
		}
	}
}

func (s *sets) fill(f *Finding) {
	f.SourceIPs, f.SessionIDs, f.AppIDs = sorted(s.ips), sorted(s.sessions), sorted(s.apps)
	f.Resources, f.UserAgents, f.EventIDs = sorted(s.resources), sorted(s.agents), sorted(s.ids)
	f.EventCount = len(f.EventIDs)
}

func sorted(m map[string]bool) []string {
	out := []string{}
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func titles(group []hunt.Signal) string {
	seen := map[string]bool{}
	for _, s := range group {
		seen[s.Hunt.Signal] = true
	}
	return strings.Join(sorted(seen), ", ")
}

// explain finds an explanation that covers all addresses of a group.
func explain(group, explanations []hunt.Signal) string {
	because := ""
	for _, s := range group {
		if s.IP == "" {
			continue
		}
		found := ""
		for _, e := range explanations {
			if (e.UserID == "" || e.UserID == s.UserID) && covers(e.IP, s.IP) {
				found = e.Hunt.Name + ": " + e.Evidence
				break
			}
		}
		if found == "" {
			return ""
		}
		because = found
	}
	return because
}

// covers reports whether an explanation's address or network holds an address.
func covers(network, ip string) bool {
	if network == ip {
		return true
	}
	p, err := netip.ParsePrefix(network)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(ip)
	return err == nil && p.Contains(a)
}

func explainedOf(group []hunt.Signal, because string) Explained {
	s := newSets()
	for _, x := range group {
		s.add(x)
	}
	seen := map[string]bool{}
	for _, x := range group {
		seen[x.Hunt.Signal] = true
	}
	return Explained{User: group[0].User, UserID: group[0].UserID, Because: because, SourceIPs: sorted(s.ips), EventCount: len(s.ids), Signals: sorted(seen)}
}
