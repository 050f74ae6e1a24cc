package finding

import (
	"net/netip"
	"sort"

	"github.com/replaytrace/replaytrace/internal/hunt"
)

// sets collects what signals name, each once.
type sets struct {
	ips, sessions, apps, resources, agents, ids map[string]bool
	counted                                     map[string]int64 // rows by spot
	count                                       int64
}

func newSets() *sets {
	m := func() map[string]bool { return map[string]bool{} }
	return &sets{ips: m(), sessions: m(), apps: m(), resources: m(), agents: m(), ids: m(), counted: map[string]int64{}}
}

func (s *sets) add(x hunt.Signal) {
	if _, err := netip.ParseAddr(x.IP); err == nil {
		s.ips[x.IP] = true
	}
	for _, pair := range []struct {
		into map[string]bool
		from []string
	}{{s.sessions, x.SessionIDs}, {s.apps, x.AppIDs}, {s.resources, x.Resources}, {s.agents, x.UserAgents}, {s.ids, x.EventIDs}} {
		for _, v := range pair.from {
			pair.into[v] = true
		}
	}
	for _, spot := range x.Spots {
		s.count += max(x.Count-s.counted[spot], 0)
		s.counted[spot] = max(s.counted[spot], x.Count)
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
