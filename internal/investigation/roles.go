package investigation

import (
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
)

// mark finds the attacker's rows: those of the finding's spots and those that a signal names; then the user's other rows at
// his addresses, where the user's own presences never were, since he came or in a session that he held there: a token that
// is refused by now, or moved to another client, is his still; and of the rows that say nothing about their caller those whose
// token was born at an address that only he had, in a session that he held there or while he was there.
func mark(f *finding.Finding, rows []signIn) (his []bool) {
	his = make([]bool, len(rows))
	spots, named := map[string]bool{}, map[string]bool{}
	for _, s := range f.Spots {
		spots[s] = true
	}
	for _, id := range f.EventIDs {
		named[id] = true
	}
	p, own, others := haunts{addresses: set{}, held: map[[2]string]bool{}}, set{}, set{}
	for i := range rows {
		r := &rows[i]
		if his[i] = spots[r.spot] || named[r.id]; his[i] {
			p.add(r)
		} else if r.own {
			own[r.ip] = true
		}
	}
	for i := range rows {
		r := &rows[i]
		switch {
		case his[i] || r.spot == "":
		case p.addresses[r.ip] && !own[r.ip] && (p.holds(r) || !r.at.Before(p.first.Add(-slack))):
			his[i] = true
			p.add(r)
		default:
			others[r.ip] = true
		}
	}
	for i := range rows {
		r := &rows[i]
		if r.spot == "" && p.addresses[r.ip] && !others[r.ip] && (p.holds(r) || p.during(r)) {
			his[i] = true
		}
	}
	return his
}

// haunts are the addresses of the attacker, the sessions that he held at each, and the time of his rows.
type haunts struct {
	addresses   set
	held        map[[2]string]bool
	first, last time.Time
}

func (p *haunts) add(r *signIn) {
	p.addresses[r.ip] = true
	p.held[[2]string{r.ip, r.session}] = r.session != ""
	if p.first.IsZero() || r.at.Before(p.first) {
		p.first = r.at
	}
	if r.at.After(p.last) {
		p.last = r.at
	}
}

// holds tells whether the row is of a session that he held at its address.
func (p *haunts) holds(r *signIn) bool { return p.held[[2]string{r.ip, r.session}] }

// during tells whether the row lies within his time.
func (p *haunts) during(r *signIn) bool {
	return !r.at.Before(p.first.Add(-slack)) && !r.at.After(p.last.Add(slack))
}

// slack is how long before the attacker's own rows the user's others at his addresses may lie, and before and after them those
// of applications that act for him.
const slack = time.Hour

// rolesOf says what each of the rows is to the finding, of which mark says whether it is the attacker's; "" for nothing. Beside the attacker's rows
// stand, of every session that he holds, the user's own that tell the two holders apart: the sign-in that began it, the
// last before he came and the first after. Rows that say nothing about their caller and failures tell nothing.
func rolesOf(rows []signIn, his []bool) []finding.Role {
	out := make([]finding.Role, len(rows))
	came := map[string]int{} // the attacker's first row of each session
	for i := range rows {
		if r := &rows[i]; his[i] {
			out[i] = finding.Attacker
			if _, known := came[r.session]; !known && r.session != "" {
				came[r.session] = i
			}
		}
	}
	before, after := map[string]int{}, map[string]int{}
	for i := range rows {
		r := &rows[i]
		at, held := came[r.session]
		if !held || his[i] || r.spot == "" || r.result != "0" {
			continue
		}
		last, seen := before[r.session]
		_, returned := after[r.session]
		switch {
		case i < at && !seen && r.interactive():
			out[i] = finding.Root
		case i < at:
			if seen && out[last] == finding.Victim {
				out[last] = ""
			}
			out[i] = finding.Victim
		case !returned:
			out[i] = finding.Victim
			after[r.session] = i
		}
		if i < at {
			before[r.session] = i
		}
	}
	return out
}

// event is the row as the finding lists it.
func (r *signIn) event(role finding.Role) finding.Event {
	return finding.Event{
		Table: r.table, Key: r.id, Time: r.at, File: r.file, Row: r.line, Role: role, IP: r.ip, AppID: r.appID, App: r.app, Resource: r.resource,
		UserAgent: r.agent, SessionID: r.session, ResultType: r.result, Interactive: r.interactive(),
	}
}
