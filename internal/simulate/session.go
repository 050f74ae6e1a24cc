package simulate

import (
	"sort"
	"time"
)

// session is one root authentication and all that inherits from it.
type session struct {
	id       string
	from     time.Time // when it was begun; before the evidence for some
	rooted   time.Time // when its root was logged; until then its holder has no token
	forced   bool      // what went before it was ended by a control
	method   method
	transfer string // how it was begun, where that was by a device code or a transfer; it stays with the session
}

// method is how a person proves who they are at the root of a session.
type method uint8

const (
	passwordAndPush method = iota
	passwordAndCode
	passkey
	helloForBusiness
	passwordOnly
)

// seat is where a person holds a session: a machine's broker, its browser or its command line. Who steals a session
// gets a seat too.
type seat struct {
	person   *person
	machine  *machine
	lo, hi   time.Duration // how long a session lives
	methods  []method
	transfer string
	sessions []session // in the order of time
	lost     bool      // its rows carry no SessionId, as old clients' do
}

const daily = 24 * time.Hour

// seat gives a person a seat at a machine whose sessions live from lo to hi days.
func (w *world) seat(p *person, m *machine, lo, hi int, methods ...method) *seat {
	s := &seat{person: p, machine: m, lo: time.Duration(lo) * daily, hi: time.Duration(hi) * daily, methods: methods}
	p.seats = append(p.seats, s)
	return s
}

// at is the index of the session that holds at a time.
func (s *seat) at(t time.Time) int {
	n := sort.Search(len(s.sessions), func(i int) bool { return s.sessions[i].from.After(t) })
	return max(0, n-1)
}

// plan fills a seat with sessions over the evidence: each lives for a while, and what ends all sessions ends it.
func (s *seat) plan(d dice, start, end time.Time, controls []control) {
	begin := start.Add(-d.span(0, s.hi))
	if s.machine.since.After(begin) {
		begin = s.machine.since
	}
	forced := false
	for begin.Before(end) || len(s.sessions) == 0 {
		now := session{id: d.guidText(), from: begin, method: pick(d, s.methods), transfer: s.transfer, forced: forced}
		if begin.Before(start) {
			now.rooted = begin
		}
		next := begin.Add(d.span(s.lo, s.hi))
		forced = false
		for _, c := range controls {
			if c.at.After(begin) && c.at.Before(next) && c.ends(now.method) {
				next, forced = c.at, true
			}
		}
		s.sessions = append(s.sessions, now)
		begin = next
	}
}

// ends says whether a control ends sessions that were begun by a method: a change of the password by its owner ends
// those alone that were begun with it.
// https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-revocation
func (c control) ends(m method) bool {
	return c.action != "change" || m != helloForBusiness && m != passkey
}

// stolen is the seat of whoever holds a copy of the session of a time.
func (s *seat) stolen(t time.Time, m *machine) *seat {
	copied := s.sessions[s.at(t)]
	copied.rooted = copied.from
	return &seat{person: s.person, machine: m, sessions: []session{copied}, lost: s.lost}
}
