package investigation

import (
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
)

// mark finds the attacker's rows: those of the finding's spots and those that a signal names; and of the rows that say
// nothing about their caller those whose token was born at an address that only the attacker had, in a session that he
// held there or while he was there.
func mark(f *finding.Finding, rows []signIn) (his []bool) {
	his = make([]bool, len(rows))
	spots, named := map[string]bool{}, map[string]bool{}
	for _, s := range f.Spots {
		spots[s] = true
	}
	for _, id := range f.EventIDs {
		named[id] = true
	}
	addresses, others, held := map[string]bool{}, map[string]bool{}, map[[2]string]bool{}
	var first, last time.Time
	for i := range rows {
		r := &rows[i]
		his[i] = spots[r.spot] || named[r.id]
		switch {
		case his[i]:
			addresses[r.ip] = true
			held[[2]string{r.ip, r.session}] = r.session != ""
			if first.IsZero() {
				first = r.at
			}
			last = r.at
		case r.spot != "":
			others[r.ip] = true
		}
	}
	for i := range rows {
		r := &rows[i]
		there := held[[2]string{r.ip, r.session}] || !r.at.Before(first.Add(-slack)) && !r.at.After(last.Add(slack))
		if r.spot == "" && addresses[r.ip] && !others[r.ip] && there {
			his[i] = true
		}
	}
	return his
}

// slack is how long before and after the attacker's own rows those of applications that act for him may lie.
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
